"""Checks the structure of a file against the published schema, the only definition of it.

Only the parts of JSON Schema that this schema uses are supported. `oneOf` and `anyOf` are ignored
here: the module that reads the table checks them, with a message of its own.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, Final

from segcli.core.exact_json import WrittenFloat
from segcli.destination_file.problems import MAX_MISTAKES, KeyPath, Mistakes, dotted, listed

_GONE: Final = object()
_KINDS: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    WrittenFloat: "number",
    Decimal: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}
_WORDS = {
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a table",
    "array": "a list",
    "null": "null",
}


@cache
def schema_text() -> str:
    """Return the text of the published schema."""
    return files("segcli.destination_file").joinpath("schema.json").read_text()


def checked(document: dict[str, Any], mistakes: Mistakes) -> dict[str, Any]:
    """Return a file's content without its mistakes, which are noted.

    The result has the structure of the schema, but required keys may be missing.
    """
    found: dict[str, Any] = _held(document, _schema(), (), mistakes)
    return found


def checked_fields(fields: dict[str, Any], path: KeyPath, mistakes: Mistakes) -> dict[str, Any]:
    """Return the fields of an action without their mistakes, which are noted below a path."""
    found: dict[str, Any] = _held(fields, {"$ref": "#/definitions/fields"}, path, mistakes)
    return found


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(schema_text())
    return schema


def _held(value: Any, rule: Mapping[str, Any], path: KeyPath, mistakes: Mistakes) -> Any:
    """Return the valid parts of a value; `_GONE` if the value itself is wrong."""
    rule = _resolved(rule)
    if problem := _problem(value, rule):
        is_one_of_many = isinstance(value, dict) and rule.get("type") == "array"
        hint = f": in TOML each begins with [[{dotted(path)}]]" if is_one_of_many else ""
        mistakes.add(path, problem + hint)
        return _GONE
    if isinstance(value, dict) and "object" in _kinds_of(rule):
        return dict(_entries(value, rule, path, mistakes))
    if isinstance(value, list) and "items" in rule:
        inner = [_held(one, rule["items"], (*path, at), mistakes) for at, one in enumerate(value)]
        # Messages name a table by its index, so a wrong one is replaced by an empty one.
        is_table = _resolved(rule["items"]).get("type") == "object"
        inner = [{} if is_table and one is _GONE else one for one in inner]
        return [one for one in inner if one is not _GONE]
    return value


def _resolved(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in rule:
        return rule
    found: Mapping[str, Any] = _schema()["definitions"][rule["$ref"].rpartition("/")[2]]
    return found


def _entries(
    table: dict[str, Any], rule: Mapping[str, Any], path: KeyPath, mistakes: Mistakes
) -> Iterator[tuple[str, Any]]:
    known = rule.get("properties", {})
    others = rule.get("additionalProperties", True)
    unknown = [key for key in table if key not in known] if others is False else []
    _note_missing(table, rule, path, mistakes)
    for key, value in table.items():
        if key in unknown:
            mistakes.add((*path, key), f"is not a key here. {_guess(key, known)}")
            yield from _misspelled(key, table, rule, path, mistakes)
            continue
        problem = _problem(key, _resolved(rule.get("propertyNames", {})))
        if problem:
            mistakes.add((*path, key), f"its name {problem}")
        inner = known.get(key, others)
        found = value if inner is True else _held(value, inner, (*path, key), mistakes)
        if found is not _GONE and not problem:
            yield key, found


def _misspelled(
    key: str, table: Mapping[str, Any], rule: Mapping[str, Any], path: KeyPath, mistakes: Mistakes
) -> Iterator[tuple[str, Any]]:
    """Yield the value of a misspelled key under its right name, so that it is checked as well.

    Not if that key is there too, or if the value is of another kind: then it is another key.
    """
    known = rule.get("properties", {})
    value, name = table[key], _nearest(key, known)
    if name is None or name in table or _problem(value, _resolved(known[name])):
        return
    mistakes.take_for((*path, name), (*path, key))
    found = _held(value, known[name], (*path, name), mistakes)
    if found is not _GONE:
        yield name, found


def _note_missing(
    table: Mapping[str, Any], rule: Mapping[str, Any], path: KeyPath, mistakes: Mistakes
) -> None:
    """Note the missing keys, apart from those that are misspelled, or were removed as mistakes."""
    known = rule.get("properties", {})
    unknown = islice((key for key in table if key not in known), MAX_MISTAKES)
    misspelled = {_nearest(key, known) for key in unknown}
    for name in rule.get("required", ()):
        is_noted = name in misspelled or mistakes.are_below((*path, name))
        if name not in table and not is_noted:
            mistakes.add((*path, name), "is missing")
    for name, needed in rule.get("dependencies", {}).items():
        for other in needed:
            if name in table and other not in table and other not in misspelled:
                mistakes.add((*path, other), f"is missing: {name} requires it")


def _guess(key: str, known: Mapping[str, Any]) -> str:
    nearest = _nearest(key, known)
    return f"Did you mean {nearest}?" if nearest else f"The keys are {', '.join(known)}."


def _nearest(key: str, known: Mapping[str, Any]) -> str | None:
    close = difflib.get_close_matches(key.lower(), known, 1)
    return close[0] if close else None


def _problem(value: Any, rule: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, apart from what it contains; "" if nothing.

    The message never shows the value: it may be a secret key in the wrong place.
    """
    return _wrong_kind(value, rule) or _wrong_text(value, rule) or _wrong_size(value, rule)


def _wrong_kind(value: Any, rule: Mapping[str, Any]) -> str:
    kind = _KINDS[type(value)]
    if kind == "number" and Decimal(value) == Decimal(value).to_integral_value():
        kind = "integer"
    wanted = _kinds_of(rule)
    if wanted and kind not in wanted and not (kind == "integer" and "number" in wanted):
        return f"must be {listed([_WORDS[one] for one in wanted])}, not {_WORDS[kind]}"
    if "enum" in rule and value not in rule["enum"]:
        return f"must be {listed(rule['enum'])}"
    return ""


def _kinds_of(rule: Mapping[str, Any]) -> list[str]:
    kinds = rule.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _wrong_text(value: Any, rule: Mapping[str, Any]) -> str:
    if not isinstance(value, str):
        return ""
    if len(value) < rule.get("minLength", 0):
        return "must not be empty"
    pattern = rule.get("pattern")
    # In JSON Schema `$` is the end of the text; in Python a line break may follow it.
    if pattern and not re.search(pattern.removesuffix("$") + r"\Z", value):
        return str(rule["patternErrorMessage"])
    return ""


def _wrong_size(value: Any, rule: Mapping[str, Any]) -> str:
    if isinstance(value, list) and len(value) < rule.get("minItems", 0):
        return "must not be empty"
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return ""
    low, high = rule.get("minimum"), rule.get("maximum")
    if low is None or high is None or low <= value <= high:
        return ""
    return f"must be from {low:,} to {high:,}"
