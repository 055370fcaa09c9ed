"""Coverage: which fields of the input a mapping leaves out, found by trying.

A field is carried if a change of its value changes the payload, or gets the event rejected. So
nothing has to be declared, and it holds for plug-ins too. Events of one shape are taken to be
mapped alike, so each shape is tried once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from segcli.event import Event
from segcli.excerpt import part_of
from segcli.outcome import Job, Mapped
from segcli.review.seen import Seen
from segcli.review.shape import Shapes
from segcli.review.trial import Trial, paths_in

# Each try maps an event anew. So many bytes are mapped in this way at most, which takes some ten
# seconds: an input with a new shape in every line must not cost hours.
_BYTES_TRIED = 256 * 1024 * 1024
# A shape that need not be tried takes memory all the same.
_COST_OF_KNOWN = 4096
# So many results are kept at most.
_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A field that no payload shows: in how many mapped events it is, and at which line first.

    `share` is that of the events that were tried.
    """

    path: str
    events: int
    share: float
    place: tuple[str, int]


class Trials:
    """Tells which fields of an event a mapping leaves out, as long as trying is not too much.

    Where the destination says what it reads, an event is tried for all that differ from it only
    in what is not read.
    """

    def __init__(self, job: Job, shapes: Shapes) -> None:
        self._job = job
        reads = job.destination.reads
        self._reads = None if reads is None else tuple(reads(job.settings))
        self._shapes = shapes
        self._bytes_left = _BYTES_TRIED
        self._ever_carried: defaultdict[str, set[str]] = defaultdict(set)
        self._carried: dict[int, frozenset[str]] = {}

    def left_out_of(self, event: Event, mapped: Mapped) -> frozenset[str] | None:
        """Return the paths of the fields left out; None if the event is not to be tried."""
        if self._reads is None:
            return self._tried(event)
        data = part_of(event.data, self._reads)
        number = self._shapes.number_of(data, mapped, passed_on=False)
        carried = self._carried.get(number)
        if carried is not None and self._bytes_left >= _COST_OF_KNOWN:
            self._bytes_left -= _COST_OF_KNOWN
            return frozenset(paths_in(event.data) - carried)
        left_out = self._tried(event)
        if left_out is not None and len(self._carried) < _KEPT:
            carried = frozenset(paths_in(event.data) - left_out)
            # A mapping may put the whole text of an event somewhere.
            if carried <= paths_in(data):
                self._carried[number] = carried
        return left_out

    def _tried(self, event: Event) -> frozenset[str] | None:
        trial = Trial(event, self._job)
        cost = len(trial.paths) * len(event.raw)
        if cost > self._bytes_left:
            return None
        self._bytes_left -= cost
        ever_carried = self._ever_carried[event.type]
        left_out = frozenset(trial.left_out(doubtful=ever_carried))
        ever_carried.update(trial.paths - left_out)
        return left_out


class Coverage:
    """Adds up what was seen of mapped events, and tells which fields were left out.

    `untried` counts the events of shapes that were too many, or too large, to be tried.
    """

    def __init__(self) -> None:
        self.untried = 0
        self._passed_on = 0
        self._left_out: dict[int, Sequence[int]] = {}
        self._numbers: dict[str, int] = {}
        self._events: Counter[int] = Counter()
        self._places: dict[int, tuple[str, int]] = {}

    def add(self, seen: Seen, title: str, first: int) -> None:
        """Take in what was seen of the lines of a file from number `first` on."""
        self.untried += seen.untried
        self._passed_on += seen.passed_on
        for shape, left_out in seen.left_out.items():
            # The first event of a shape speaks for all, whichever process saw it.
            if shape not in self._left_out:
                self._left_out[shape] = self._numbered(left_out)
        for shape, alike in seen.shapes.items():
            self._events[shape] += alike.events
            self._places.setdefault(shape, (title, first + alike.first))

    def left_out(self) -> list[LeftOut]:
        """Return the fields left out, the most frequent first."""
        tried = self._passed_on + self._events.total()
        paths = list(self._numbers)
        counts: Counter[str] = Counter()
        places: dict[str, tuple[str, int]] = {}
        for shape, events in self._events.items():
            for number in self._left_out[shape]:
                counts[paths[number]] += events
                places.setdefault(paths[number], self._places[shape])
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [LeftOut(path, events, events / tried, places[path]) for path, events in ordered]

    def _numbered(self, paths: Iterable[str]) -> tuple[int, ...]:
        """Return paths by their numbers: sets of texts take ten times the memory."""
        numbers = self._numbers
        return tuple(numbers.setdefault(path, len(numbers)) for path in paths)
