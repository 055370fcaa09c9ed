"""The shape of an event: events of one shape are assumed to be mapped alike."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import truth
from typing import Any, Literal

import msgspec

from segcli.core.decision import FanOut, Mapped

_JSON_SPACE = b" \t\r\n"
# With more white space around it than this, an event counts as changed by its mapping.
_SPACE = 16
# Each holds the keys and types of an object; an input may have new ones in every line.
_KINDS_KEPT = 50_000

_OBJECTS = ("context", "traits", "properties")

_Key = tuple[Any, ...]


# These are tuples: Python takes them apart faster than others.
# What objects with the same keys and types have in common where these do not matter: a number, and
# the keys of the objects and the arrays in them, of which nothing matters either.
_Rest = tuple[int, list[str], list[str]]
# The same where they matter: a number for the keys that matter and the types of their values,
# these keys (None for all), those of the objects, each with its place, those of the arrays, and
# what does not matter (None for nothing, or to leave it aside).
_Kind = tuple[int, list[str] | None, list[tuple[str, "_Place"]], list[str], _Rest | None]


@dataclass(frozen=True, slots=True)
class _Place:
    """A place of objects in events that matter to the mapping or to remarks.

    inner: the places of the containers within, by key; None for one that does not matter.
    others: the place of all other containers within.
    has_own: all keys of an object matter, and not only those in `inner`.
    has_rest: what does not matter is part of the whole shape.
    is_read: the mapping may read the values, so it matters which of them are empty.
    kinds: the objects that were met there, by their keys and types.
    """

    inner: Mapping[str, "_Place | None"] = field(default_factory=dict)
    others: "_Place | Literal['itself'] | None" = "itself"
    has_own: bool = True
    has_rest: bool = True
    is_read: bool = True
    kinds: dict[_Key, _Kind] = field(default_factory=dict)

    def kind_of(self, key: _Key, one: dict[str, Any]) -> _Kind:
        """Return the kind of an object that is new in this place."""
        if len(self.kinds) >= _KINDS_KEPT:
            self.kinds.clear()
        others = self if self.others == "itself" else self.others
        places = {name: self.inner.get(name, others) for name in one}
        keys = None if self.has_own else [name for name in one if places[name]]
        rest = _rest_of(key, {name: one[name] for name in one if not places[name]})
        has_rest = self.has_rest and (keys is not None or rest[1] or rest[2])
        kind = self.kinds[key] = (
            hash(key if keys is None else tuple((name, type(one[name])) for name in keys)),
            keys,
            [(name, place) for name, place in places.items() if place and type(one[name]) is dict],
            [name for name, place in places.items() if place and type(one[name]) is list],
            rest if has_rest else None,
        )
        return kind


def _rest_of(key: _Key, one: dict[str, Any]) -> _Rest:
    """Return what is known of objects with these keys and types, of which this does not matter."""
    objects = [name for name, value in one.items() if type(value) is dict]
    return hash(key), objects, [name for name in one if type(one[name]) is list]


class ShapeNumbers(msgspec.Struct, frozen=True, gc=False):
    """The numbers of an event's shape.

    mattering: of what matters to the mapping and to remarks: what the mapping reads, the event's
        own fields, and the traits. Few events differ in that.
    whole: of the whole shape.
    """

    mattering: int
    whole: int


class Shapes:
    """Numbers the shapes of events: events of one shape get the same numbers in every process.

    Two events have one shape if these agree: call type, event name, route, notes, the mapping that
    was chosen (of several actions each one, and whether it can map the event), whether they are
    passed on unchanged, and for every field its name, the type of its value and, where the mapping
    may read it, whether that is empty. The numbers are hashes: the shapes themselves would fill the
    memory.
    """

    def __init__(self, reads: Iterable[str] | None = None, *, all_fields: bool = False) -> None:
        """Number shapes for a mapping that reads these dotted paths only; None for all.

        Of an event that is passed on nothing is left out, so nothing is probed: both numbers are
        those of what matters. With `all_fields` every field counts there too.
        """
        self._all = self._mapped = self._passed_on = _Place()
        self._rests: dict[_Key, _Rest] = {}
        if reads is not None:
            paths = [path.split(".") for path in reads]
            self._mapped = _event_place(paths, self._all, has_rest=True)
            self._passed_on = _event_place(paths, self._all, has_rest=all_fields)

    def numbers_of(
        self, data: dict[str, Any], mapped: Mapped | FanOut, *, passed_on: bool
    ) -> ShapeNumbers:
        """Return the numbers of an event's shape."""
        name = data["event"] if data["type"] == "track" else ""
        found: list[Any]
        if isinstance(mapped, Mapped):
            found = [data["type"], name, mapped.route, mapped.notes, mapped.mapped_by, passed_on]
        else:
            found = [data["type"], name, *_ways(mapped), mapped.notes, passed_on]
        place = self._passed_on if passed_on else self._mapped
        rest = self._add_structure(place, data, found)
        mattering = hash(tuple(found))
        if not rest:
            return ShapeNumbers(mattering, mattering)
        return ShapeNumbers(mattering, hash((mattering, *rest)))

    def structure_of(self, data: dict[str, Any]) -> tuple[Any, ...]:
        """Return the structure of an event and all it contains: keys, types, emptiness.

        For an array it holds the structures of the elements, and that of the first one, but
        neither their order nor their number.
        """
        return self._structure_in(self._mapped, data)

    def _structure_in(self, place: _Place, data: dict[str, Any]) -> tuple[Any, ...]:
        found: list[Any] = []
        rest = self._add_structure(place, data, found)
        return *found, *rest

    def _add_structure(self, place: _Place, data: dict[str, Any], found: list[Any]) -> list[Any]:
        """Add the structure of what matters, and return that of the rest."""
        objects, rests = [(place, data)], []
        # Hot path of check (bench_check.py): a flat list takes half the time of nested tuples.
        for at, one in objects:
            values = one.values()
            key = (*one, *map(type, values))
            number, keys, inner, arrays, rest = at.kinds.get(key) or at.kind_of(key, one)
            found.append(number)
            if at.is_read and not all(values):
                found += (tuple(map(truth, values)),) if keys is None else _empty_in(one, keys)
            for name, inner_place in inner:
                # Most empty objects are `integrations`.
                if value := one[name]:
                    objects.append((inner_place, value))
                else:
                    found.append(0)
            if arrays:
                found += [self._structure_of_array(one[name]) for name in arrays]
            if rest:
                rests.append((rest, one))
        return self._structure_of_rests(rests) if rests else rests

    def _structure_of_rests(self, rests: list[tuple[_Rest, dict[str, Any]]]) -> list[Any]:
        """Return the structure of what does not matter: keys and types."""
        found: list[Any] = []
        objects: list[dict[str, Any]] = []
        known = self._rests
        for (number, inner, arrays), one in rests:
            found.append(number)
            objects += [one[name] for name in inner]
            if arrays:
                found += [self._structure_of_array(one[name]) for name in arrays]
        for one in objects:
            key = (*one, *map(type, one.values()))
            number, inner, arrays = known.get(key) or self._new_rest(key, one)
            found.append(number)
            if inner:
                objects += [one[name] for name in inner]
            if arrays:
                found += [self._structure_of_array(one[name]) for name in arrays]
        return found

    def _new_rest(self, key: _Key, one: dict[str, Any]) -> _Rest:
        if len(self._rests) >= _KINDS_KEPT:
            self._rests.clear()
        rest = self._rests[key] = _rest_of(key, one)
        return rest

    def _structure_of_array(self, array: list[Any]) -> _Key:
        elements = [self._structure_of_element(element) for element in array]
        return *elements[:1], frozenset(elements)

    def _structure_of_element(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._structure_in(self._all, value)
        if isinstance(value, list):
            return list, self._structure_of_array(value)
        return type(value), bool(value)


def _empty_in(one: dict[str, Any], keys: Sequence[str]) -> Sequence[str]:
    return [name for name in keys if not one[name]]


def _ways(several: FanOut) -> Iterator[tuple[str, str, bool]]:
    for one in several.requests:
        yield one.route, one.action, isinstance(one, Mapped)


def _event_place(paths: Sequence[Sequence[str]], read: _Place, *, has_rest: bool) -> _Place:
    """Return the place of events for a mapping that reads their own fields and these paths."""
    inner: dict[str, _Place | None] = {}
    for name in _OBJECTS:
        below = {path[1] for path in paths if path[0] == name and path[1:]}
        of_name: dict[str, _Place | None] = dict.fromkeys(below, read)
        if name == "context":
            # Segment's spec has remarks on the keys and types of traits, wherever they are.
            of_name.setdefault("traits", _Place({}, None, has_rest=has_rest, is_read=False))
        has_own, is_read = name == "traits", bool(below)
        place = _Place(of_name, None, has_own=has_own, has_rest=has_rest, is_read=is_read)
        inner[name] = read if [name] in paths else place if of_name or has_own else None
    return _Place(inner, _Place(is_read=False), has_rest=has_rest)


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
