"""What is expected of a mapping's result: compared while it is made, at less cost than later."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

ValueTest = Callable[[Any], object]
# By the type of a value: None if every such value is as expected, or the test of it.
ValueTests = Mapping[type, ValueTest | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is expected of a value.

    tests: the tests of the value. They have every type of a JSON value, and Unexpected.
    compared: the tests of a value whose fields or items were compared while it was made.
    fields: what is expected of the fields of an object; None if they are not compared.
    others: what is expected of every other field.
    required: the fields that an object must have.
    items: what is expected of the items of a list; None if they are not compared.
    """

    tests: ValueTests
    compared: ValueTests
    fields: "Mapping[str, Expected] | None" = None
    others: "Expected | None" = None
    required: frozenset[str] = frozenset()
    items: "Expected | None" = None

    def field(self, name: str) -> "Expected | None":
        """Return what is expected of a field of an object."""
        return self.fields.get(name, self.others) if self.fields is not None else None


@final
class Unexpected:
    """An object that is not as expected.

    value: the object.
    keys: the fields that are not as expected; None if no field was compared.
    """

    __slots__ = ("keys", "value")

    def __init__(self, value: dict[str, Any], keys: Sequence[str] | None = None) -> None:
        self.value, self.keys = value, keys
