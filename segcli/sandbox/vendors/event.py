"""What every Segment event must have, for the vendors that take events as they are."""

from typing import Any

from segcli.sandbox.body import JSON
from segcli.sandbox.vendors.checks import no_text, not_object, not_time, wrong

KINDS = frozenset({"identify", "track", "page", "screen", "group", "alias"})

_IDS = ("userId", "anonymousId")
_OBJECTS = ("context", "integrations", "properties", "traits")
_ID_TYPES = (str, int, float)


def event_problem(event: JSON) -> str:
    """Complain of the first thing that is wrong with a Segment event.

    Checked is what Segment's spec asks of every event [doc]: a known type, one of the two ids,
    the name of a track, objects where objects belong, a timestamp that parses. Fields that the
    spec does not name are fine, and so is null, since archives are full of both.
    """
    return (
        not_object(event, "the event")
        or _kind_problem(event)
        or _id_problem(event)
        or (no_text(event, "event") if event["type"] == "track" else "")
        or _object_problem(event)
        or _time_problem(event.get("timestamp"))
    )


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
        if value is not None and type(value) is not dict:
            return wrong(name, "an object", value)
    return ""


def _time_problem(timestamp: object) -> str:
    return "" if timestamp is None else not_time(timestamp, "timestamp")
