"""Derives ids, times and order from content, so that the same test run gives the same bytes.

Random ids and times differ from run to run, and so does the order of concurrent requests. So the
events are put into series: the events of one user from one client library. A series is in the
order of the client's clock. The series are sorted by their content. These are pure functions.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from segcli.capture.finish import time_text
from segcli.core import exact_json
from segcli.core.event import TIME_FIELDS, identifier
from segcli.core.event_time import is_time, parse_time

# The times of each series start here, with one second between events.
_START = datetime(2025, 1, 1, tzinfo=UTC)
_STEP = timedelta(seconds=1)
# The times that give the order of a series: the client's own, if it is known.
_CLOCKS = ("originalTimestamp", "timestamp", "receivedAt")
# A new version of a browser or client changes these. It must not change an id.
_SURROUNDINGS = ("context", "_metadata")
_DRAWN = frozenset({"messageId", "anonymousId", "previousId", *TIME_FIELDS})
_OF_VISITORS = frozenset({"anonymousId", "previousId"})
# A text this long that equals an anonymousId is one, in any field. A shorter one may be a word.
_LONG = 16


@dataclass(frozen=True, slots=True)
class _Captured:
    """A captured line.

    value: the event; or another JSON value that a client sent as one.
    content: the event without ids, times and surroundings, with sorted keys.
    surroundings: its context and metadata, with sorted keys.
    """

    value: Any
    content: bytes
    surroundings: bytes


def stabilized(lines: Iterable[bytes]) -> list[bytes]:
    """Return the lines of a capture with derived ids, times and order.

    `lines` are in order of arrival. messageId, anonymousId and the four times are replaced. Where
    an anonymousId is also in another field of any event, it is replaced there, too. An invalid
    time is kept. Two captures give the same lines if each client sent the same events in the same
    order.
    """
    values = [exact_json.loads(line) for line in lines]
    visitors = {_anonymous_id(value) for value in values}
    series: dict[tuple[str, str], list[_Captured]] = defaultdict(list)
    for value in values:
        series[_owner(value)].append(_captured(value, visitors))
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


def _captured(value: Any, visitors: Collection[str | None]) -> _Captured:
    if not isinstance(value, dict):
        return _Captured(value, _one_form(value), b"")
    own = _anonymous_id(value)
    words = {True: "own anonymousId", False: "other anonymousId"}
    kept = _renamed(
        {name: inner for name, inner in value.items() if name not in _DRAWN},
        lambda old: words[old == own] if old in visitors else None,
    )
    surroundings = [kept.pop(name, None) for name in _SURROUNDINGS]
    return _Captured(value, _one_form(kept), _one_form(surroundings))


def _renamed(value: Any, new: Callable[[str], str | None], name: str = "") -> Any:
    """Return a JSON value with other anonymousIds; `new` returns None for any other text.

    name: the field that has the value, or the array with it.
    """
    if isinstance(value, dict):
        return {key: _renamed(inner, new, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, new, name) for inner in value]
    if isinstance(value, str) and (len(value) >= _LONG or name in _OF_VISITORS):
        return new(value) or value
    return value


def _one_form(value: Any) -> bytes:
    """Return a JSON value with sorted keys."""
    return exact_json.dumps(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(inner) for inner in value] if isinstance(value, list) else value


def _owner(value: Any) -> tuple[str, str]:
    """Return the series of an event: its client library, and anonymousId or else userId."""
    if not isinstance(value, dict):
        return ("", "")
    context = value.get("context")
    library = context.get("library") if isinstance(context, dict) else None
    name = library.get("name") if isinstance(library, dict) else None
    user = identifier(value.get("anonymousId")) or identifier(value.get("userId")) or ""
    return (name if isinstance(name, str) else "", user)


def _moment(value: Any) -> tuple[datetime, datetime]:
    """Return when an event happened and was sent, by its client's clock.

    Events with the same times keep their order of arrival.
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
    """Return the new anonymousId of each old one, from the content of its first event."""
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
    """Return an event with derived ids, and with the times of its place in its series."""
    if not isinstance(captured.value, dict):
        return captured.value
    event = _renamed(captured.value, names.get)
    for name in _OF_VISITORS:
        old = identifier(captured.value.get(name))
        if old in names:
            event[name] = names[old]
    user = event.get("anonymousId") or ""
    event["messageId"] = _id("messageId", f"{user} ".encode() + captured.content, seen)
    now = time_text(_START + place * _STEP)
    return event | {name: now for name in TIME_FIELDS if is_time(event.get(name))}


def _id(purpose: str, content: bytes, seen: Counter[bytes]) -> str:
    """Return an id in the form of a UUID, from the content and how often it was seen before."""
    number = seen[content]
    seen[content] += 1
    digest = hashlib.sha256(f"{purpose} {number} ".encode() + content).digest()
    return str(UUID(bytes=digest[:16], version=5))
