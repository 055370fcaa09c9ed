"""Which fields are planned: the names in schemas, also in those that keywords combine."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from segcli.plan.pointers import schema_at

# Schemas that refer to each other can have more, in combination. Then any field is allowed.
_MOST_NODES = 20_000
_IN_PLACE = ("allOf", "anyOf", "oneOf")
_IN_PLACE_ONE = ("if", "then", "else")


class SchemaSpot(NamedTuple):
    """A schema within a rule.

    schema: the schema.
    root: the whole schema of the rule, for references.
    is_common: True if the rule is for every event.
    """

    schema: Any
    root: Any
    is_common: bool


@dataclass(slots=True, eq=False)
class PlannedNode:
    """The planned content of an object or an array.

    number: its number in the index.
    path: its dotted path; `[]` stands for every element of an array.
    names: the fields that are planned.
    own: those of them that are planned by a rule that is not for every event.
    is_open: True if other fields are allowed too.
    inner: the nodes of the values of some fields, by name.
    element: the node of the elements of an array.
    """

    number: int
    path: str
    names: frozenset[str]
    own: frozenset[str]
    is_open: bool
    inner: dict[str, "PlannedNode"] = field(default_factory=dict)
    element: "PlannedNode | None" = None


class NodeBuilder:
    """Makes the nodes of one rule; `first` is the number of the first."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.nodes: list[PlannedNode] = []
        # Schemas may refer to themselves.
        self._known: dict[tuple[int, ...], PlannedNode] = {}

    def build(
        self, spots: Sequence[SchemaSpot], path: str, *, is_top: bool = False
    ) -> PlannedNode | None:
        """Return the node of a value that schemas describe; None if they plan nothing."""
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


def field_of(spots: Iterable[SchemaSpot], name: str) -> list[SchemaSpot]:
    """Return the schemas of a field within a value that schemas describe."""
    return _fields(_expanded(list(spots))).get(name, [])


def _node(spots: Sequence[SchemaSpot], number: int, path: str, *, is_top: bool) -> PlannedNode:
    named = [(name, spot.is_common) for spot in spots for name in _names(spot)]
    names = frozenset(name for name, _ in named)
    return PlannedNode(
        number=number,
        path=path,
        names=names,
        own=frozenset(name for name, is_common in named if not is_common),
        is_open=any(map(_allows_others, spots)) or not (names or is_top),
    )


def _says_anything(node: PlannedNode) -> bool:
    """Return whether a value must be examined; most values are texts and numbers."""
    return bool(node.names or node.inner or node.element)


def _expanded(spots: Sequence[SchemaSpot]) -> list[SchemaSpot]:
    """Return the schemas, and all others that they apply to the same value, each once."""
    found: dict[int, SchemaSpot] = {}
    left = list(spots)
    while left:
        spot = left.pop()
        if isinstance(spot.schema, dict) and id(spot.schema) not in found:
            found[id(spot.schema)] = spot
            left += [spot._replace(schema=other) for other in _in_place(spot)]
    return list(found.values())


def _in_place(spot: SchemaSpot) -> Iterator[Any]:
    schema = spot.schema
    for key in _IN_PLACE:
        yield from schema.get(key) or () if isinstance(schema.get(key), list) else ()
    yield from (schema[key] for key in _IN_PLACE_ONE if key in schema)
    dependencies = schema.get("dependencies")
    if isinstance(dependencies, dict):
        yield from dependencies.values()
    if "$ref" in schema:
        yield schema_at(spot.root, schema["$ref"])


def _names(spot: SchemaSpot) -> Iterator[str]:
    """Yield the fields that a schema names; a required field is planned too."""
    yield from _properties(spot)
    required = spot.schema.get("required")
    if isinstance(required, list):
        yield from (name for name in required if isinstance(name, str))


def _properties(spot: SchemaSpot) -> Mapping[str, Any]:
    named = spot.schema.get("properties")
    return named if isinstance(named, dict) else {}


def _allows_others(spot: SchemaSpot) -> bool:
    """Return whether a schema explicitly allows fields that it does not name."""
    others = spot.schema.get("additionalProperties", False)
    return others is not False or bool(spot.schema.get("patternProperties"))


def _fields(spots: Iterable[SchemaSpot]) -> dict[str, list[SchemaSpot]]:
    found: dict[str, list[SchemaSpot]] = {}
    for spot in spots:
        for name, schema in _properties(spot).items():
            found.setdefault(name, []).append(spot._replace(schema=schema))
    return found


def _elements(spots: Iterable[SchemaSpot]) -> Iterator[SchemaSpot]:
    for spot in spots:
        items = spot.schema.get("items")
        for schema in items if isinstance(items, list) else [items]:
            yield spot._replace(schema=schema)
