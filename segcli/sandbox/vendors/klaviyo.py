"""Klaviyo as a server: jobs that create events and profiles.

Rules from its API description [doc], `stable.json` of github.com/klaviyo/openapi, revision
2026-07-15. It takes none of a request with a bad event, and points to each bad one [code].
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from segcli.core.event_time import parse_time
from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements
from segcli.sandbox.vendors.rules import (
    no_text,
    not_between,
    not_object,
    not_time,
    too_long,
    unknown_key,
    wrong_numbers,
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
    whole_or_none,
)

_CONTENT_TYPE = b"application/vnd.api+json"
_MOST_BYTES = 5_000_000
_MOST_EVENTS, _MOST_PROFILES = 1_000, 10_000
_PROFILE_BYTES = 100_000
_MOST_PROPERTIES = 400
_LONGEST_TEXT = 100_000
# "Under 128 characters" [code].
_LONGEST_NAME = 127
# 1990-01-01, in seconds; and how far in the future a time may be.
_OLDEST, _AHEAD = 631_152_000, 365 * 86_400
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_REVISION = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EVENT = frozenset({"properties", "time", "value", "value_currency", "unique_id", "metric"})
_IDS = ("email", "phone_number", "external_id", "anonymous_id")
_PROFILE_TEXTS = (*_IDS, "first_name", "last_name", "organization", "title", "image", "locale")
_PROFILE_TYPES: dict[str, type] = dict.fromkeys(_PROFILE_TEXTS, str) | dict.fromkeys(
    ("location", "properties"), dict
)

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A kind of job: its entries stand in a list under a name of its attributes.

    kind: its type.
    name: the name.
    problem: returns what is wrong with an entry.
    most: how many entries it may have.
    most_bytes: how large an entry may be; None for no bound.
    """

    kind: str
    name: str
    problem: Callable[[JSON], str]
    most: int
    most_bytes: int | None = None


def _read_job(job: _Job, call: Call, value: JSON) -> RequestReading:
    name = job.name
    if refusal := _envelope_refusal(call):
        return refusal
    found = (
        not_object(value, "the body")
        or _resource_problem(value.get("data"), job.kind, "data")
        or unknown_key(value["data"]["attributes"], frozenset({name}))
        or not_object(value["data"]["attributes"].get(name), name)
    )
    if found:
        return Refusal(400, found)
    entries = value["data"]["attributes"][name].get("data")
    if not isinstance(entries, list):
        return Refusal(400, f"{name}.data must be an array")
    raws = elements(call.body, "data", "attributes", name, "data")
    return read_list(entries, raws, job.problem, most=job.most, most_bytes=job.most_bytes)


def _envelope_refusal(call: Call) -> Refusal | None:
    if not _REVISION.fullmatch(call.headers.get(b"revision", b"")):
        return Refusal(400, "the header revision must be a date")
    if call.headers.get(b"content-type") != _CONTENT_TYPE:
        return Refusal(415, f"Content-Type must be {_CONTENT_TYPE.decode()}")
    if len(call.body) > _MOST_BYTES:
        return Refusal(413, f"the body must have at most {_MOST_BYTES:,} bytes")
    return None


def _resource_problem(thing: JSON, kind: str, name: str) -> str:
    """Return a problem unless it is an object of JSON:API of a type, with attributes."""
    if problem := not_object(thing, name) or unknown_key(thing, frozenset({"type", "attributes"})):
        return problem
    if thing.get("type") != kind:
        return f"{name}.type must be {kind}"
    return not_object(thing.get("attributes"), f"{name}.attributes")


def _entry_problem(entry: JSON) -> str:
    if problem := _resource_problem(entry, "event-bulk-create", "entry"):
        return problem
    inner = entry["attributes"]
    problem = unknown_key(inner, frozenset({"backfill", "profile", "events"})) or wrong_types(
        inner, {"backfill": bool, "profile": dict, "events": dict}
    )
    return problem or (
        _resource_problem(inner.get("profile", {}).get("data"), "profile", "profile.data")
        or _profile_problem(inner["profile"]["data"])
        or _events_problem(inner.get("events", {}).get("data"))
    )


def _events_problem(events: JSON) -> str:
    if not isinstance(events, list) or not events:
        return "events.data must be an array that is not empty"
    for event in events:
        if problem := (
            _resource_problem(event, "event", "event") or _event_problem(event["attributes"])
        ):
            return problem
    return ""


def _event_problem(event: dict[str, Any]) -> str:
    return (
        unknown_key(event, _EVENT)
        or wrong_types(event, {"unique_id": str})
        or wrong_numbers(event, ("value",))
        or _metric_problem(event.get("metric"))
        or _time_problem(event)
        or _properties_problem(event.get("properties"))
    )


def _metric_problem(metric: JSON) -> str:
    if problem := not_object(metric, "metric") or _resource_problem(
        metric.get("data"), "metric", "metric.data"
    ):
        return problem
    attributes = metric["data"]["attributes"]
    return no_text(attributes, "name") or too_long(attributes["name"], "name", _LONGEST_NAME)


def _time_problem(event: dict[str, Any]) -> str:
    # Without a time it is the time of the request.
    if "time" not in event:
        return ""
    if problem := not_time(event["time"], "time"):
        return problem
    seconds = parse_time(event["time"]).timestamp()
    return not_between(seconds, "time", oldest=_OLDEST, ahead=_AHEAD)


def _properties_problem(properties: JSON) -> str:
    if problem := not_object(properties, "properties"):
        return problem
    if len(properties) > _MOST_PROPERTIES:
        return f"properties must be at most {_MOST_PROPERTIES}"
    found = (too_long(value, f"properties.{name}", _LONGEST_TEXT)
             for name, value in properties.items())  # fmt: skip
    return next(filter(None, found), "")


def _profile_problem(profile: JSON) -> str:
    if problem := _resource_problem(profile, "profile", "profile"):
        return problem
    attributes = profile["attributes"]
    return (
        unknown_key(attributes, _PROFILE_TYPES.keys())
        or _null_or_wrong(attributes)
        or ("" if any(attributes.get(name) for name in _IDS) else "profile needs an identifier")
        or _phone_problem(attributes.get("phone_number"))
        or _email_problem(attributes.get("email"))
    )


def _null_or_wrong(attributes: dict[str, Any]) -> str:
    """Return a problem for the first value of a wrong type; null clears a value."""
    given = {name: value for name, value in attributes.items() if value is not None}
    return wrong_types(given, _PROFILE_TYPES)


def _phone_problem(phone: JSON) -> str:
    is_good = phone is None or _E164.fullmatch(phone)
    return "" if is_good else "phone_number must be in the form of E.164"


def _email_problem(email: JSON) -> str:
    return "" if email is None or "@" in email else "email is no address"


def _failed(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> tuple[int, bytes]:
    """Return the reply that points to each bad event or profile."""
    is_event = '"event-bulk-create"' in items[0].raw.decode()
    name = "events-bulk-create" if is_event else "profiles"
    errors = [
        _json_api_error(400, items[place].why, f"/data/attributes/{name}/data/{place}")
        for place in failed
    ]
    return 400, json.dumps({"errors": errors}).encode()


def _json_api_error(status: int, detail: str, pointer: str) -> Table:
    return {
        "id": "0",
        "status": status,
        "code": "invalid",
        "title": "Invalid input.",
        "detail": detail,
        "source": {"pointer": pointer},
    }


def _error(status: int, problem: str) -> dict[str, Any]:
    return {"errors": [_json_api_error(status, problem, "/data")]}


_EVENTS = _Job(
    kind="event-bulk-create-job",
    name="events-bulk-create",
    problem=_entry_problem,
    most=_MOST_EVENTS,
)
_PROFILES = _Job(
    kind="profile-bulk-import-job",
    name="profiles",
    problem=_profile_problem,
    most=_MOST_PROFILES,
    most_bytes=_PROFILE_BYTES,
)

KLAVIYO = Vendor(
    routes={
        "/api/event-bulk-create-jobs": {
            "POST": VendorRoute(partial(_read_job, _EVENTS), always(b""))
        },
        "/api/profile-bulk-import-jobs": {
            "POST": VendorRoute(partial(_read_job, _PROFILES), always(b"{}"))
        },
    },
    error=_error,
    header=b"authorization",
    credential=lambda key: b"Klaviyo-API-Key " + key,
    key_hint="Authorization must be Klaviyo-API-Key <key>",
    json_only=False,
    by_item=_failed,
    lost=whole_or_none,
)
