"""The shape of an event: what it has in common with others that a mapping treats alike."""

from typing import Any

from segcli.event import Event
from segcli.outcome import Mapped

_CONTAINERS = frozenset({dict, list})


def shape_of(event: Event, mapped: Mapped) -> int | None:
    """Return the same number for events that are taken to be mapped alike; None if passed on.

    They have the same call type, name, route and notes, and the same fields with values of the
    same types, empty or not. A hash is returned: the shapes themselves would fill the memory.
    """
    if mapped.body is event.raw:
        return None
    data = event.data
    name = data["event"] if data["type"] == "track" else ""
    return hash((data["type"], name, mapped.route, mapped.notes, structure_of(data)))


def structure_of(data: dict[str, Any]) -> tuple[Any, ...]:
    """Return what objects must have in common to be mapped alike: keys, types, emptiness.

    Of an array counts which elements there are, not how many or in which order.
    """
    found: list[Any] = []
    containers: list[Any] = [data]
    # Every event comes through here: one flat list takes half the time of nested tuples.
    for one in containers:
        if type(one) is list:
            found.append(frozenset(map(_structure_of_element, one)))
            continue
        values = one.values()
        types = list(map(type, values))
        found += one
        found += types
        if not all(values):
            found += map(bool, values)
        if dict in types or list in types:
            containers += [value for value in values if type(value) in _CONTAINERS]
    return tuple(found)


def _structure_of_element(value: Any) -> Any:
    if isinstance(value, dict):
        return structure_of(value)
    inner = frozenset(map(_structure_of_element, value)) if isinstance(value, list) else bool(value)
    return type(value), inner
