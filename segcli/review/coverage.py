"""Coverage: which fields of the input a mapping leaves out, found by trying, or turns about.

A field is carried if a change of its value changes the payload, or gets the event rejected. So
nothing has to be declared, and it holds for plug-ins too. Events of the same call type, name and
shape (the same fields, with values of the same types, empty or not) that go to the same route
with the same notes are taken to be mapped alike, so each of these is tried once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from segcli.destination import Remark
from segcli.event import Event
from segcli.outcome import Job, Mapped
from segcli.review.trial import Trial

# Each try maps an event anew. So many bytes are mapped in this way at most, which takes some ten
# seconds: an input with a new shape in every line must not cost hours.
_BYTES_TRIED = 256 * 1024 * 1024
_CONTAINERS = frozenset({dict, list})


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A field that no payload shows: in how many mapped events it is, and at which line first.

    `share` is that of the events that were tried.
    """

    path: str
    events: int
    share: float
    place: tuple[str, int]


@dataclass(slots=True)
class _Alike:
    """Events of one shape: what of them is left out, or remarked on; first place; number."""

    left_out: frozenset[str]
    remarks: Iterable[Remark]
    place: tuple[str, int]
    events: int = 0


class Coverage:
    """Sees every mapped event, and tells which fields were left out.

    `untried` counts the events of shapes that were too many, or too large, to be tried.
    """

    def __init__(self, job: Job) -> None:
        self.untried = 0
        self._job = job
        self._passed_on = 0
        self._bytes_left = _BYTES_TRIED
        # By the hash of the shape: the shapes themselves would fill the memory.
        self._shapes: dict[int, _Alike] = {}
        self._ever_carried: defaultdict[str, set[str]] = defaultdict(set)

    def see(self, event: Event, mapped: Mapped, place: tuple[str, int]) -> Iterable[Remark]:
        """Take in an event, what it became, and where it stood, file and line.

        Returns what the destination remarks on it.
        """
        if mapped.body is event.raw:
            self._passed_on += 1
            return self._remarks(event)
        data = event.data
        name = data["event"] if data["type"] == "track" else ""
        shape = hash((data["type"], name, mapped.route, mapped.notes, shape_of(data)))
        alike = self._shapes.get(shape) or self._try(event, shape, place)
        if alike is None:
            self.untried += 1
            return self._remarks(event)
        alike.events += 1
        return alike.remarks

    def left_out(self) -> list[LeftOut]:
        """Return the fields left out, the most frequent first."""
        tried = self._passed_on + sum(alike.events for alike in self._shapes.values())
        counts: Counter[str] = Counter()
        first: dict[str, tuple[str, int]] = {}
        for alike in self._shapes.values():
            for path in alike.left_out:
                counts[path] += alike.events
                first.setdefault(path, alike.place)
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [LeftOut(path, events, events / tried, first[path]) for path, events in ordered]

    def _try(self, event: Event, shape: int, place: tuple[str, int]) -> _Alike | None:
        trial = Trial(event, self._job)
        cost = len(trial.paths) * len(event.raw)
        if cost > self._bytes_left:
            return None
        self._bytes_left -= cost
        ever_carried = self._ever_carried[event.type]
        left_out = trial.left_out(doubtful=ever_carried)
        ever_carried.update(trial.paths - left_out)
        remarks = tuple(self._remarks(event))
        alike = self._shapes[shape] = _Alike(frozenset(left_out), remarks, place)
        return alike

    def _remarks(self, event: Event) -> Iterable[Remark]:
        return self._job.destination.remarks(event, self._job.settings)


def shape_of(data: dict[str, Any]) -> tuple[Any, ...]:
    """Return what objects must have in common to be mapped alike: keys, types, emptiness.

    Of an array counts which elements there are, not how many or in which order.
    """
    found: list[Any] = []
    containers: list[Any] = [data]
    # Every event comes through here: one flat list takes half the time of nested tuples.
    for one in containers:
        if type(one) is list:
            found.append(frozenset(map(_shape_of_element, one)))
            continue
        values = one.values()
        types = list(map(type, values))
        found += one
        found += types
        if not all(values):
            found += map(bool, values)
        if dict in types or list in types:
            containers += [value for value in values if type(value) in _CONTAINERS]
    return tuple(found)


def _shape_of_element(value: Any) -> Any:
    if isinstance(value, dict):
        return shape_of(value)
    inner = frozenset(map(_shape_of_element, value)) if isinstance(value, list) else bool(value)
    return type(value), inner
