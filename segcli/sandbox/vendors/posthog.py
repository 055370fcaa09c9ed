"""PostHog as a server: the batch API.

Rules from its documentation [doc]: posthog.com/docs/api/capture and /docs/data/ingestion-warnings;
and from its public code [code], `rust/capture`. The real one drops some wrong events silently. This
one answers 400 and names the wrong field, to reveal a wrong mapping.
"""

from typing import Any
from uuid import UUID

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements
from segcli.sandbox.vendors.rules import (
    no_text,
    not_object,
    not_text,
    not_time,
    unknown_key,
    wrong_types,
)
from segcli.sandbox.vendors.vendor import (
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
    always,
    read_list,
)

# "Under 20 MB".
_MOST_BYTES = 19_999_999
# Larger ones are dropped silently after processing.
_EVENT_BYTES = 1_000_000
_LONGEST_ID = 200
_ENVELOPE = frozenset({"api_key", "batch", "historical_migration", "sent_at"})
_EVENT = frozenset({"event", "properties", "timestamp", "uuid", "distinct_id"})
_OBJECTS = ("$set", "$set_once", "$group_set", "$groups")
# What an event of this name needs.
_NEEDED = {"$groupidentify": ("$group_type", "$group_key"), "$create_alias": ("alias",)}


def _batch(call: Call, value: JSON) -> RequestReading:
    if problem := not_object(value, "the body"):
        return Refusal(400, problem)
    if value.get("api_key") != call.key.decode():
        return Refusal(401, _KEY_HINT)
    if problem := _envelope_problem(value):
        return Refusal(400, problem)
    raws = elements(call.body, "batch")
    reading = read_list(value["batch"], raws, _event_problem, most_bytes=_EVENT_BYTES)
    return reading if isinstance(reading, Refusal) else _whole(reading)


def _envelope_problem(value: dict[str, Any]) -> str:
    return (
        unknown_key(value, _ENVELOPE)
        or wrong_types(value, {"historical_migration": bool, "batch": list})
        or ("" if "batch" in value else "batch is missing")
    )


def _whole(items: tuple[ReceivedItem, ...]) -> RequestReading:
    """Return the events, or refuse all of them for a wrong one [code]."""
    for place, item in enumerate(items):
        if item.problem:
            return Refusal(400, f"batch[{place}]: {item.problem}")
    return items


def _event_problem(event: JSON) -> str:
    if problem := (
        not_object(event, "event")
        or unknown_key(event, _EVENT)
        or no_text(event, "event")
        or not_object(event.get("properties", {}), "properties")
    ):
        return problem
    properties = event.get("properties", {})
    return (
        _user_problem(event.get("distinct_id", properties.get("distinct_id")))
        or wrong_types(properties, dict.fromkeys(_OBJECTS, dict))
        or no_text(properties, *_NEEDED.get(event["event"], ()))
        or ("timestamp" in event and not_time(event["timestamp"], "timestamp"))
        or ("uuid" in event and _uuid_problem(event["uuid"]))
        or ""
    )


def _user_problem(user: JSON) -> str:
    problem = not_text(user, "distinct_id") if user is not None else "distinct_id is missing"
    if problem:
        return problem
    is_long = len(user) > _LONGEST_ID
    return f"distinct_id is longer than {_LONGEST_ID} characters" if is_long else ""


def _uuid_problem(value: JSON) -> str:
    if problem := not_text(value, "uuid"):
        return problem
    try:
        UUID(value)
    except ValueError:
        return "uuid is no UUID"
    return ""


def _error(status: int, problem: str) -> dict[str, Any]:
    return {"type": "validation_error", "code": str(status), "detail": problem}


_KEY_HINT = "api_key must be the API key of the project"

POSTHOG = Vendor(
    routes={"/batch/": {"POST": VendorRoute(_batch, always(b'{"status":"Ok"}'))}},
    error=_error,
    key_hint=_KEY_HINT,
    most_body=_MOST_BYTES,
)
