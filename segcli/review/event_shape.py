"""The shape of an event: events of one shape are assumed to be mapped alike."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import truth
from typing import Any, Literal

from segcli.core.decision import FanOut, Mapped

_JSON_SPACE = b" \t\r\n"
# With more white space around it than this, an event counts as changed by its mapping.
_SPACE = 16
# Each holds the keys and types of an object; an input may have new ones in every line.
_KINDS_KEPT = 50_000
# Objects that Segment's spec has remarks on.
_TRAITS = ("traits", "context.traits")

_Key = tuple[Any, ...]
# What objects with the same keys and types have in common: a number for them, the keys of the
# objects in them, each with its place, and the keys of the arrays.
_Kind = tuple[int, list[tuple[str, "_Place"]], list[str]]


@dataclass(frozen=True, slots=True)
class _Place:
    """A place of objects in events.

    is_read: the mapping may read the values there, so it matters which of them are empty.
    inner: the places of the containers within, by key; None for a container that does not matter.
    others: the place of all other containers within.
    only: the keys that matter in an object there; empty for all.
    kinds: the objects that were met there, by their keys and types.
    """

    is_read: bool
    inner: Mapping[str, "_Place | None"] = field(default_factory=dict)
    others: "_Place | Literal['itself'] | None" = "itself"
    only: Sequence[str] = ()
    kinds: dict[_Key, _Kind] = field(default_factory=dict)

    def kind_of(self, key: _Key, one: dict[str, Any]) -> _Kind:
        """Return the kind of an object that is new in this place."""
        if len(self.kinds) >= _KINDS_KEPT:
            self.kinds.clear()
        others = self if self.others == "itself" else self.others
        places = {name: self.inner.get(name, others) for name in one}
        objects = [
            (name, place) for name, place in places.items() if place and type(one[name]) is dict
        ]
        arrays = [name for name, place in places.items() if place and type(one[name]) is list]
        kind = self.kinds[key] = hash(key), objects, arrays
        return kind


class Shapes:
    """Numbers the shapes of events: events of one shape get the same number in every process.

    Two events have one shape if these agree: call type, event name, route, notes, the mapping that
    was chosen (of several actions each one, and whether it can map the event), whether they are
    passed on unchanged, and for every field its name, the type of its value and, where the mapping
    may read it, whether that is empty. The number is a hash: the shapes themselves would fill the
    memory.
    """

    def __init__(self, reads: Iterable[str] | None = None, *, all_fields: bool = False) -> None:
        """Number shapes for a mapping that reads these dotted paths only; None for all.

        Of an event that is passed on nothing is left out, so nothing is probed. What matters is
        what remarks are made of: what the mapping reads, the fields of the event and the traits.
        With `all_fields` every field matters.
        """
        self._all = self._mapped = self._passed_on = _Place(is_read=True)
        if reads is not None:
            paths = list(reads)
            unread = _Place(is_read=False)
            others = unread if all_fields else None
            self._mapped = _event_place(paths, self._all, unread)
            self._passed_on = _event_place([*paths, *_TRAITS], self._all, others)

    def number_of(self, data: dict[str, Any], mapped: Mapped | FanOut, *, passed_on: bool) -> int:
        """Return the number of an event's shape."""
        name = data["event"] if data["type"] == "track" else ""
        found: list[Any]
        if isinstance(mapped, Mapped):
            found = [data["type"], name, mapped.route, mapped.notes, mapped.mapped_by, passed_on]
        else:
            found = [data["type"], name, *_ways(mapped), mapped.notes, passed_on]
        self._add_structure(self._passed_on if passed_on else self._mapped, data, found)
        return hash(tuple(found))

    def structure_of(self, data: dict[str, Any]) -> tuple[Any, ...]:
        """Return the structure of an event and all it contains: keys, types, emptiness.

        For an array it holds the structures of the elements, and that of the first one, but
        neither their order nor their number.
        """
        return self._structure_in(self._mapped, data)

    def _structure_in(self, place: _Place, data: dict[str, Any]) -> tuple[Any, ...]:
        found: list[Any] = []
        self._add_structure(place, data, found)
        return tuple(found)

    def _add_structure(self, place: _Place, data: dict[str, Any], found: list[Any]) -> None:
        objects = [(place, data)]
        # Hot path of check (bench_check.py): a flat list takes half the time of nested tuples.
        for at, one in objects:
            if at.only:
                one = {name: one[name] for name in at.only if name in one}  # noqa: PLW2901
            values = one.values()
            key = (*one, *map(type, values))
            number, inner, arrays = at.kinds.get(key) or at.kind_of(key, one)
            found.append(number)
            if at.is_read and not all(values):
                found.append(tuple(map(truth, values)))
            for name, inner_place in inner:
                # Most empty objects are `integrations`.
                if value := one[name]:
                    objects.append((inner_place, value))
                else:
                    found.append(0)
            if arrays:
                found += [self._structure_of_array(one[name]) for name in arrays]

    def _structure_of_array(self, array: list[Any]) -> _Key:
        elements = [self._structure_of_element(element) for element in array]
        return *elements[:1], frozenset(elements)

    def _structure_of_element(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._structure_in(self._all, value)
        if isinstance(value, list):
            return list, self._structure_of_array(value)
        return type(value), bool(value)


def _ways(several: FanOut) -> Iterator[tuple[str, str, bool]]:
    for one in several.requests:
        yield one.route, one.action, isinstance(one, Mapped)


def _event_place(reads: Iterable[str], read: _Place, others: _Place | None) -> _Place:
    """Return the place of events for a mapping that reads their own fields and these paths."""
    paths = [path.split(".") for path in reads]
    inner: dict[str, _Place | None] = {}
    for name in {path[0] for path in paths}:
        below = [path[1] for path in paths if path[0] == name and path[1:]]
        only = () if others else sorted(set(below))
        partly_read = _Place(True, dict.fromkeys(below, read), others, only)
        inner[name] = read if [name] in paths else partly_read
    return _Place(is_read=True, inner=inner, others=others)


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
