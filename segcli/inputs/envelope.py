"""Recognize envelopes, in which queues, functions and other tools wrap events, and unwrap them.

A name alone proves nothing: a value is an envelope only if it contains a Segment event.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from segcli.core import exact_json
from segcli.core.event import TYPES

_DEPTH = 6
_ITEMS = 3
_KEYS = 60
# The values of these keys are content of an event, not events.
_CONTENT = frozenset({"properties", "traits", "context", "integrations", "options"})
_IDS = ("userId", "anonymousId", "user_id", "anonymous_id")
_FIELDS = ("event", "properties", "traits", "context", "messageId", "timestamp", "previousId")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
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


def unwrapping(value: object) -> str:
    """Return the jq program that extracts the events from a value; empty if it has none.

    It is `.` for an event.
    """
    steps = _steps_to_event(value, _DEPTH)
    return "" if steps is None else _program(steps)


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


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """Yield the parts of a value, each with the step of a jq program that leads to it."""
    if isinstance(value, dict):
        for key, inner in islice(value.items(), _KEYS):
            if key not in _CONTENT:
                yield _key(key), inner
    elif isinstance(value, list):
        yield from (("[]", inner) for inner in value[:_ITEMS])
    elif isinstance(value, str):
        yield from _texts_in(value.strip())


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


def _program(steps: Sequence[str]) -> str:
    """Join steps: steps of a path directly, functions with a `|`."""
    stages: list[str] = [""]
    for step in steps:
        is_path = step.startswith((".", "["))
        if not is_path:
            stages += [step, ""]
        elif step == "[]":
            stages[-1] = f"{stages[-1] or '.'}[]"
        else:
            stages[-1] += step.removeprefix(".") if stages[-1].endswith(".") else step
    return " | ".join(filter(None, stages)) or "."
