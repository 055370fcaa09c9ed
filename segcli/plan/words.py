"""A violation in words, as near to Segment's own as plain English allows.

No value of an event is in them: equal violations have equal words, and nothing leaks.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from segcli.plan.rule import cut

_MOST_VALUES = 12


class Violation(NamedTuple):
    """What a value does not keep to.

    path: where the value stands, from the outside in.
    keyword: the keyword of JSON Schema.
    facts: what the validator says of it, such as the limit.
    given: the JSON type of the value.
    """

    path: Sequence[str | int]
    keyword: str
    facts: Mapping[str, Any]
    given: str


def problem_of(violation: Violation) -> str:
    """Return what is wrong with a value, as the end of a sentence that begins with its path."""
    words = _WORDS.get(violation.keyword)
    return words(violation) if words else f"does not keep to {violation.keyword}"


def dotted(path: Sequence[str | int]) -> str:
    """Return a path as findings show it; `[]` stands for every element of an array."""
    found = ""
    for part in path:
        if isinstance(part, int):
            found += "[]"
        else:
            found += f".{part}" if found else part
    return found


def json_type_of(value: object) -> str:
    """Return the name that JSON Schema has for the type of a value."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "number"


def _type(violation: Violation) -> str:
    expected = " or ".join(sorted(violation.facts["types"]))
    return f"has an invalid type: expected {expected}, given {violation.given}"


def _enum(violation: Violation) -> str:
    options = violation.facts["options"]
    shown = ", ".join(map(_json, options[:_MOST_VALUES]))
    more = ", …" if len(options) > _MOST_VALUES else ""
    return f"must be one of the following: {shown}{more}"


def _json(value: Any) -> str:
    return cut(json.dumps(value, ensure_ascii=False, default=str), 60)


def _limit(text: str) -> Callable[[Violation], str]:
    return lambda violation: text.format(violation.facts["limit"])


def _plain(text: str) -> Callable[[Violation], str]:
    return lambda _: text


_WORDS: Mapping[str, Callable[[Violation], str]] = {
    "required": _plain("is required"),
    "type": _type,
    "enum": _enum,
    "const": lambda violation: f"must be {_json(violation.facts['expected_value'])}",
    "pattern": lambda violation: f"does not match pattern {_json(violation.facts['pattern'])}",
    "format": lambda violation: f"does not match format {_json(violation.facts['format'])}",
    "minimum": _limit("must be greater than or equal to {}"),
    "exclusiveMinimum": _limit("must be greater than {}"),
    "maximum": _limit("must be less than or equal to {}"),
    "exclusiveMaximum": _limit("must be less than {}"),
    "multipleOf": lambda violation: f"must be a multiple of {violation.facts['multiple_of']}",
    "minLength": _limit("must have at least {} characters"),
    "maxLength": _limit("must have at most {} characters"),
    "minItems": _limit("must have at least {} items"),
    "maxItems": _limit("must have at most {} items"),
    "additionalItems": _plain("has more items than planned"),
    "uniqueItems": _plain("has items that are not unique"),
    "contains": _plain("has no item of the kind that is planned"),
    "minProperties": _limit("must have at least {} properties"),
    "maxProperties": _limit("must have at most {} properties"),
    "propertyNames": _plain("has a property whose name is not allowed"),
    "anyOf": _plain("must match at least one schema of anyOf"),
    "oneOf": _plain("must match exactly one schema of oneOf"),
    "not": _plain("must not match the schema of not"),
    "falseSchema": _plain("is not allowed"),
}
