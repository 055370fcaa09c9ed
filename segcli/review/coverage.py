"""Coverage: which fields of the input a mapping leaves out, found by trying.

A field is carried if a change of its value changes the payload, or gets the event rejected. So
nothing has to be declared, and it holds for plug-ins too. Events of one shape are taken to be
mapped alike, so each shape is tried once.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from segcli.event import Event
from segcli.outcome import Job
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


@dataclass(slots=True)
class _Alike:
    """Events of one shape: what of them is left out, the first one's place, and their number."""

    left_out: frozenset[str]
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
        self._shapes: dict[int, _Alike] = {}
        self._ever_carried: defaultdict[str, set[str]] = defaultdict(set)

    def see(self, event: Event, shape: int | None, place: tuple[str, int]) -> None:
        """Take in an event, its shape (None: it is passed on), and its place, file and line."""
        if shape is None:
            self._passed_on += 1
            return
        alike = self._shapes.get(shape) or self._try(event, shape, place)
        if alike:
            alike.events += 1
        else:
            self.untried += 1

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
        alike = self._shapes[shape] = _Alike(frozenset(left_out), place)
        return alike
