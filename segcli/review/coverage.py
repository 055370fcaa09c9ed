"""Coverage: which fields of the input a mapping leaves out, found by trying.

A field is carried if a change of its value changes the payload, or gets the event rejected. So
nothing has to be declared, and it holds for plug-ins too. Events of one shape are taken to be
mapped alike, so each shape is tried once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from segcli.core.event import Event
from segcli.core.outcome import Job, Mapped
from segcli.core.partial_event import part_of
from segcli.review.event_shape import Shapes
from segcli.review.partial_review import PartialReview, ProbeResult
from segcli.review.probe import FieldProbe, paths_in

# Each try maps an event anew. So many bytes are mapped in this way at most, which takes some ten
# seconds: an input with a new shape in every line must not cost hours. The first shape that would
# be too much is the end of trying: then it is the same one however many processes look.
_BYTES_TRIED = 256 * 1024 * 1024
# A shape that need not be tried takes memory all the same.
_COST_OF_KNOWN = 4096
# So many results are kept at most, and so many shapes that were not tried.
_KEPT = 20_000
_UNTRIED_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A field that no payload shows: in how many mapped events it is, and at which line first.

    `share` is that of the events that were tried.
    """

    path: str
    events: int
    share: float
    place: tuple[str, int]


class ShapeProbes:
    """Tells which fields of an event a mapping leaves out, as long as trying is not too much.

    Where the destination says what it reads, an event is tried for all that differ from it only
    in what is not read.
    """

    def __init__(self, job: Job, shapes: Shapes) -> None:
        self._job = job
        reads = job.destination.reads
        self._reads = None if reads is None else tuple(reads(job.settings))
        self._shapes = shapes
        # What counts is the order of the input, which one of several processes does not know: none
        # may give up before `Coverage` does.
        self._bytes_left = 2 * _BYTES_TRIED
        self._paid: set[int] = set()
        self._ever_carried: defaultdict[str, set[str]] = defaultdict(set)
        self._carried: dict[int, frozenset[str]] = {}

    def tried(self, event: Event, mapped: Mapped, number: int) -> ProbeResult | None:
        """Return what an event shows of its shape; None if that is too much to be tried."""
        paths = paths_in(event.data)
        cost = len(paths) * len(event.raw)
        if self._reads is None:
            return ProbeResult(self._left_out(event), cost) if self._pays(number, cost) else None
        data = part_of(event.data, self._reads)
        part = self._shapes.number_of(data, mapped, passed_on=False)
        known = self._carried.get(part)
        if not self._pays(number, cost if known is None else _COST_OF_KNOWN):
            return None
        if known is not None:
            return ProbeResult(frozenset(paths - known), cost, part)
        left_out = self._left_out(event)
        carried = frozenset(paths - left_out)
        # A mapping may put the whole text of an event somewhere.
        if len(self._carried) == _KEPT or not carried <= paths_in(data):
            return ProbeResult(left_out, cost)
        self._carried[part] = carried
        return ProbeResult(left_out, cost, part)

    def _pays(self, number: int, cost: int) -> bool:
        """Tell whether there is enough left to try a shape, or it was tried before."""
        if number in self._paid:
            return True
        if cost > _BYTES_TRIED or self._bytes_left < 0:
            return False
        self._bytes_left -= cost
        self._paid.add(number)
        return True

    def _left_out(self, event: Event) -> frozenset[str]:
        trial = FieldProbe(event, self._job)
        ever_carried = self._ever_carried[event.type]
        left_out = frozenset(trial.left_out(doubtful=ever_carried))
        ever_carried.update(trial.paths - left_out)
        return left_out


class Coverage:
    """Adds up what was seen of mapped events, and tells which fields were left out.

    `untried` counts the events of shapes that were too many, or too large, to be tried, in the
    order of the input.
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

    def add(self, seen: PartialReview, title: str, first: int) -> None:
        """Take in what was seen of the lines of a file from number `first` on."""
        self.untried += seen.untried
        self._passed_on += seen.passed_on
        for shape, alike in seen.shapes.items():
            if self._left_out_by(shape, seen.tried.get(shape)) is None:
                self.untried += alike.events
            else:
                self._events[shape] += alike.events
                self._places.setdefault(shape, (title, first + alike.first))

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
        return [LeftOut(path, events, events / tried, places[path]) for path, events in ordered]

    def _left_out_by(self, shape: int, tried: ProbeResult | None) -> Sequence[int] | None:
        """Return what a shape leaves out; the first event of it speaks for all, whoever saw it."""
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
        """Return paths by their numbers: sets of texts take ten times the memory."""
        numbers = self._numbers
        return tuple(numbers.setdefault(path, len(numbers)) for path in paths)
