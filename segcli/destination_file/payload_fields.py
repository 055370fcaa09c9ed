"""The table `fields` of an action: the types of its payload's fields."""

from collections.abc import Callable, Mapping
from typing import Any

from segcli.core.event import Rejected
from segcli.destination_file.parse import json_value
from segcli.destination_file.problems import KeyPath, Mistakes
from segcli.destination_file.schema import checked_fields
from segcli.field_types import compiled_fields, field_types, problems_of
from segcli.field_types.field_type import FieldType


def given_json(
    table: Mapping[str, Any],
    key: str,
    load: Callable[[str], str],
    path: KeyPath,
    mistakes: Mistakes,
) -> Any:
    """Return the JSON under a key, in its text, or in the file under `KEY_file`.

    None if it cannot be read, which is noted. `load` reads a file, or raises ValueError.
    """
    name = key if key in table else f"{key}_file"
    given = table[name]
    try:
        if isinstance(given, str):
            return json_value(load(given) if name != key else given)
    except ValueError as problem:
        line, column = getattr(problem, "line", 0), getattr(problem, "column", 0)
        place = f" in its line {line}, column {column}" if line else ""
        mistakes.add((*path, name), f"{problem}{place}")
        return None
    return given


def read_fields(
    table: Mapping[str, Any], path: KeyPath, load: Callable[[str], str], mistakes: Mistakes
) -> Mapping[str, Any] | None:
    """Return the fields of an action as they are written; None if it has none.

    Mistakes are noted; then the result is not complete.
    """
    if "fields" in table and "fields_file" in table:
        mistakes.add(path, "must have either fields or a fields_file")
    if "fields" not in table and "fields_file" not in table:
        return None
    key = "fields" if "fields" in table else "fields_file"
    fields = given_json(table, "fields", load, path, mistakes)
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        mistakes.add((*path, key), "must be an object: the fields of the payload by name")
        return {}
    found = checked_fields(fields, (*path, key), mistakes)
    for where, problem in problems_of(found):
        if not mistakes.are_below((*path, key, *where)):
            mistakes.add((*path, key, *where), problem)
    return found


def types_of_fields(fields: Mapping[str, Any] | None) -> Mapping[str, FieldType] | None:
    """Return the types of fields without mistakes; None for an action that has no fields."""
    return field_types(fields) if fields else None


def defaults_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping that the defaults of the fields make."""
    return {
        name: entry["default"]
        for name, entry in fields.items()
        if isinstance(entry, Mapping) and "default" in entry
    }


def check_of(types: Mapping[str, FieldType]) -> Callable[[Any], str]:
    """Return the function that tells what is wrong with a payload as it is sent; "" if nothing."""
    # As in a batch: an empty text may be sent, since a list of null becomes one.
    conform = compiled_fields(types, in_batch=True)

    def check(payload: Any) -> str:
        try:
            found = conform(payload)
        except Rejected as rejected:
            return str(rejected)
        return "" if found == payload else "it has values that its fields do not allow"

    return check


def type_note(types: Mapping[str, FieldType], target: str) -> str:
    """Return what people should know of the type of a field at a path of the payload."""
    fields: Mapping[str, FieldType] | None = types
    found = None
    for name in target.replace("[]", "").split("."):
        if fields is None or name in ("*", "") or name.isdecimal():
            break
        if name not in fields:
            is_kept = found is not None and found.additional
            return "" if is_kept else "no field of the action, so left out"
        found = fields[name]
        fields = found.properties
    return _words_of(found) if found else ""


def unknown_fields(types: Mapping[str, FieldType], mapping: Mapping[str, Any]) -> list[str]:
    """Return the fields that a mapping sets although they are no fields of the action."""
    names = [] if any(name.startswith("@") for name in mapping) else list(mapping)
    return [name for name in names if name not in types and not name.startswith("__segment")]


def _words_of(field: FieldType) -> str:
    kind = "text" if field.kind in ("string", "password") else field.kind
    words = [f"list of {kind}" if field.multiple else kind, field.format]
    if field.required:
        words.append("required" if field.required is True else "required on a condition")
    return ", ".join(filter(None, words))
