"""The shape of an event: events of one shape are assumed to be mapped alike."""

from typing import Any

from segcli.core.outcome import Mapped

_JSON_SPACE = b" \t\r\n"
# With more white space around it than this, an event counts as changed by its mapping.
_SPACE = 16
_CONTAINERS = frozenset({dict, list})
# Each holds the keys and types of an object; an input may have new ones in every line.
_KINDS_KEPT = 50_000

_Key = tuple[Any, ...]


class Shapes:
    """Numbers the shapes of events: events of one shape get the same number in every process.

    Two events have one shape if these agree: call type, event name, route, notes, the mapping that
    was chosen, whether they are passed on unchanged, and for every field its name, the type of its
    value and whether that is empty. The number is a hash: the shapes themselves would fill the
    memory.
    """

    def __init__(self) -> None:
        self._kinds: dict[_Key, tuple[int, list[str]]] = {}

    def number_of(self, data: dict[str, Any], mapped: Mapped, *, passed_on: bool) -> int:
        """Return the number of an event's shape."""
        name = data["event"] if data["type"] == "track" else ""
        how = (mapped.route, mapped.notes, mapped.mapped_by, passed_on)
        return hash((data["type"], name, *how, self.structure_of(data)))

    def structure_of(self, data: dict[str, Any]) -> tuple[Any, ...]:
        """Return the structure of an object and all it contains: keys, types, emptiness.

        For an array it holds the structures of the elements, and that of the first one, but
        neither their order nor their number.
        """
        found: list[Any] = []
        containers: list[Any] = [data]
        # Hot path of check (bench_check.py): a flat list takes half the time of nested tuples.
        for one in containers:
            if type(one) is list:
                found.append(self._structure_of_array(one))
                continue
            values = one.values()
            kind = (*one, *map(type, values))
            number, names = self._kinds.get(kind) or self._new_kind(kind, one)
            found.append(number)
            if not all(values):
                found.append(tuple(map(bool, values)))
            if names:
                containers += [one[name] for name in names]
        return tuple(found)

    def _new_kind(self, kind: _Key, one: dict[str, Any]) -> tuple[int, list[str]]:
        """Number objects with these keys and types, and list the keys that hold containers."""
        if len(self._kinds) >= _KINDS_KEPT:
            self._kinds.clear()
        names = [name for name, value in one.items() if type(value) in _CONTAINERS]
        self._kinds[kind] = hash(kind), names
        return hash(kind), names

    def _structure_of_array(self, array: list[Any]) -> _Key:
        elements = [self._structure_of_element(element) for element in array]
        return *elements[:1], frozenset(elements)

    def _structure_of_element(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.structure_of(value)
        if isinstance(value, list):
            return list, self._structure_of_array(value)
        return type(value), bool(value)


def is_passed_on(line: bytes, mapped: Mapped) -> bool:
    """Return whether the payload is the line itself, apart from white space around it."""
    # The sizes are compared first: most payloads have a different one.
    return len(mapped.body) <= len(line) <= len(mapped.body) + _SPACE and (
        mapped.body == line.strip(_JSON_SPACE)
    )
