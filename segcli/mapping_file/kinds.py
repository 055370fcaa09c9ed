"""Which call types a query can pick."""

from segcli.core.event import TYPES
from segcli.fql import Ast, Compare, Field, Group
from segcli.fql.tree import Node

_TYPE = Field("type")


def kinds_of(query: Ast) -> frozenset[str]:
    """Return the call types of which an event may be what a query says; no other ever is."""
    return frozenset(kind for kind in TYPES if _may_be(query, kind))


def _may_be(node: Node, kind: str) -> bool:
    match node:
        case Group("and", children):
            return all(_may_be(child, kind) for child in children)
        case Group("or", children):
            return any(_may_be(child, kind) for child in children)
        case Compare(field, "=", value) if field == _TYPE:
            return value == kind
        case Compare(field, "!=", value) if field == _TYPE:
            return value != kind
    return True
