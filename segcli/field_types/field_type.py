"""The type of a field of a payload, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

FieldKind = Literal[
    "string", "text", "password", "datetime", "number", "integer", "boolean", "object"
]

FIELD_KINDS: Final = (
    *("string", "text", "password", "datetime"),
    *("number", "integer", "boolean", "object"),
)
# Those in which an empty text is a value.
TEXT_KINDS: Final = frozenset({"string", "text", "password", "datetime"})
TEXT_FORMATS: Final = (
    *("email", "uri", "uri-reference", "uri-template", "date", "date-time", "time"),
    *("ipv4", "ipv6", "hostname", "uuid", "regex", "text", "password"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCondition:
    """A condition on a field at the top of the payload.

    key: the name of that field.
    inner: the name of a property of it that the condition is on; "" for the field itself.
    negated: the operator is `is_not`.
    has_value: the condition names a value; otherwise it asks whether the field is there.
    value: the value.
    """

    key: str
    inner: str = ""
    negated: bool = False
    has_value: bool = False
    value: Any = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """When a field is required: if all of the conditions hold, or with `is_any` one of them."""

    conditions: tuple[FieldCondition, ...]
    is_any: bool = False


@dataclass(frozen=True, slots=True)
class FieldType:
    """The type of a field.

    kind: what a value is.
    multiple: the field holds a list of such values.
    required: the key must be there: always, never, or on a condition.
    allow_null: null is a value too.
    properties: the fields of an object; None if it may have any.
    additional: an object with `properties` may have others too.
    format: what a text of the kind `string` must be, such as `email`; "" for any text.
    choices: the only values that are allowed; None for all.
    minimum, maximum: limits of a number, or of the length of a `string`; 0 is no limit.
    """

    kind: FieldKind = "string"
    multiple: bool = False
    required: bool | Requirement = False
    allow_null: bool = False
    properties: "Mapping[str, FieldType] | None" = None
    additional: bool = False
    format: str = ""
    choices: tuple[Any, ...] | None = None
    minimum: Any = 0
    maximum: Any = 0
