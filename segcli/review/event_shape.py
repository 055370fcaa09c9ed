"""The shape of an event: events of one shape are assumed to be mapped alike."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import filterfalse
from operator import itemgetter
from typing import Any

import msgspec
from msgspec.structs import replace

from segcli.core import exact_json
from segcli.core.decision import FanOut, Mapped
from segcli.core.exact_json import WrittenFloat
from segcli.core.partial_event import WholeEvent, values_getter
from segcli.review.shape_places import OBJECTS, UNREAD, ShapePlace, event_place

_JSON_SPACE = b" \t\r\n"
# With more white space around it than this, an event counts as changed by its mapping.
_SPACE = 16
# Each holds the keys and types of an object; an input may have new ones in every line.
_STEPS_KEPT = 20_000

_LOOKED_AT_APART = (*OBJECTS, "integrations", "_metadata")
# A `WholeEvent` has none of these as an empty text.
_NEVER_EMPTY = frozenset({"type", "event", "userId", "anonymousId", "timestamp"})
# The type of these numbers tells only how they are written.
_USUAL_TYPES: Mapping[Any, type] = {WrittenFloat: float, Decimal: float}

_Key = tuple[Any, ...]


class _Within(msgspec.Struct, frozen=True, gc=False):
    """A container in an event.

    holder: the number of the object that holds it, in the order in which objects are looked at.
    name: its key there.
    place: its place.
    """

    holder: int
    name: str
    place: ShapePlace


class _Step(msgspec.Struct, eq=False):
    """What is known of an event, or an object, of which the first objects were looked at.

    mattering, rest: the numbers of what matters in them, and of all else.
    looked_at: how many they are.
    waiting: the objects that are yet to be looked at.
    arrays: the arrays in the last one.
    read: the keys of the values in the last one of which it matters whether they are empty.
    read_of: returns these values of an object; None if there are none.
    branches: the objects that are looked at apart from all others, each with its first step.
    after: the known steps from here, by what the next object is like.
    holder, name: those of the first object that waits; None as its name if none does.
    """

    mattering: int = 0
    rest: int = 0
    looked_at: int = 0
    waiting: tuple[_Within, ...] = ()
    arrays: Sequence[_Within] = ()
    read: Sequence[str] = ()
    read_of: Callable[[Any], Iterable[Any]] | None = None
    branches: Sequence[tuple[str, "_Step"]] = ()
    after: dict[_Key, "_Step"] = {}
    holder: int = 0
    name: str | None = None

    def __post_init__(self) -> None:
        self.name = None
        for at in self.waiting[:1]:
            self.holder, self.name = at.holder, at.name


class ShapeNumbers(msgspec.Struct, frozen=True, gc=False):
    """The numbers of an event's shape.

    mattering: of what matters to the mapping and to remarks: what the mapping reads, the event's
        own fields, and the traits. Few events differ in that.
    whole: of the whole shape.
    branches: of the event without the objects that are looked at apart, and of each of these.
    names: the names of these objects, after "" for the event itself.
    """

    mattering: int
    whole: int
    branches: tuple[int, ...]
    names: tuple[str, ...]


class Shapes:
    """Numbers the shapes of events: events of one shape get the same numbers in every process.

    Two events have one shape if these agree: call type, event name, route, notes, the mapping that
    was chosen (of several actions each one, and whether it can map the event), whether they are
    passed on unchanged, and for every field its name, the type of its value and, where the mapping
    may read it, whether that is empty. The numbers are hashes: the shapes themselves would fill the
    memory. A line always leads to the same numbers, but one that is a `WholeEvent` may have others
    than one that is not.
    """

    def __init__(self, reads: Iterable[str] | None = None) -> None:
        """Number shapes for a mapping that reads these dotted paths only; None for all.

        An event that is passed on leaves nothing out, so it is not probed, and both numbers are
        those of what matters.
        """
        everything = ShapePlace()
        mapped = passed_on = everything
        if reads is not None:
            paths = [path.split(".") for path in reads]
            mapped = event_place(paths, everything, has_rest=True)
            passed_on = event_place(paths, everything, has_rest=False)
        self._steps = 0
        self._numbers: dict[_Key, ShapeNumbers] = {}
        self._element = _first_step(everything)
        self._mapped = _first_step_of_event(mapped)
        self._passed_on = _first_step_of_event(passed_on)

    def numbers_of(
        self, event: dict[str, Any] | WholeEvent, mapped: Mapped | FanOut, *, passed_on: bool
    ) -> ShapeNumbers:
        """Return the numbers of an event's shape."""
        first = self._passed_on if passed_on else self._mapped
        if isinstance(event, dict):
            kind, name = event["type"], event.get("event")
            last = self._last_steps(first, event)
        else:
            kind, name = event.type, event.name
            last = self._last_steps_of_event(first, event)
        if kind != "track":
            name = ""
        if isinstance(mapped, Mapped):
            way = (kind, name, mapped.route, mapped.notes, mapped.mapped_by, passed_on)
        else:
            way = (kind, name, *_ways(mapped), mapped.notes, passed_on)
        return self._numbers.get((way, *last)) or self._add_numbers(way, last)

    def _add_numbers(self, way: _Key, last: Sequence[_Step]) -> ShapeNumbers:
        """Return the numbers of events that are mapped in this way, and remember them."""
        mattering = hash((way, *(step.mattering for step in last)))
        rest = [step.rest for step in last]
        whole = hash((mattering, *rest)) if any(rest) else mattering
        if len(self._numbers) >= _STEPS_KEPT:
            self._numbers.clear()
        names = ("", *(name for name, _ in last[0].branches))
        # What a mapping copies depends on the call type.
        branches = tuple(
            hash((way[0], name, step.mattering, step.rest))
            for name, step in zip(names, last, strict=True)
        )
        found = self._numbers[way, *last] = ShapeNumbers(mattering, whole, branches, names)
        return found

    def _last_steps(self, first: _Step, data: dict[str, Any]) -> list[_Step]:
        """Return what is known of an event, and of each of its branches."""
        last = [self._last_step(first, data)]
        for name, branch in last[0].branches:
            last.append(self._last_step(branch, data[name]))
        return last

    def _last_steps_of_event(self, first: _Step, event: WholeEvent) -> list[_Step]:
        """Return what is known of such an event, and of each of its branches."""
        step = first.after.get(event.types) or self._after_event(first, event)
        if (read_of := step.read_of) and not all(read_of(event)):
            fields = event.fields()
            key = tuple(name for name in step.read if not fields[name][1])
            step = step.after.get(key) or self._after_empty(step, key)
        if step.waiting or step.arrays:
            return self._last_steps(first, exact_json.loads(event.line))
        last = [step]
        for name, branch in step.branches:
            last.append(self._last_step(branch, getattr(event, name)))
        return last

    def _last_step(self, step: _Step, one: dict[str, Any]) -> _Step:
        """Return what is known once an object and all that it contains was looked at."""
        # Hot path of check (bench_check.py): objects that are alike lead along the same steps. So
        # only the keys and the types of each object are put together and hashed.
        seen = [one]
        while True:
            key = (*one, *map(type, one.values()))
            step = step.after.get(key) or self._after_object(step, key, one)
            if (read_of := step.read_of) and not all(read_of(one)):
                key = (*filterfalse(one.get, step.read),)
                step = step.after.get(key) or self._after_empty(step, key)
            if step.arrays:
                key = tuple([self._structure_of_array(one[at.name]) for at in step.arrays])
                step = step.after.get(key) or self._after_arrays(step, key)
            name = step.name
            if name is None:
                return step
            one = seen[step.holder][name]
            seen.append(one)

    def _after_event(self, first: _Step, event: WholeEvent) -> _Step:
        """Return a new step: after an event with fields of these types."""
        fields = event.fields()
        key = (*fields, *(kind for kind, _ in fields.values()))
        one = {name: value for name, (_, value) in fields.items()}
        found = first.after.get(key) or self._after_object(first, key, one)
        read = [name for name in found.read if name not in _NEVER_EMPTY]
        read_of = values_getter(read) if read else None
        return self._add(first, event.types, replace(found, read_of=read_of, after={}))

    def _after_object(self, step: _Step, key: _Key, one: dict[str, Any]) -> _Step:
        """Return a new step: after an object with these keys and types."""
        usual = tuple(_USUAL_TYPES.get(part, part) for part in key)
        if usual != key:
            known = step.after.get(usual) or self._after_object(step, usual, one)
            return self._add(step, key, known)
        place, number = step.waiting[0].place, step.looked_at
        branches = step.branches
        if not number:
            branches = [branch for branch in branches if type(one.get(branch[0])) is dict]
        apart = {name for name, _ in branches} if not number else ()
        inner = [
            _Within(number, name, inside)
            for name in one
            if name not in apart and (inside := place.of(name))
        ]
        keys, mattering, rest = place.keys_in(one), step.mattering, step.rest
        if place is UNREAD:
            rest = hash((rest, key))
        elif keys is None:
            mattering = hash((mattering, key))
        else:
            types = dict(zip(one, key[len(one) :], strict=True))
            mattering = hash((mattering, *((name, types[name]) for name in keys)))
            rest = hash((rest, key)) if place.has_rest else rest
        objects = [at for at in inner if type(one[at.name]) is dict]
        read = place.read_in(one)
        found = _Step(
            mattering=mattering,
            rest=rest,
            looked_at=number + 1,
            waiting=(*step.waiting[1:], *objects),
            arrays=[at for at in inner if type(one[at.name]) is list],
            read=read,
            read_of=_getter(read, one),
            branches=branches,
        )
        return self._add(step, key, found)

    def _after_empty(self, step: _Step, empty: _Key) -> _Step:
        """Return a new step: after an object in which the values with these names are empty."""
        last = step.looked_at - 1
        waiting = [at for at in step.waiting if at.holder != last or at.name not in empty]
        found = replace(
            step,
            mattering=hash((step.mattering, empty)),
            waiting=tuple(waiting),
            read=(),
            read_of=None,
            after={},
        )
        return self._add(step, empty, found)

    def _after_arrays(self, step: _Step, arrays: _Key) -> _Step:
        """Return a new step: after the arrays in an object with these structures."""
        mattering, rest = step.mattering, step.rest
        for at, structure in zip(step.arrays, arrays, strict=True):
            if at.place is UNREAD:
                rest = hash((rest, structure))
            else:
                mattering = hash((mattering, structure))
        return self._add(
            step, arrays, replace(step, mattering=mattering, rest=rest, arrays=(), after={})
        )

    def _add(self, step: _Step, key: _Key, found: _Step) -> _Step:
        if self._steps >= _STEPS_KEPT:
            self._forget()
        self._steps += 1
        step.after[key] = found
        return found

    def _forget(self) -> None:
        """Forget all steps but the first ones."""
        self._steps = 0
        self._numbers.clear()
        for first in (self._element, self._mapped, self._passed_on):
            first.after.clear()
            for _, of_branch in first.branches:
                of_branch.after.clear()

    def _structure_of_array(self, array: list[Any]) -> _Key:
        first, of_value = self._element, self._structure_of_value
        elements = [
            self._last_step(first, one).mattering if type(one) is dict else of_value(one)
            for one in array
        ]
        return *elements[:1], frozenset(elements)

    def _structure_of_value(self, value: Any) -> Any:
        if isinstance(value, list):
            return list, self._structure_of_array(value)
        return _USUAL_TYPES.get(type(value), type(value)), bool(value)


def _getter(
    names: Sequence[str], one: dict[str, Any]
) -> Callable[[dict[str, Any]], Iterable[Any]] | None:
    """Return a function that returns the values with these names of objects with equal keys."""
    if not names:
        return None
    # An `itemgetter` of a single name would return no sequence.
    return dict.values if len(names) == len(one) else itemgetter(names[0], *names)


def _first_step(place: ShapePlace, branches: Sequence[tuple[str, _Step]] = ()) -> _Step:
    """Return the step before an object at a place was looked at."""
    return _Step(waiting=(_Within(0, "", place),), branches=branches)


def _first_step_of_event(place: ShapePlace) -> _Step:
    """Return the step before an event was looked at.

    Its objects are looked at apart from each other, since each differs for reasons of its own.
    """
    places = {name: inner for name in _LOOKED_AT_APART if (inner := place.of(name))}
    return _first_step(place, [(name, _first_step(inner)) for name, inner in places.items()])


def _ways(several: FanOut) -> Iterator[tuple[str, str, bool]]:
    for one in several.requests:
        yield one.route, one.action, isinstance(one, Mapped)


def is_passed_on(line: bytes, mapped: Mapped | FanOut) -> bool:
    """Return whether a payload is the line itself, apart from white space around it."""
    if isinstance(mapped, FanOut):
        return any(is_passed_on(line, one) for one in mapped.mapped)
    # The sizes are compared first: most payloads have a different one.
    body = mapped.body
    size = len(body)
    if not size <= len(line) <= size + _SPACE:
        return False
    # Only an unusual line begins with white space; to cut it off copies the line.
    if line.startswith(body):
        return not line[size:].strip(_JSON_SPACE)
    return body == line.strip(_JSON_SPACE)
