"""Intercom as a server: events of contacts, one a request.

Rules from its OpenAPI description 2.15 [doc]. Every contact exists here; the real one answers 404
to an event of an unknown person. Nothing is said of the oldest time.
"""

from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON
from segcli.sandbox.vendors.credentials import bearer
from segcli.sandbox.vendors.rules import (
    below_field,
    no_text,
    not_object,
    not_one_of,
    not_seconds,
    unknown_key,
)
from segcli.sandbox.vendors.vendor import (
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
    always,
)

_MOST_KEYS = 10
_EVENT = frozenset({"event_name", "created_at", "user_id", "id", "email", "metadata"})
# The fields of the values that may be objects: an amount of money, and a link.
_RICH = (frozenset({"amount", "currency"}), frozenset({"url", "value"}))


def _event(call: Call, value: JSON) -> RequestReading:
    if b"intercom-version" not in call.headers:
        return Refusal(400, "Intercom-Version is missing: what it means would depend on the app")
    problem = _event_problem(value)
    return Refusal(400, problem) if problem else (ReceivedItem(value, call.body),)


def _event_problem(event: JSON) -> str:
    return (
        not_object(event, "the event")
        or unknown_key(event, _EVENT)
        or no_text(event, "event_name")
        or not_one_of(event, "user_id", "id", "email")
        or ("" if "created_at" in event else "created_at is missing")
        or not_seconds(event, "created_at")
        or _metadata_problem(event.get("metadata", {}))
    )


def _metadata_problem(metadata: JSON) -> str:
    if problem := not_object(metadata, "metadata"):
        return problem
    if len(metadata) > _MOST_KEYS:
        return f"metadata must have at most {_MOST_KEYS} keys"
    for name, value in metadata.items():
        is_rich = isinstance(value, dict) and any(value.keys() <= fields for fields in _RICH)
        if isinstance(value, dict | list) and not is_rich:
            return below_field("metadata", f"{name} must not be nested")
        # A number there is a time; a text is no date to Intercom [guess].
        is_time = name.endswith("_date") and isinstance(value, int | float)
        if is_time and (problem := not_seconds(metadata, name)):
            return below_field("metadata", problem)
    return ""


def _error(_status: int, problem: str) -> dict[str, Any]:
    errors = [{"code": "parameter_invalid", "message": problem}]
    return {"type": "error.list", "request_id": "sandbox", "errors": errors}


INTERCOM = Vendor(
    routes={"/events": {"POST": VendorRoute(_event, always(b""))}},
    error=_error,
    header=b"authorization",
    credential=bearer,
    key_hint="Authorization must be Bearer <access token>",
)
