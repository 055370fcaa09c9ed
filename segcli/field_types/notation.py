"""Reads field types in Segment's own notation, or in a short one: `"string required"`."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from segcli.field_types.conditions import constant_of
from segcli.field_types.field_type import (
    FIELD_KINDS,
    TEXT_FORMATS,
    FieldCondition,
    FieldType,
    Requirement,
)

_WORDS = {"required": "required", "multiple": "multiple", "null": "allowNull"}
_SCALARS = "a text, a number, true or false"

# Where a mistake is, below the fields, and what it is.
NotationProblem = tuple[tuple[str | int, ...], str]


def field_types(fields: Mapping[str, Any]) -> Mapping[str, FieldType]:
    """Return the types of fields that have no `problems_of`."""
    return {name: _field_type(_whole(entry)) for name, entry in fields.items()}


def problems_of(fields: Mapping[str, Any]) -> Iterator[NotationProblem]:
    """Yield every mistake in fields whose structure is that of the schema of destination files."""
    names = set(_names(fields))
    yield from _problems(fields, (), names)


def _problems(
    fields: Mapping[str, Any], path: tuple[str | int, ...], names: set[str]
) -> Iterator[NotationProblem]:
    for name, entry in fields.items():
        at = (*path, name)
        if isinstance(entry, str):
            yield from ((at, problem) for problem in _problems_of_words(entry))
            continue
        for where, problem in _problems_of_entry(entry, names):
            yield (*at, *where), problem
        inner = entry.get("properties")
        if inner is not None:
            yield from _problems(inner, (*at, "properties"), names)


def _problems_of_words(text: str) -> Iterator[str]:
    kind, *words = text.split() or [""]
    if kind not in FIELD_KINDS:
        yield f"must begin with a type: {', '.join(FIELD_KINDS)}"
        return
    known = (*_WORDS, *TEXT_FORMATS)
    for word in words:
        if word not in known:
            close = difflib.get_close_matches(word, known, 1)
            hint = f"Did you mean {close[0]}?" if close else f"The words are {', '.join(known)}."
            yield f"has a word that is not known after its type. {hint}"


def _problems_of_entry(entry: Mapping[str, Any], names: set[str]) -> Iterator[NotationProblem]:
    if "properties" in entry and entry.get("type", "object") != "object":
        yield ("properties",), 'need type = "object"'
    for at, choice in enumerate(entry.get("choices", ())):
        if _choice(choice) is None or constant_of(_choice(choice)) is None:
            yield ("choices", at), f"must be {_SCALARS}, or a table with value and label"
    least, most = entry.get("minimum") or 0, entry.get("maximum") or 0
    if least and most and least > most:
        yield ("minimum",), "is larger than the maximum"
    required = entry.get("required")
    for at, condition in enumerate(_conditions(required)):
        key = condition.get("fieldKey", "")
        if key and key not in names and key.partition(".")[0] not in names:
            close = difflib.get_close_matches(key, names, 1)
            hint = f". Did you mean {close[0]}?" if close else ""
            yield ("required", "conditions", at, "fieldKey"), f"names no field of this action{hint}"


def _names(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of all fields and properties: Segment's own conditions name both."""
    for name, entry in fields.items():
        yield name
        if isinstance(entry, Mapping) and isinstance(entry.get("properties"), Mapping):
            yield from _names(entry["properties"])


def _whole(entry: Any) -> Mapping[str, Any]:
    """Return the entry that a short text stands for."""
    if not isinstance(entry, str):
        found: Mapping[str, Any] = entry
        return found
    kind, *words = entry.split()
    whole: dict[str, Any] = {"type": kind}
    for word in words:
        whole |= {_WORDS[word]: True} if word in _WORDS else {"format": word}
    return whole


def _field_type(entry: Mapping[str, Any]) -> FieldType:
    choices = entry.get("choices")
    properties = entry.get("properties")
    required = entry.get("required", False)
    return FieldType(
        kind=entry.get("type") or ("object" if properties is not None else "string"),
        multiple=entry.get("multiple", False),
        required=_requirement(required) if isinstance(required, Mapping) else required,
        allow_null=entry.get("allowNull", False),
        properties=None if properties is None else field_types(properties),
        additional=entry.get("additionalProperties", False),
        format=entry.get("format", ""),
        choices=None if choices is None else tuple(map(_choice, choices)),
        minimum=entry.get("minimum", 0),
        maximum=entry.get("maximum", 0),
    )


def _choice(choice: Any) -> Any:
    return choice.get("value") if isinstance(choice, Mapping) else choice


def _conditions(required: Any) -> Sequence[Mapping[str, Any]]:
    return required.get("conditions", ()) if isinstance(required, Mapping) else ()


def _requirement(required: Mapping[str, Any]) -> Requirement:
    conditions = tuple(map(_condition, _conditions(required)))
    return Requirement(conditions, required.get("match") == "any")


def _condition(entry: Mapping[str, Any]) -> FieldCondition:
    # As at Segment, what follows a second dot has no meaning.
    names = entry["fieldKey"].split(".")
    return FieldCondition(
        key=names[0],
        inner=names[1] if len(names) > 1 else "",
        negated=entry["operator"] == "is_not",
        has_value="value" in entry,
        value=entry.get("value"),
    )
