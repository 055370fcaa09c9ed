"""The syntax tree of a query: the parser builds it, the compiler reads it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Value = str | bool | Decimal
Word = Literal["and", "or"]
TextTest = Literal["contains", "starts_with", "ends_with"]


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field of an event.

    root: the field at the top level.
    name: for `properties`, `traits` and `context`, the name of the nested field.
    """

    root: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """`field operator value`. A condition with an unknown operator is never true."""

    field: FieldName
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Exists:
    """`field != null`; if negated, `field = null`."""

    field: FieldName
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Is:
    """`field = true` or `field = false`."""

    field: FieldName
    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """`contains(field, text)` or `match(field, text*)`.

    Also if negated, it is true for texts only.
    """

    field: FieldName
    test: TextTest
    text: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class QueryGroup:
    """Conditions joined by `and` or by `or`."""

    word: Word
    children: "tuple[QueryNode, ...]"


Condition = Compare | Exists | Is | Holds
QueryNode = Condition | QueryGroup
Ast = QueryGroup
