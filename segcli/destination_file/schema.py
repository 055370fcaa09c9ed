"""The structure of a file, held against the published schema: that is the only rule book.

Read is as much of JSON Schema as it uses; where one of several sets of keys must be there, which
says `oneOf`, whoever reads that part says so in words.
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
from segcli.destination_file.problems import MAX_MISTAKES, Mistakes, Path, dotted, listed

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
    """Return the published schema, as it is shipped."""
    return files("segcli.destination_file").joinpath("schema.json").read_text()


def checked(document: dict[str, Any], mistakes: Mistakes) -> dict[str, Any]:
    """Return a file's content without what is wrong with it, which is noted.

    What is returned has the structure of the schema, but keys that it requires may be missing.
    """
    found: dict[str, Any] = _held(document, _schema(), (), mistakes)
    return found


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(schema_text())
    return schema


def _held(value: Any, rule: Mapping[str, Any], path: Path, mistakes: Mistakes) -> Any:
    """Return what of a value is right; `_GONE` where nothing is."""
    rule = _resolved(rule)
    if problem := _problem(value, rule):
        is_one_of_many = isinstance(value, dict) and rule.get("type") == "array"
        hint = f": in TOML each begins with [[{dotted(path)}]]" if is_one_of_many else ""
        mistakes.add(path, problem + hint)
        return _GONE
    if isinstance(value, dict) and rule.get("type") == "object":
        return dict(_entries(value, rule, path, mistakes))
    if isinstance(value, list):
        inner = [_held(one, rule["items"], (*path, at), mistakes) for at, one in enumerate(value)]
        # The place of a table is its name in messages: an empty one stands for a wrong one.
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
    table: dict[str, Any], rule: Mapping[str, Any], path: Path, mistakes: Mistakes
) -> Iterator[tuple[str, Any]]:
    known = rule.get("properties", {})
    others = rule.get("additionalProperties", True)
    unknown = [key for key in table if key not in known] if others is False else []
    _note_missing(table, rule, path, mistakes)
    for key, value in table.items():
        if key in unknown:
            mistakes.add((*path, key), f"is no key here. {_guess(key, known)}")
            continue
        problem = _problem(key, _resolved(rule.get("propertyNames", {})))
        if problem:
            mistakes.add((*path, key), f"its name {problem}")
        inner = known.get(key, others)
        found = value if inner is True else _held(value, inner, (*path, key), mistakes)
        if found is not _GONE and not problem:
            yield key, found


def _note_missing(
    table: Mapping[str, Any], rule: Mapping[str, Any], path: Path, mistakes: Mistakes
) -> None:
    """Note what is missing, unless it is there and misspelled."""
    known = rule.get("properties", {})
    unknown = islice((key for key in table if key not in known), MAX_MISTAKES)
    misspelled = {_nearest(key, known) for key in unknown}
    for name in rule.get("required", ()):
        if name not in table and name not in misspelled:
            mistakes.add((*path, name), "is missing")
    for name, needed in rule.get("dependencies", {}).items():
        for other in needed:
            if name in table and other not in table and other not in misspelled:
                mistakes.add((*path, other), f"is missing: {name} needs it")


def _guess(key: str, known: Mapping[str, Any]) -> str:
    nearest = _nearest(key, known)
    return f"Did you mean {nearest}?" if nearest else f"Known are {', '.join(known)}."


def _nearest(key: str, known: Mapping[str, Any]) -> str | None:
    close = difflib.get_close_matches(key.lower(), known, 1)
    return close[0] if close else None


def _problem(value: Any, rule: Mapping[str, Any]) -> str:
    """Return what is wrong with a value itself, whatever it holds; "" for nothing.

    The value is never shown: it may be a key in the wrong place.
    """
    return _wrong_kind(value, rule) or _wrong_text(value, rule) or _wrong_size(value, rule)


def _wrong_kind(value: Any, rule: Mapping[str, Any]) -> str:
    kind = _KINDS[type(value)]
    if kind == "number" and Decimal(value) == Decimal(value).to_integral_value():
        kind = "integer"
    wanted = rule.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and kind not in wanted and not (kind == "integer" and "number" in wanted):
        return f"must be {listed([_WORDS[one] for one in wanted])}, not {_WORDS[kind]}"
    if "enum" in rule and value not in rule["enum"]:
        return f"must be {listed(rule['enum'])}"
    return ""


def _wrong_text(value: Any, rule: Mapping[str, Any]) -> str:
    if not isinstance(value, str):
        return ""
    if len(value) < rule.get("minLength", 0):
        return "must not be empty"
    pattern = rule.get("pattern")
    # In a schema `$` is the end; in Python a line break may follow it.
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
