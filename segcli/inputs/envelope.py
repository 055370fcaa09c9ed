"""Recognize envelopes, in which queues, functions and other tools wrap events, and unwrap them.

A name alone proves nothing: a value is an envelope only if it contains a Segment event.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from segcli.core import exact_json
from segcli.core.event import TYPES

_DEPTH = 8
_ITEMS = 3
_KEYS = 60
# The values of these keys are content of an event, not events.
_CONTENT = frozenset({"properties", "traits", "context", "integrations", "options"})
_IDS = ("userId", "anonymousId", "user_id", "anonymous_id")
_FIELDS = ("event", "properties", "traits", "context", "messageId", "timestamp", "previousId")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
_DIGIT = re.compile("[0-9]")
# The step to each item of a list, and to each value of an object.
_EACH = "[]"
_FROM_JSON = "fromjson"
_FROM_LINES = 'split("\\n")[] | select(length > 0) | fromjson'
_FROM_BASE64 = "@base64d"


def is_event(value: object) -> bool:
    """True for a Segment event, or for a value that is clearly meant as one."""
    if not isinstance(value, dict):
        return False
    has_user = any(isinstance(value.get(name), str | int) for name in _IDS)
    has_field = any(name in value for name in _FIELDS)
    kind = value.get("type")
    if isinstance(kind, str) and kind in TYPES:
        return has_user or has_field
    return has_user and has_field and kind is None


def unwrapping(value: object, *, is_careful: bool = False) -> str:
    """Return the jq program that extracts the events from a value; empty if it has none.

    It is `.` for an event. If a part of the value has no event where the others have theirs, or if
    `is_careful`, the program returns such a part as it is, so that segcli rejects it: a failure
    would lose the parts after it.
    """
    steps = _steps_to_event(value, _DEPTH)
    if steps is None:
        return ""
    return _program(steps, is_careful=is_careful or not _fits(value, steps))


def unwrapping_of_rest(value: object) -> str:
    """Return the jq program for events in a value that `unwrapping` leaves out; empty if none."""
    before: list[str] = []
    for step in _steps_to_event(value, _DEPTH) or ():
        if isinstance(value, dict) and step != _EACH:
            others = {key: inner for key, inner in value.items() if _key(key) != step}
            if (steps := _steps_to_event(others, _DEPTH - len(before))) is not None:
                return _program([*before, *steps])
        before.append(step)
        value = next((inner for to_it, inner in _parts(value) if to_it == step), None)
    return ""


def _steps_to_event(value: object, levels: int) -> Sequence[str] | None:
    """Return the steps from a value to the first event in it; None if it has none."""
    if is_event(value):
        return ()
    if levels == 0:
        return None
    for step, inner in _parts(value):
        if (steps := _steps_to_event(inner, levels - 1)) is not None:
            return (step, *steps)
    return None


def _fits(value: object, steps: Sequence[str]) -> bool:
    """True if all steps lead from a value, and from each of its items, to an object."""
    if not steps:
        return isinstance(value, dict)
    step, *more = steps
    found = [inner for to_it, inner in _parts(value, most=None) if to_it == step]
    return bool(found) and all(_fits(inner, more) for inner in found)


def _parts(value: object, *, most: int | None = _ITEMS) -> Iterator[tuple[str, object]]:
    """Yield the parts of a value, each with the step of a jq program that leads to it.

    For a list, and for an object whose keys are data, it yields at most `most` parts.
    """
    if isinstance(value, dict) and _has_data_as_keys(value):
        yield from ((_EACH, inner) for inner in islice(value.values(), most))
    elif isinstance(value, dict):
        for key, inner in islice(value.items(), _KEYS):
            if key not in _CONTENT:
                yield _key(key), inner
    elif isinstance(value, list):
        yield from ((_EACH, inner) for inner in value[:most])
    elif isinstance(value, str):
        yield from _texts_in(value.strip())


def _has_data_as_keys(value: dict[str, object]) -> bool:
    """True if the keys of an object seem to be ids, or topics with a number."""
    return (
        len(value) > 0
        and any(map(_DIGIT.search, value))
        and all(isinstance(inner, dict | list) for inner in value.values())
    )


def _texts_in(text: str) -> Iterator[tuple[str, object]]:
    """Yield the JSON in a text: as a document, as lines, or in base64."""
    if text.startswith(("{", "[", '"{')):
        try:
            yield _FROM_JSON, exact_json.loads(text.encode())
        except ValueError:
            first, *more = text.splitlines()
            if more:
                yield from ((_FROM_LINES, inner) for _, inner in _texts_in(first))
    elif _BASE64.fullmatch(text) and len(text) % 4 == 0:
        try:
            decoded = base64.b64decode(text).decode()
        except ValueError:
            return
        if decoded.lstrip().startswith(("{", "[")):
            yield _FROM_BASE64, decoded


def _key(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f".[{exact_json.dumps(key).decode()}]"


def _program(steps: Sequence[str], *, is_careful: bool = False) -> str:
    """Join steps: steps of a path directly, functions with a `|`."""
    if is_careful and _EACH in steps[:-1]:
        end = steps.index(_EACH) + 1
        rest = _program(steps[end:], is_careful=True)
        return f"{_program(steps[:end])} | ({rest})? // ."
    stages: list[str] = [""]
    for step in steps:
        if not step.startswith((".", "[")):
            stages += [step, ""]
        elif stages[-1]:
            stages[-1] += step.removeprefix(".") if step.startswith(".[") else step
        else:
            stages[-1] = step if step.startswith(".") else f".{step}"
    return " | ".join(filter(None, stages)) or "."
