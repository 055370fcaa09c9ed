"""Coverage: which fields of the input a mapping leaves out, found by trying.

A field is carried if a change of its value changes the payload, or gets the event rejected. So
nothing has to be declared, and it holds for plug-ins too. Events of the same call type, name and
shape (the same fields, with values of the same types, empty or not) are taken to be mapped
alike, so each of these is tried once.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from segcli import exact_json
from segcli.event import Event, is_number
from segcli.outcome import Job

# segcli itself reads these; no mapping is expected to carry them.
_ENVELOPE = frozenset({"type", "integrations"})
# Trying costs some milliseconds; an input with a new shape in every line must not cost hours.
_SHAPES_TRIED = 5_000


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A field that no payload shows: in how many mapped events it is, and at which line first."""

    path: str
    events: int
    share: float
    place: tuple[str, int]


class Coverage:
    """Sees every mapped event, and tells which fields were left out.

    `untried` counts the events of shapes that were too many to be tried.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._shapes: dict[Any, tuple[str, ...]] = {}
        self._events: Counter[tuple[str, ...]] = Counter()
        self._first: dict[tuple[str, ...], tuple[str, int]] = {}
        self.untried = 0

    def see(self, event: Event, file: str, line: int) -> None:
        """Take in a mapped event and where it stood."""
        name = event.data["event"] if event.type == "track" else ""
        shape = event.type, name, _shape(event.data)
        left_out = self._shapes.get(shape)
        if left_out is None:
            if len(self._shapes) >= _SHAPES_TRIED:
                self.untried += 1
                return
            left_out = self._shapes[shape] = tuple(sorted(paths_left_out(event, self._job)))
        if not self._events[left_out]:
            self._first[left_out] = (file, line)
        self._events[left_out] += 1

    def left_out(self) -> list[LeftOut]:
        """Return the fields left out, the most frequent first."""
        seen = sum(self._events.values())
        counts: Counter[str] = Counter()
        first: dict[str, tuple[str, int]] = {}
        for paths, events in self._events.items():
            for path in paths:
                counts[path] += events
                first.setdefault(path, self._first[paths])
        return [
            LeftOut(path, events, events / seen, first[path])
            for path, events in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ]


def paths_left_out(event: Event, job: Job) -> set[str]:
    """Return the paths of an event's values that its payload does not depend on.

    In a path `[]` stands for every element of an array; it is carried if one of them is.
    """
    data = copy.deepcopy(event.data)
    passes_bytes_on = isinstance(job.destination.payload(event, job.settings).body, bytes)

    def mapped() -> tuple[str, bytes] | None:
        # A mapping that passes bytes on sees the change only there; others may digest them.
        raw = exact_json.dumps(data) if passes_bytes_on else event.raw
        return _payload(Event(raw, data), job)

    before = mapped()
    found: dict[str, bool] = {}
    for path, holder, key in _places(data, ""):
        if path.partition(".")[0] not in _ENVELOPE and not found.get(path):
            found[path] = _matters(holder, key, lambda: mapped() != before)
    return {path for path, carried in found.items() if not carried}


def _matters(holder: Any, key: Any, differs: Callable[[], bool]) -> bool:
    """Tell whether any other value at this place makes a difference; it is put back."""
    value = holder[key]
    for other in _others(value):
        holder[key] = other
        found = differs()
        holder[key] = value
        if found:
            return True
    return False


def _payload(event: Event, job: Job) -> tuple[str, bytes] | None:
    """Return route and body; None where the mapping cannot do with the value it was given."""
    try:
        payload = job.destination.payload(event, job.settings)
    except Exception:  # A value that no event has may be more than a plug-in expects.
        return None
    body = payload.body
    return payload.route, body if isinstance(body, bytes) else exact_json.dumps(body)


def _places(value: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield each value that is no container, with its path, its holder and its key there."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        name = f"{path}[]" if isinstance(value, list) else f"{path}.{key}" if path else key
        if isinstance(inner, dict | list):
            yield from _places(inner, name)
        elif inner is not None:
            yield name, value, key


def _others(value: Any) -> Sequence[Any]:
    """Return values of the same type to put in its place.

    Whether a mapping rounds, cuts off, picks a part or takes milliseconds for seconds, one of
    them makes a difference to it.
    """
    if isinstance(value, bool):
        return (not value,)
    return (0, 1_000_001) if is_number(value) else (f"~{value}~", "")


def _shape(value: dict[str, Any] | list[Any]) -> Any:
    """Return what containers must have in common to be mapped alike: keys, types, emptiness."""
    values = value.values() if isinstance(value, dict) else value
    inner = [_shape(one) for one in values if isinstance(one, dict | list)]
    if isinstance(value, list):
        return frozenset(zip(map(type, value), map(bool, value), strict=True)), frozenset(inner)
    # map() of the built-in types takes half the time of a loop over the values.
    return tuple(value), tuple(map(type, values)), tuple(map(bool, values)), *inner
