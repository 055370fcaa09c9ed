"""What a query says, as values: the parser makes them, the compiler reads them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Value = str | bool | Decimal
Word = Literal["and", "or"]
TextTest = Literal["contains", "starts_with", "ends_with"]


@dataclass(frozen=True, slots=True)
class FieldName:
    """Where to look: a field of the event, and for `properties` and the like a name below it."""

    root: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """`field operator value`; an operator that nobody knows never holds."""

    field: FieldName
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Exists:
    """`field != null`, or negated `field = null`."""

    field: FieldName
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Is:
    """`field = true` or `field = false`."""

    field: FieldName
    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """`contains(field, text)` or `match(field, text*)`; negated it still wants a text."""

    field: FieldName
    test: TextTest
    text: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions that all hold, or of which one does."""

    word: Word
    children: "tuple[QueryNode, ...]"


Condition = Compare | Exists | Is | Holds
QueryNode = Condition | Group
Ast = Group
