"""The shape of an event: what it has in common with others that a mapping treats alike."""

from typing import Any

from segcli.core.outcome import Mapped

_JSON_SPACE = b" \t\r\n"
# An event with more space around it is taken for one that became something else.
_SPACE = 16
_CONTAINERS = frozenset({dict, list})
# Of objects with the same keys and types; an input may have new ones in every line.
_KINDS_KEPT = 50_000

_Key = tuple[Any, ...]


class Shapes:
    """Gives events that are taken to be mapped alike the same number, in all processes of a run.

    They have the same call type, name, route and notes, were mapped by the same of several
    mappings, and have the same fields with values of the same types, empty or not; or all of them
    are passed on as they are. A number is a hash: the shapes themselves would fill the memory.
    """

    def __init__(self) -> None:
        self._kinds: dict[_Key, tuple[int, list[str]]] = {}

    def number_of(self, data: dict[str, Any], mapped: Mapped, *, passed_on: bool) -> int:
        """Return the number of an event's shape."""
        name = data["event"] if data["type"] == "track" else ""
        how = (mapped.route, mapped.notes, mapped.mapped_by, passed_on)
        return hash((data["type"], name, *how, self.structure_of(data)))

    def structure_of(self, data: dict[str, Any]) -> tuple[Any, ...]:
        """Return what objects must have in common to be mapped alike: keys, types, emptiness.

        Of an array counts which elements there are, and which is the first, not how many.
        """
        found: list[Any] = []
        containers: list[Any] = [data]
        # Every event comes through here: one flat list takes half the time of nested tuples.
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
        """Remember the number of objects with these keys and types, and which hold more."""
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
    """Tell whether the event on a line is its own payload, but for white space around it."""
    # Most payloads are of another size.
    return len(mapped.body) <= len(line) <= len(mapped.body) + _SPACE and (
        mapped.body == line.strip(_JSON_SPACE)
    )
