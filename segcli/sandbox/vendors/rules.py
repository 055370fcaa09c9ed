"""The small checks that the rules of vendors consist of.

Each returns the first problem, which starts with the name of the field, or "" if there is none,
so `or` joins them. A problem never quotes a value, because that may be a person's address.
"""

import json
import time
from collections.abc import Iterable, Mapping, Set
from typing import Any, cast

from segcli.core.event_time import is_time
from segcli.sandbox.json_body import JSON

# 2100-01-01. A time in milliseconds is larger, if it is later than February 1970.
_LATEST = 4_102_444_800

_TYPE_NAMES = {
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
    dict: "an object",
    list: "an array",
    type(None): "null",
}
TEXT_TYPES = frozenset({str})
NUMBER_TYPES = frozenset({int, float})
SCALAR_TYPES = TEXT_TYPES | NUMBER_TYPES | {bool}

KINDS = frozenset({"identify", "track", "page", "screen", "group", "alias"})
_IDS = ("userId", "anonymousId")
_OBJECTS = ("context", "integrations", "properties", "traits")
_ID_TYPES = (str, int, float)


def json_size(value: JSON) -> int:
    """Return the bytes of a value as compact JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def not_object(value: object, name: str) -> str:
    """Return a problem unless the value is a JSON object."""
    return "" if type(value) is dict else wrong(name, "an object", value)


def unknown_key(thing: Mapping[str, Any], known: Set[str]) -> str:
    """Return a problem for the first unknown key."""
    for name in thing:
        if name not in known:
            return f"{name} is not a known field; known are {', '.join(sorted(known))}"
    return ""


def not_list_under(value: object, name: str, *others: str) -> str:
    """Return a problem unless the value is an object with a list, and no other fields but these."""
    if problem := not_object(value, "the body") or unknown_key(cast(Any, value), {name, *others}):
        return problem
    found = cast(Any, value).get(name)
    return "" if type(found) is list else wrong(name, "an array", found)


def no_text(thing: Mapping[str, Any], *names: str) -> str:
    """Return a problem unless each of the fields exists and is a string that is not blank."""
    for name in names:
        if name not in thing:
            return f"{name} is missing"
        if problem := not_text(thing[name], name):
            return problem
    return ""


def not_text(value: object, name: str) -> str:
    """Return a problem unless the value is a string that is not blank."""
    if type(value) is not str:
        return wrong(name, "a string", value)
    return "" if value.strip() else f"{name} must not be empty"


def wrong_types(thing: Mapping[str, Any], types: Mapping[str, type]) -> str:
    """Return a problem for the first field that exists and has another type."""
    for name, expected in types.items():
        if name in thing and type(thing[name]) is not expected:
            return wrong(name, _TYPE_NAMES[expected], thing[name])
    return ""


def wrong_numbers(thing: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return a problem for the first of the fields that exists and is not a number."""
    for name in names:
        if name in thing and type(thing[name]) not in NUMBER_TYPES:
            return wrong(name, "a number", thing[name])
    return ""


def too_long(value: object, name: str, most: int) -> str:
    """Return a problem for a text with too many characters."""
    is_long = isinstance(value, str) and len(value) > most
    return f"{name} is longer than {most:,} characters" if is_long else ""


def too_many_bytes(value: object, name: str, most: int) -> str:
    """Return a problem for a text with too many bytes."""
    is_long = isinstance(value, str) and len(value.encode(errors="replace")) > most
    return f"{name} is longer than {most:,} bytes" if is_long else ""


def not_one_of(thing: Mapping[str, Any], *names: str) -> str:
    """Return a problem unless one of the fields exists; each that does is a text, not blank."""
    given = [name for name in names if name in thing]
    for name in given:
        if problem := not_text(thing[name], name):
            return problem
    return "" if given else f"{' or '.join(names)} is required"


def below_field(name: str, problem: str) -> str:
    """Return a problem of a field of an object with the name of the object before it."""
    return f"{name}.{problem}" if problem else ""


def wrong_values(value: object, name: str, types: Iterable[type]) -> str:
    """Return a problem unless the value is an object whose values all have one of the types."""
    if type(value) is not dict:
        return wrong(name, "an object", value)
    for key, inner in value.items():
        if type(inner) not in types:
            return wrong(f"{name}.{key}", _any_of(types), inner)
    return ""


def not_time(value: object, name: str) -> str:
    """Return a problem unless the value is a string with a time, by segcli's own rule."""
    if type(value) is not str:
        return wrong(name, "a string", value)
    return "" if is_time(value) else f"{name} is not a time that the sandbox reads"


def not_seconds(thing: Mapping[str, Any], name: str) -> str:
    """Return a problem if the field exists and is not a plausible integer of unix seconds."""
    if name not in thing:
        return ""
    value = thing[name]
    if type(value) is not int:
        return f"{name} must be an integer, unix seconds"
    if 0 <= value <= _LATEST:
        return ""
    return f"{name} must be unix seconds, from 1970 to 2100; milliseconds are too large"


def not_between(seconds: float, name: str, *, oldest: float, ahead: float) -> str:
    """Return a problem for a time that is before `oldest`, or too far in the future, in seconds."""
    if seconds < oldest:
        return f"{name} is older than this vendor takes"
    return f"{name} is too far in the future" if seconds > time.time() + ahead else ""


def too_deep(value: object, name: str, levels: int) -> str:
    """Return a problem for objects and lists that are nested in too many levels."""
    if not isinstance(value, dict | list):
        return ""
    inner = value.values() if isinstance(value, dict) else value
    if not levels:
        return f"{name} is nested too deeply"
    return next(filter(None, (too_deep(one, name, levels - 1) for one in inner)), "")


def wrong(name: str, expected: str, value: object) -> str:
    """Return the problem of a value of the wrong type."""
    return f"{name} must be {expected}, not {_TYPE_NAMES[type(value)]}"


def segment_event_problem(event: JSON) -> str:
    """Return the first problem of a Segment event, or "".

    It checks what Segment's spec requires of every event [doc]: a known type, one of the two ids,
    the name of a track, objects in the fields for objects, and a valid timestamp. Other fields
    and null are allowed, because archives are full of both.
    """
    return (
        not_object(event, "the event")
        or _kind_problem(event)
        or _id_problem(event)
        or (no_text(event, "event") if event["type"] == "track" else "")
        or _object_problem(event)
        or _time_problem(event.get("timestamp"))
    )


def _any_of(types: Iterable[type]) -> str:
    return " or ".join(sorted({_TYPE_NAMES[each] for each in types}))


def _kind_problem(event: dict[str, Any]) -> str:
    if problem := no_text(event, "type"):
        return problem
    return "" if event["type"] in KINDS else f"type must be one of {', '.join(sorted(KINDS))}"


def _id_problem(event: dict[str, Any]) -> str:
    given = [name for name in _IDS if event.get(name) not in (None, "")]
    for name in given:
        if type(event[name]) not in _ID_TYPES:
            return wrong(name, "a string or a number", event[name])
    return "" if given else "userId or anonymousId is required"


def _object_problem(event: dict[str, Any]) -> str:
    for name in _OBJECTS:
        value = event.get(name)
        # PHP writes an empty object as an empty array.
        if value is not None and value != [] and type(value) is not dict:
            return wrong(name, "an object", value)
    return ""


def _time_problem(timestamp: object) -> str:
    return "" if timestamp is None else not_time(timestamp, "timestamp")
