"""Removes empty values from a payload where its JSON schema does not allow them."""

from collections.abc import Mapping
from typing import Any

from segcli.mapping.javascript import UNDEFINED


def without_empty(value: Any, schema: Mapping[str, Any] | None, *, is_root: bool = False) -> Any:
    """Return a value without the nulls and empty texts that its JSON schema does not allow.

    Empty texts directly under the root are always removed. Values that the schema does not
    describe stay.
    """
    if not schema or not (schema.get("type") or schema.get("enum")):
        return value
    if isinstance(value, list):
        return _items(value, schema.get("items"))
    if isinstance(value, dict):
        return _fields(value, schema.get("properties"), is_root=is_root)
    allowed = schema.get("type") or []
    types = allowed if isinstance(allowed, list) else [allowed]
    if (value is None and "null" not in types) or (value == "" and "string" not in types):
        return UNDEFINED
    return value


def _items(value: list[Any], schema: Mapping[str, Any] | None) -> list[Any]:
    if not schema:
        return value
    return [item for item in value if without_empty(item, schema) is not UNDEFINED]


def _fields(
    value: dict[str, Any], schemas: Mapping[str, Any] | None, *, is_root: bool
) -> dict[str, Any]:
    if schemas is None:
        return value
    kept = {key: without_empty(item, schemas.get(key)) for key, item in value.items()}
    return {
        key: item
        for key, item in kept.items()
        if item is not UNDEFINED and not (is_root and item == "")
    }
