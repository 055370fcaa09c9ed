"""The same test run, the same bytes: ids and times from order and content; pure functions.

What differs from run to run is when a client sent what, and which ids it drew. So requests that
run side by side must not decide about the order. Events are put into series: those that one client
library sent of one user. A series is in the order of the client's own clock, and the series are in
the order of their content.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from segcli.capture.finish import time_text
from segcli.core import exact_json
from segcli.core.event import TIME_FIELDS, identifier, is_time, parse_time

# Every series starts here and goes on by a second an event.
_START = datetime(2025, 1, 1, tzinfo=UTC)
_STEP = timedelta(seconds=1)
# Which clock tells the order of a series: the client's, as far as it is known.
_CLOCKS = ("originalTimestamp", "timestamp", "receivedAt")
# A new version of a browser or of a client changes the surroundings, and is to change no id.
_SURROUNDINGS = ("context", "_metadata")
_DRAWN = frozenset({"messageId", "anonymousId", "previousId", *TIME_FIELDS})


@dataclass(frozen=True, slots=True)
class _Captured:
    """A line and what is known of it.

    value: the event, or what stood in its place.
    content: what it says, without ids, times and surroundings; the same whatever the order of keys.
    surroundings: its context and metadata, likewise.
    """

    value: Any
    content: bytes
    surroundings: bytes


def stabilized(lines: Iterable[bytes]) -> list[bytes]:
    """Return the lines of a capture, in the order in which they came, with what is drawn replaced.

    messageId, anonymousId and the four times are derived; an alias' previousId follows if it is
    such an anonymousId. A time that is none stays as it is. What came in another order, with other
    ids or at other times gives the same lines, if each client sent the same in its own order.
    """
    series: dict[tuple[str, str], list[_Captured]] = defaultdict(list)
    for line in lines:
        captured = _captured(exact_json.loads(line))
        series[_owner(captured.value)].append(captured)
    for one in series.values():
        one.sort(key=lambda captured: _moment(captured.value))
    ordered = sorted(series.values(), key=_order)
    names = _new_anonymous_ids(ordered)
    seen: Counter[bytes] = Counter()
    return [
        exact_json.dumps(_derived(captured, place, names, seen))
        for one in ordered
        for place, captured in enumerate(one)
    ]


def _captured(value: Any) -> _Captured:
    if not isinstance(value, dict):
        return _Captured(value, _one_form(value), b"")
    kept = {name: inner for name, inner in value.items() if name not in _DRAWN}
    surroundings = [kept.pop(name, None) for name in _SURROUNDINGS]
    return _Captured(value, _one_form(kept), _one_form(surroundings))


def _one_form(value: Any) -> bytes:
    """Return the same bytes for the same JSON value, whatever the order of its keys."""
    return exact_json.dumps(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(inner) for inner in value] if isinstance(value, list) else value


def _owner(value: Any) -> tuple[str, str]:
    """Return whose series an event is in: by client library, and anonymousId or else userId."""
    if not isinstance(value, dict):
        return ("", "")
    context = value.get("context")
    library = context.get("library") if isinstance(context, dict) else None
    name = library.get("name") if isinstance(library, dict) else None
    user = identifier(value.get("anonymousId")) or identifier(value.get("userId")) or ""
    return (name if isinstance(name, str) else "", user)


def _moment(value: Any) -> tuple[datetime, datetime]:
    """Return when an event happened and was sent by its client's clock.

    Events of one moment keep the order in which they came.
    """
    return _first_time(value, _CLOCKS), _first_time(value, ("sentAt",))


def _first_time(value: Any, names: Iterable[str]) -> datetime:
    if isinstance(value, dict):
        for name in names:
            if is_time(value.get(name)):
                return parse_time(value[name])
    return _START


def _order(series: Sequence[_Captured]) -> tuple[list[bytes], list[bytes]]:
    return [one.content for one in series], [one.surroundings for one in series]


def _new_anonymous_ids(ordered: Iterable[Sequence[_Captured]]) -> dict[str, str]:
    """Return the new anonymousId of each, from the content of its first event."""
    names: dict[str, str] = {}
    seen: Counter[bytes] = Counter()
    for series in ordered:
        for captured in series:
            old = _anonymous_id(captured.value)
            if old and old not in names:
                names[old] = _id("anonymousId", captured.content, seen)
    return names


def _anonymous_id(value: Any) -> str | None:
    return identifier(value.get("anonymousId")) if isinstance(value, dict) else None


def _derived(captured: _Captured, place: int, names: dict[str, str], seen: Counter[bytes]) -> Any:
    """Return an event with the ids and times of its place in its series."""
    if not isinstance(captured.value, dict):
        return captured.value
    event = dict(captured.value)
    for name in ("anonymousId", "previousId"):
        old = identifier(event.get(name))
        if old in names:
            event[name] = names[old]
    user = event.get("anonymousId") or ""
    event["messageId"] = _id("messageId", f"{user} ".encode() + captured.content, seen)
    now = time_text(_START + place * _STEP)
    return event | {name: now for name in TIME_FIELDS if is_time(event.get(name))}


def _id(purpose: str, content: bytes, seen: Counter[bytes]) -> str:
    """Return an id for the next thing of this content, in the form of a UUID."""
    number = seen[content]
    seen[content] += 1
    digest = hashlib.sha256(f"{purpose} {number} ".encode() + content).digest()
    return str(UUID(bytes=digest[:16], version=5))
