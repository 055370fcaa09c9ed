"""Coverage: which fields of the input a mapping leaves out, found by changing their values.

A mapping carries a field if a change of its value changes the payload, or if the changed event is
rejected. So a destination declares nothing, and plug-ins are covered too. Events of one shape are
assumed to be mapped alike, so only the first of each shape is probed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from segcli.core.decision import FanOut, Mapped
from segcli.core.event import Event
from segcli.core.outcome import Job
from segcli.core.partial_event import part_of
from segcli.review.event_shape import Shapes
from segcli.review.partial_review import PartialReview, ProbeResult
from segcli.review.probe import FieldProbe, KnownPaths, samples_in

# A probe maps an event again for every change. At most this many bytes are mapped for probes, in
# about ten seconds: an input with a new shape in every line must not take hours. Probing ends at
# the first shape that exceeds the limit, so the result does not depend on the number of processes.
_BYTES_TRIED = 256 * 1024 * 1024
# A shape with a known result is not probed, but it takes memory too.
_COST_OF_KNOWN = 4096
# The most results that are kept, and the most shapes that are known as not probed.
_KEPT = 20_000
_UNTRIED_KEPT = 200_000
# The objects of an event of which a mapping may declare which parts it reads.
_PARTLY_READ = frozenset({"context", "traits", "properties"})


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A field that no payload carries.

    path: the dotted path; `[]` stands for every element of an array.
    events: how many mapped events have the field.
    share: their share of the events that were probed, from 0 to 1.
    place: the file and line of the first one.
    sample: a value of it, as JSON; a long one is cut.
    """

    path: str
    events: int
    share: float
    place: tuple[str, int]
    sample: str = ""


class ShapeProbes:
    """Probes one event of each shape, up to a limit on the bytes that are mapped.

    If the destination declares what it reads, one probe serves all shapes that differ only in
    fields that are not read; and if it declares what it copies, all that differ only in that.
    """

    def __init__(self, job: Job, shapes: Shapes) -> None:
        self._job = job
        reads = job.destination.reads
        self._reads = None if reads is None else tuple(reads(job.settings))
        self._copies = job.destination.copies
        self._shapes = shapes
        self._paths_in = KnownPaths().of
        # `Coverage` applies the limit in input order. A process does not know that order, so its
        # own limit is higher: it must not stop before `Coverage` does.
        self._bytes_left = 2 * _BYTES_TRIED
        self._paid: set[int] = set()
        self._ever_carried: defaultdict[str, set[str]] = defaultdict(set)
        self._carried: dict[int, frozenset[str]] = {}
        self._left_out: dict[int, frozenset[str]] = {}
        self._sampled: set[str] = set()

    def tried(self, event: Event, mapped: Mapped | FanOut, number: int) -> ProbeResult | None:
        """Return the result of probing an event's shape; None if the limit is exceeded."""
        found = self._tried(event, mapped, number)
        new = found.left_out - self._sampled if found else None
        if not found or not new:
            return found
        self._sampled |= new
        return replace(found, samples=samples_in(event.data, new))

    def _tried(self, event: Event, mapped: Mapped | FanOut, number: int) -> ProbeResult | None:
        paths = self._paths_in(event.data)
        cost = len(paths) * len(event.raw)
        if self._copies:
            return self._without_copies(event, mapped, number, paths)
        if self._reads is None:
            if not self._pays(number, cost):
                return None
            return ProbeResult(paths - self._carried_of(event), cost)
        data = part_of(event.data, self._reads)
        part = self._shapes.number_of(data, mapped, passed_on=False)
        known = self._carried.get(part)
        if not self._pays(number, cost if known is None else _COST_OF_KNOWN):
            return None
        if known is not None:
            return ProbeResult(paths - known, cost, part)
        left_out = paths - self._carried_of(event, _without_unread(event.data, data))
        carried = paths - left_out
        # A mapping may copy the raw text of the event, and so carry fields it does not declare.
        if len(self._carried) == _KEPT or not carried <= self._paths_in(data):
            return ProbeResult(left_out, cost)
        self._carried[part] = carried
        return ProbeResult(left_out, cost, part)

    def _without_copies(
        self, event: Event, mapped: Mapped | FanOut, number: int, paths: frozenset[str]
    ) -> ProbeResult | None:
        """Probe what the mapping does not only copy; all values in what it copies are carried."""
        data = {name: value for name, value in event.data.items() if name not in self._copies}
        part = self._shapes.number_of(data, mapped, passed_on=False)
        known = self._left_out.get(part)
        cost = len(paths) * len(event.raw)
        if not self._pays(number, cost if known is None else _COST_OF_KNOWN):
            return None
        if known is None:
            # The payload of the whole event holds the copies.
            known = self._paths_in(data) - self._carried_of(Event(event.raw, data), data)
            if len(self._left_out) < _KEPT:
                self._left_out[part] = known
        return ProbeResult(known, cost, part)

    def _pays(self, number: int, cost: int) -> bool:
        """Return whether a shape was probed before, or can be within the limit."""
        if number in self._paid:
            return True
        if cost > _BYTES_TRIED or self._bytes_left < 0:
            return False
        self._bytes_left -= cost
        self._paid.add(number)
        return True

    def _carried_of(self, event: Event, read: dict[str, Any] | None = None) -> frozenset[str]:
        """Return the paths of the values that affect the payload.

        `read` is the event without what the mapping does not read; None if that is unknown.
        """
        trial = FieldProbe(event, self._job, read)
        ever_carried = self._ever_carried[event.type]
        carried = frozenset(trial.paths - trial.left_out(doubtful=ever_carried))
        ever_carried.update(carried)
        return carried


class Coverage:
    """Adds up the results for all mapped events, in input order.

    `untried` counts the events whose shapes were too many, or too large, to be probed.
    """

    def __init__(self) -> None:
        self.untried = 0
        self._bytes_left = _BYTES_TRIED
        self._parts: set[int] = set()
        self._passed_on = 0
        self._left_out: dict[int, Sequence[int] | None] = {}
        self._numbers: dict[str, int] = {}
        self._events: Counter[int] = Counter()
        self._places: dict[int, tuple[str, int]] = {}
        self._samples: dict[str, str] = {}

    def add(self, seen: PartialReview, title: str, first: int) -> None:
        """Add the partial review of a file's lines, of which the first is number `first`."""
        self.untried += seen.untried
        self._passed_on += seen.passed_on
        for tried in seen.tried.values():
            for path, sample in tried.samples.items():
                self._samples.setdefault(path, sample)
        for shape, alike in seen.shapes.items():
            if shape in self._places:
                self._events[shape] += alike.events
            elif self._left_out_by(shape, seen.tried.get(shape)) is None:
                self.untried += alike.events
            else:
                self._events[shape] = alike.events
                self._places[shape] = title, first + alike.first

    def left_out(self) -> list[LeftOut]:
        """Return the fields left out, the most frequent first."""
        tried = self._passed_on + self._events.total()
        paths = list(self._numbers)
        counts: Counter[str] = Counter()
        places: dict[str, tuple[str, int]] = {}
        for shape, events in self._events.items():
            for number in self._left_out[shape] or ():
                counts[paths[number]] += events
                places.setdefault(paths[number], self._places[shape])
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [
            LeftOut(path, events, events / tried, places[path], self._samples.get(path, ""))
            for path, events in ordered
        ]

    def _left_out_by(self, shape: int, tried: ProbeResult | None) -> Sequence[int] | None:
        """Return the fields that a shape leaves out; None if it was not probed.

        The first result for a shape holds for all its events, whichever process found it.
        """
        if shape in self._left_out:
            return self._left_out[shape]
        left_out = self._numbered(tried.left_out) if tried and self._pays(tried) else None
        if left_out is not None or len(self._left_out) < _UNTRIED_KEPT:
            self._left_out[shape] = left_out
        return left_out

    def _pays(self, tried: ProbeResult) -> bool:
        self._bytes_left -= _COST_OF_KNOWN if tried.part in self._parts else tried.cost
        if tried.part is not None:
            self._parts.add(tried.part)
        return self._bytes_left >= 0

    def _numbered(self, paths: Iterable[str]) -> tuple[int, ...]:
        """Return a number for each path: sets of strings take ten times the memory."""
        numbers = self._numbers
        return tuple(numbers.setdefault(path, len(numbers)) for path in paths)


def _without_unread(data: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Return an event with only the part of its objects that the mapping reads."""
    return {name: value for name, value in data.items() if name not in _PARTLY_READ} | part
