"""Coverage: which fields of the input a mapping leaves out, found by trying.

A field is carried if a change of its value changes the payload, or gets the event rejected. So
nothing has to be declared, and it holds for plug-ins too. Events of one shape are taken to be
mapped alike, so each shape is tried once.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from segcli.event import Event
from segcli.outcome import Job
from segcli.review.seen import Seen
from segcli.review.trial import Trial

# Each try maps an event anew. So many bytes are mapped in this way at most, which takes some ten
# seconds: an input with a new shape in every line must not cost hours.
_BYTES_TRIED = 256 * 1024 * 1024


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
    """Tells which fields of an event a mapping leaves out, as long as trying is not too much."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._bytes_left = _BYTES_TRIED
        self._ever_carried: defaultdict[str, set[str]] = defaultdict(set)

    def left_out_of(self, event: Event) -> frozenset[str] | None:
        """Return the paths of the fields left out; None if the event is not to be tried."""
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
        self._left_out: dict[int, frozenset[str]] = {}
        self._events: Counter[int] = Counter()
        self._places: dict[int, tuple[str, int]] = {}

    def add(self, seen: Seen, title: str, first: int) -> None:
        """Take in what was seen of the lines of a file from number `first` on."""
        self.untried += seen.untried
        self._passed_on += seen.passed_on
        self._left_out |= seen.left_out
        for shape, alike in seen.shapes.items():
            self._events[shape] += alike.events
            self._places.setdefault(shape, (title, first + alike.first))

    def left_out(self) -> list[LeftOut]:
        """Return the fields left out, the most frequent first."""
        tried = self._passed_on + self._events.total()
        counts: Counter[str] = Counter()
        places: dict[str, tuple[str, int]] = {}
        for shape, events in self._events.items():
            for path in self._left_out[shape]:
                counts[path] += events
                places.setdefault(path, self._places[shape])
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [LeftOut(path, events, events / tried, places[path]) for path, events in ordered]
