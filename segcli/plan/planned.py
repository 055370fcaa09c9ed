"""Which fields a plan plans: the names in its schemas, gathered over all ways to say them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from segcli.plan.references import resolved

# Schemas that refer to each other in all combinations would have more; then any field is fine.
_MOST_NODES = 20_000
_IN_PLACE = ("allOf", "anyOf", "oneOf")
_IN_PLACE_ONE = ("if", "then", "else")


class Spot(NamedTuple):
    """A schema, the one it is part of, and whether the plan has it for every event."""

    schema: Any
    root: Any
    is_common: bool


@dataclass(slots=True, eq=False)
class Node:
    """What is planned of an object, or of an array.

    number: which node of the plan it is.
    path: where it stands, dotted; `[]` stands for every element of an array.
    names: the fields that are planned.
    own: those of them that a rule plans which is not for every event.
    is_open: other fields are fine too.
    inner: what is planned of the values of some fields.
    element: what is planned of the elements of an array.
    """

    number: int
    path: str
    names: frozenset[str]
    own: frozenset[str]
    is_open: bool
    inner: dict[str, "Node"] = field(default_factory=dict)
    element: "Node | None" = None


class NodeBuilder:
    """Makes the nodes of one rule; `first` is the number of the first."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.nodes: list[Node] = []
        # Schemas may refer to themselves.
        self._known: dict[tuple[int, ...], Node] = {}

    def build(self, spots: Sequence[Spot], path: str, *, is_top: bool = False) -> Node | None:
        """Return what schemas plan of one value; None where that is nothing."""
        found = _expanded(spots)
        key = tuple(sorted({id(spot.schema) for spot in found}))
        if key in self._known or not found or len(self.nodes) >= _MOST_NODES:
            return self._known.get(key)
        node = self._known[key] = _node(found, self._first + len(self.nodes), path, is_top=is_top)
        self.nodes.append(node)
        for name, inner in _fields(found).items():
            below = self.build(inner, f"{path}.{name}")
            if below and _says_anything(below):
                node.inner[name] = below
        element = self.build(list(_elements(found)), f"{path}[]")
        node.element = element if element and _says_anything(element) else None
        return node


def field_of(spots: Iterable[Spot], name: str) -> list[Spot]:
    """Return what schemas say of a field."""
    return _fields(_expanded(list(spots))).get(name, [])


def _node(spots: Sequence[Spot], number: int, path: str, *, is_top: bool) -> Node:
    named = [(name, spot.is_common) for spot in spots for name in _names(spot)]
    names = frozenset(name for name, _ in named)
    return Node(
        number=number,
        path=path,
        names=names,
        own=frozenset(name for name, is_common in named if not is_common),
        is_open=any(map(_allows_others, spots)) or not (names or is_top),
    )


def _says_anything(node: Node) -> bool:
    """Return whether a value has to be looked into; most are texts and numbers."""
    return bool(node.names or node.inner or node.element)


def _expanded(spots: Sequence[Spot]) -> list[Spot]:
    """Return the schemas with all that hold for the same value, each once."""
    found: dict[int, Spot] = {}
    left = list(spots)
    while left:
        spot = left.pop()
        if isinstance(spot.schema, dict) and id(spot.schema) not in found:
            found[id(spot.schema)] = spot
            left += [spot._replace(schema=other) for other in _in_place(spot)]
    return list(found.values())


def _in_place(spot: Spot) -> Iterator[Any]:
    schema = spot.schema
    for key in _IN_PLACE:
        yield from schema.get(key) or () if isinstance(schema.get(key), list) else ()
    yield from (schema[key] for key in _IN_PLACE_ONE if key in schema)
    dependencies = schema.get("dependencies")
    if isinstance(dependencies, dict):
        yield from dependencies.values()
    if "$ref" in schema:
        yield resolved(spot.root, schema["$ref"])


def _names(spot: Spot) -> Iterator[str]:
    """Yield the fields that a schema names; who requires one has planned it."""
    yield from _properties(spot)
    required = spot.schema.get("required")
    if isinstance(required, list):
        yield from (name for name in required if isinstance(name, str))


def _properties(spot: Spot) -> Mapping[str, Any]:
    named = spot.schema.get("properties")
    return named if isinstance(named, dict) else {}


def _allows_others(spot: Spot) -> bool:
    """Return whether a schema says in so many words that it takes fields it does not name."""
    others = spot.schema.get("additionalProperties", False)
    return others is not False or bool(spot.schema.get("patternProperties"))


def _fields(spots: Iterable[Spot]) -> dict[str, list[Spot]]:
    found: dict[str, list[Spot]] = {}
    for spot in spots:
        for name, schema in _properties(spot).items():
            found.setdefault(name, []).append(spot._replace(schema=schema))
    return found


def _elements(spots: Iterable[Spot]) -> Iterator[Spot]:
    for spot in spots:
        items = spot.schema.get("items")
        for schema in items if isinstance(items, list) else [items]:
            yield spot._replace(schema=schema)
