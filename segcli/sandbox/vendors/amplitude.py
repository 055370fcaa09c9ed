"""Amplitude as a server: events in batches, and forms with users or groups.

Rules from its documentation [doc]: the pages of the HTTP V2, Batch Event Upload and Identify APIs.
It takes none of a request with a bad event, and maps fields to the positions of bad events.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements, parse_body, parse_form
from segcli.sandbox.vendors.rules import (
    no_text,
    not_object,
    unknown_key,
    wrong,
    wrong_numbers,
    wrong_types,
)
from segcli.sandbox.vendors.vendor import (
    NEVER,
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
    always,
    read_list,
    whole_or_none,
)

_MOST_EVENTS = 2_000
_MOST_BYTES = 20_000_000
# An identifier that is shorter is cut off, unless the options say otherwise.
_SHORTEST_ID = 5
# Some of those that the documentation lists.
_NOBODY = frozenset({"anonymous", "null", "0", "unknown"})
_TEXTS = (
    *("app_version", "carrier", "city", "country", "region", "device_brand", "device_id"),
    *("device_manufacturer", "device_model", "event_type", "idfa", "idfv", "adid", "insert_id"),
    *("ip", "language", "library", "os_name", "os_version", "platform", "productId"),
    *("revenueType", "user_id"),
)
_NUMBERS = ("location_lat", "location_lng", "price", "quantity", "revenue")
_OBJECTS = ("event_properties", "user_properties", "groups")
_TYPES: dict[str, type] = dict.fromkeys(_TEXTS, str) | dict.fromkeys(_OBJECTS, dict)
_EVENT = frozenset({*_TYPES, *_NUMBERS, "time", "session_id", "$skip_user_properties_sync"})
_USER = frozenset(_EVENT - {"event_type", "event_properties", "insert_id", "session_id"})
_GROUP = frozenset({"group_type", "group_value", "group_properties"})
_ENVELOPE = frozenset({"api_key", "events", "options"})
# A wrong key gets the status of other bad requests, and a text that begins so [code: Amplitude's
# own SDKs look for it]; what follows is a [guess].
_WRONG_KEY = 400
_KEY_HINT = "Invalid API key: api_key must be the API key of the project"


def _batch(call: Call, value: JSON) -> RequestReading:
    if problem := not_object(value, "the body") or unknown_key(value, _ENVELOPE):
        return Refusal(400, problem)
    if value.get("api_key") != call.key.decode():
        return Refusal(_WRONG_KEY, _KEY_HINT)
    options = value.get("options", {})
    if problem := _options_problem(options):
        return Refusal(400, problem)
    if not isinstance(value.get("events"), list):
        return Refusal(400, "events must be an array")
    problem_of = partial(_event_problem, shortest=options.get("min_id_length", _SHORTEST_ID))
    raws = elements(call.body, "events")
    return read_list(value["events"], raws, problem_of, most=_MOST_EVENTS)


def _options_problem(options: JSON) -> str:
    return not_object(options, "options") or wrong_types(options, {"min_id_length": int})


def _event_problem(event: JSON, *, shortest: int) -> str:
    return (
        not_object(event, "event")
        or unknown_key(event, _EVENT)
        or no_text(event, "event_type")
        or _common_problem(event, shortest=shortest)
        or _milliseconds_problem(event, "time")
        or ("" if "session_id" not in event else _milliseconds_problem(event, "session_id"))
    )


def _common_problem(thing: dict[str, Any], *, shortest: int) -> str:
    return (
        wrong_types(thing, _TYPES)
        or wrong_numbers(thing, _NUMBERS)
        or _id_problem(thing, shortest=shortest)
    )


def _milliseconds_problem(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    return "" if type(value) is int else wrong(name, "an integer, milliseconds", value)


def _id_problem(thing: dict[str, Any], *, shortest: int) -> str:
    given = [name for name in ("user_id", "device_id") if thing.get(name)]
    for name in given:
        if thing[name].lower() in _NOBODY:
            return f"{name} is a placeholder"
    if not given:
        return "user_id is missing, and so is device_id"
    if all(len(thing[name]) < shortest for name in given):
        return f"{given[0]} is shorter than {shortest} characters"
    return ""


def _fields(call: Call) -> JSON:
    """Return the fields of a form, the values that are JSON decoded; raises ValueError."""
    fields: dict[str, Any] = dict(parse_form(call.body))
    for name in {"identification", "options"} & fields.keys():
        fields[name] = parse_body(fields[name].encode())
    return fields


def _form(problem: Callable[..., str], call: Call, fields: JSON) -> RequestReading:
    """Read a form with one object or a list of them."""
    if fields.get("api_key") != call.key.decode():
        return Refusal(_WRONG_KEY, _KEY_HINT)
    options = fields.get("options", {})
    if found := (
        unknown_key(fields, frozenset({"api_key", "identification", "options"}))
        or _options_problem(options)
    ):
        return Refusal(400, found)
    things = fields.get("identification")
    things = things if isinstance(things, list) else [things]
    shortest = options.get("min_id_length", _SHORTEST_ID)
    raws = [json.dumps(thing).encode() for thing in things]
    return read_list(things, raws, partial(problem, shortest=shortest))


def _user_problem(user: JSON, *, shortest: int) -> str:
    return (
        not_object(user, "the user")
        or unknown_key(user, _USER)
        or _common_problem(user, shortest=shortest)
    )


def _group_problem(group: JSON, *, shortest: int) -> str:  # noqa: ARG001  # as of users
    return (
        not_object(group, "the group")
        or unknown_key(group, _GROUP)
        or no_text(group, "group_type", "group_value")
        or wrong_types(group, {"group_properties": dict})
    )


def _ingested(items: Sequence[ReceivedItem]) -> bytes:
    return json.dumps({"code": 200, "events_ingested": len(items)}).encode()


def _failed(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> tuple[int, bytes]:
    """Return the reply that names bad events by their positions; of a form it names none."""
    reply: dict[str, Any] = {"code": 400, "error": "Request has invalid events"}
    if any(item.has("event_type") for item in items):
        for place, status in failed.items():
            _name(reply, place, status, items[place])
    return 400, json.dumps(reply).encode()


def _name(reply: dict[str, Any], place: int, status: int, item: ReceivedItem) -> None:
    if status != NEVER:
        reply.setdefault("throttled_events", []).append(place)
        return
    field, problem = item.field or "event_properties", item.problem
    kind = "events_with_invalid_fields"
    if " is missing" in problem:
        kind = "events_with_missing_fields"
    elif " is shorter " in problem:
        kind = "events_with_invalid_id_lengths"
    reply.setdefault(kind, {}).setdefault(field, []).append(place)


def _error(status: int, problem: str) -> dict[str, Any]:
    return {"code": status, "error": problem}


AMPLITUDE = Vendor(
    routes={
        "/batch": {"POST": VendorRoute(_batch, _ingested)},
        "/identify": {
            "POST": VendorRoute(partial(_form, _user_problem), always(b"success"), _fields)
        },
        "/groupidentify": {
            "POST": VendorRoute(partial(_form, _group_problem), always(b"success"), _fields)
        },
    },
    error=_error,
    key_hint=_KEY_HINT,
    json_only=False,
    most_body=_MOST_BYTES,
    by_item=_failed,
    lost=whole_or_none,
)
