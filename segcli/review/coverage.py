"""Coverage: which fields of the input a mapping leaves out, found by changing their values.

A mapping carries a field if a change of its value changes the payload, or if the changed event is
rejected. So a destination declares nothing, and plug-ins are covered too. Events of one shape are
assumed to be mapped alike, so only the first of each shape is probed.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from segcli.core import exact_json
from segcli.core.decision import FanOut, Mapped
from segcli.core.event import TYPES, Event
from segcli.core.outcome import Job
from segcli.core.partial_event import part_of
from segcli.review.event_shape import ShapeNumbers, Shapes
from segcli.review.partial_review import PartialReview, ProbeResult, SampledPath
from segcli.review.probe import FieldProbe, KnownPaths, samples_in
from segcli.review.shape_places import OBJECTS

# A probe maps an event again for every change. At most this many bytes are mapped for probes, in
# about ten seconds: an input with a new shape in every line must not take hours. Probing ends at
# the first shape that exceeds the limit, so the result does not depend on the number of processes.
_BYTES_TRIED = 256 * 1024 * 1024
# A shape with a known result is not probed, but it takes memory too.
_COST_OF_KNOWN = 4096
# The most results that are kept, and the most shapes that are known as not probed.
_KEPT = 20_000
_UNTRIED_KEPT = 200_000


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


@dataclass(frozen=True, slots=True)
class _Part:
    """What a probe found, for all events that are alike in the part that the mapping reads.

    number: the number of that part; None if the result is for one shape only.
    carried: the paths that affect the payload; all others do not, but those in what is copied.
    """

    number: int | None
    carried: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Branch:
    """What is known of one object of events: how many fields it has, and which are left out."""

    fields: int
    left_out: "array[int]"


class ShapeProbes:
    """Probes one event of each shape, up to a limit on the bytes that are mapped.

    The number of a path is a hash: the same in every process.

    If the destination declares what it reads, one probe serves all shapes that differ only in
    fields that are not read; and if it declares what it copies, all that differ only in that.
    """

    def __init__(self, job: Job, shapes: Shapes) -> None:
        self._job = job
        reads = job.destination.reads
        self._reads = None if reads is None else tuple(reads(job.settings))
        self._copies = {kind: job.destination.copies.get(kind, frozenset()) for kind in TYPES}
        self._shapes = shapes
        # The paths of what is copied are left aside: all of them are carried.
        self._paths = {kind: KnownPaths(some) for kind, some in self._copies.items()}
        # `Coverage` applies the limit in input order. A process does not know that order, so its
        # own limit is higher: it must not stop before `Coverage` does.
        self._bytes_left = 2 * _BYTES_TRIED
        self._charged: set[int] = set()
        self._ever_carried: defaultdict[str, set[str]] = defaultdict(set)
        self._parts: dict[int | None, _Part] = {}
        self._part_by_shape: dict[int, _Part] = {}
        # Of a branch, by its number and the paths in it that are carried.
        self._branches: dict[tuple[int, frozenset[str]], _Branch] = {}
        self._carried: dict[tuple[int | None, tuple[str, ...]], list[frozenset[str]]] = {}
        self._same: dict[frozenset[str], frozenset[str]] = {}
        self._sampled: set[str] = set()

    def tried(
        self, event: Event, mapped: Mapped | FanOut, numbers: ShapeNumbers
    ) -> ProbeResult | None:
        """Return the result of probing an event's shape; None if the limit is exceeded."""
        found = self._tried(event, mapped, numbers)
        if found is None:
            return None
        left_out, cost, part = found
        new = left_out - self._sampled
        self._sampled |= new
        samples = samples_in(event.data, new) if new else {}
        sampled = {hash(path): SampledPath(path, sample) for path, sample in samples.items()}
        return ProbeResult(_numbered(left_out), cost, part, sampled)

    def tried_before(self, line: bytes, numbers: ShapeNumbers) -> ProbeResult | None:
        """Return the result for an event that is new only in what does not matter.

        It is enough to know its line, without white space: to parse it exactly takes most of the
        time of `tried`. Returns None if that is to be called.
        """
        part = self._part_by_shape.get(numbers.mattering)
        if part is None or not self._fits_budget(numbers.whole, _COST_OF_KNOWN):
            return None
        keys = [*zip(numbers.branches, self._carried_by_branch(part, numbers), strict=True)]
        found = [*map(self._branches.get, keys)]
        if None in found:
            try:
                data = exact_json.loads(line)
            except ValueError:
                return None
            found = self._with_new_branches(found, data, numbers, keys)
        left_out, fields = array("q"), 0
        for one in found:
            if one is None:
                return None
            left_out += one.left_out
            fields += one.fields
        return ProbeResult(left_out, fields * len(line), part.number)

    def _carried_by_branch(self, part: _Part, numbers: ShapeNumbers) -> list[frozenset[str]]:
        """Return the paths in each branch of an event that are carried."""
        found = self._carried.get((part.number, numbers.names))
        if found is None:
            others = numbers.names[1:]
            below = [
                frozenset(path for path in part.carried if path.startswith(f"{name}."))
                for name in others
            ]
            found = [part.carried.difference(*below), *below]
            # Equal sets are the same object: those are compared faster.
            found = [self._same.setdefault(one, one) for one in found]
            if len(self._carried) < _KEPT:
                self._carried[part.number, numbers.names] = found
        return found

    def _with_new_branches(
        self,
        known: Sequence[_Branch | None],
        data: dict[str, Any],
        numbers: ShapeNumbers,
        keys: Sequence[tuple[int, frozenset[str]]],
    ) -> list[_Branch | None]:
        """Return what is known of the branches of an event; None for one that has to be probed."""
        names = numbers.names
        # The path of a key with a dot may be that of a field in another branch.
        if any(key.startswith(f"{name}.") for key in data for name in names[1:]):
            return [None]
        found = list(known)
        for place, (name, key) in enumerate(zip(names, keys, strict=True)):
            if found[place] is None:
                found[place] = self._new_branch(
                    self._paths[data["type"]].in_branch(data, name, names), key
                )
        return found

    def _new_branch(self, paths: Set[str], key: tuple[int, frozenset[str]]) -> _Branch | None:
        """Return what is known of a branch with these paths; None if it has to be probed."""
        left_out = paths - key[1]
        if not left_out <= self._sampled:
            return None
        found = _Branch(len(paths), _numbered(left_out))
        if len(self._branches) < _KEPT:
            self._branches[key] = found
        return found

    def _tried(
        self, event: Event, mapped: Mapped | FanOut, numbers: ShapeNumbers
    ) -> tuple[frozenset[str], int, int | None] | None:
        """Return the paths left out, what was mapped for that, and the number of the part."""
        paths, data = self._paths[event.type].of(event.data), self._read_of(event)
        number = None
        if data is not None:
            number = self._shapes.numbers_of(data, mapped, passed_on=False).mattering
        part = self._parts.get(number)
        cost = len(paths) * len(event.raw)
        if not self._fits_budget(numbers.whole, cost if part is None else _COST_OF_KNOWN):
            return None
        if part is None:
            part = self._probed(event, paths, data, number)
        if part.number in self._parts and len(self._part_by_shape) < _KEPT:
            self._part_by_shape[numbers.mattering] = part
        return paths - part.carried, cost, part.number

    def _read_of(self, event: Event) -> dict[str, Any] | None:
        """Return the part of an event that the mapping does more with than copy it.

        None if the destination does not declare it.
        """
        if self._reads is not None:
            return part_of(event.data, self._reads)
        copied = self._copies[event.type]
        if not copied:
            return None
        return {name: value for name, value in event.data.items() if name not in copied}

    def _probed(
        self,
        event: Event,
        paths: frozenset[str],
        data: dict[str, Any] | None,
        number: int | None,
    ) -> _Part:
        """Probe an event with these paths, of which the mapping reads this part."""
        if data is None:
            return _Part(None, self._carried_of(event))
        read = _without_unread(event.data, data)
        if self._copies[event.type]:
            # The payload of the whole event holds all that is copied.
            event = Event(event.raw, read, event.actions)
        carried = paths & self._carried_of(event, read)
        # A mapping may copy the raw text, and so carry fields it does not declare.
        is_shared = len(self._parts) < _KEPT and carried <= self._paths[event.type].of(data)
        part = _Part(number if is_shared else None, carried)
        if is_shared:
            self._parts[number] = part
        return part

    def _fits_budget(self, number: int, cost: int) -> bool:
        """Return whether a shape was probed before, or can be within the limit."""
        if number in self._charged:
            return True
        if cost > _BYTES_TRIED or self._bytes_left < 0:
            return False
        self._bytes_left -= cost
        self._charged.add(number)
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
        self._left_out: dict[int, array[int] | None] = {}
        self._events: Counter[int] = Counter()
        self._places: dict[int, tuple[str, int]] = {}
        self._paths: dict[int, SampledPath] = {}

    def add(self, seen: PartialReview, title: str, first: int) -> None:
        """Add the partial review of a file's lines, of which the first is number `first`."""
        self.untried += seen.untried
        self._passed_on += seen.passed_on
        for tried in seen.tried.values():
            for number, sampled in tried.new.items():
                self._paths.setdefault(number, sampled)
        for shape, events in seen.shapes.items():
            if shape in self._places:
                self._events[shape] += events
            elif self._left_out_by(shape, seen.tried.get(shape)) is None:
                self.untried += events
            else:
                self._events[shape] = events
                self._places[shape] = title, first + seen.first_of_shape[shape]

    def left_out(self) -> list[LeftOut]:
        """Return the fields left out, the most frequent first."""
        tried = self._passed_on + self._events.total()
        # Many shapes leave out the same fields.
        alike: Counter[bytes] = Counter()
        first: dict[bytes, tuple[str, int]] = {}
        for shape, events in self._events.items():
            left_out = (self._left_out[shape] or array("q")).tobytes()
            alike[left_out] += events
            first.setdefault(left_out, self._places[shape])
        counts: Counter[int] = Counter()
        places: dict[int, tuple[str, int]] = {}
        for left_out, events in alike.items():
            for number in array("q", left_out):
                counts[number] += events
                places.setdefault(number, first[left_out])
        found = [
            LeftOut(path, counts[number], counts[number] / tried, places[number], sample)
            for number, (path, sample) in self._paths.items()
            if number in counts
        ]
        return sorted(found, key=lambda one: (-one.events, one.path))

    def _left_out_by(self, shape: int, tried: ProbeResult | None) -> "array[int] | None":
        """Return the fields that a shape leaves out; None if it was not probed.

        The first result for a shape holds for all its events, whichever process found it.
        """
        if shape in self._left_out:
            return self._left_out[shape]
        left_out = tried.left_out if tried and self._fits_budget(tried) else None
        if left_out is not None or len(self._left_out) < _UNTRIED_KEPT:
            self._left_out[shape] = left_out
        return left_out

    def _fits_budget(self, tried: ProbeResult) -> bool:
        self._bytes_left -= _COST_OF_KNOWN if tried.part in self._parts else tried.cost
        if tried.part is not None:
            self._parts.add(tried.part)
        return self._bytes_left >= 0


def _numbered(paths: Iterable[str]) -> "array[int]":
    """Return the numbers of paths: sets of strings take ten times the memory."""
    return array("q", map(hash, paths))


def _without_unread(data: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Return an event with only the part of its objects that the mapping reads."""
    return {name: value for name, value in data.items() if name not in OBJECTS} | part
