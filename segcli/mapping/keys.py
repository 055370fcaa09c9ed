"""Which fields a mapping reads."""

import re
from collections.abc import Callable
from typing import Any

from segcli.mapping.liquid import paths_of

_PLACEHOLDER = re.compile("{{(.*?)}}")


def field_value_keys(mapping: Any) -> list[Any]:
    """Return the paths that a mapping reads, as they are written; from left to right.

    As mapping-kit does it: what is under `@merge`, `@transform` and `@excludeWhenNull` does not
    show, nor a path of `@arrayPath` that is a plain text.
    """
    if not isinstance(mapping, dict | list):
        return []
    if isinstance(mapping, dict):
        for name, keys in _DIRECTIVES.items():
            if name in mapping:
                return [key for key in keys(mapping[name]) if key]
    return [key for part in _parts(mapping) for key in field_value_keys(part)]


def _parts(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _below(*names: str) -> Callable[[Any], list[Any]]:
    def keys(options: Any) -> list[Any]:
        if not isinstance(options, dict):
            return []
        return [key for name in names for key in field_value_keys(options.get(name))]

    return keys


_DIRECTIVES: dict[str, Callable[[Any], list[Any]]] = {
    "@arrayPath": field_value_keys,
    "@case": _below("value"),
    "@if": _below("blank", "exists", "then", "else"),
    "@literal": lambda _: [],
    "@path": lambda path: [path],
    "@replace": _below("value"),
    "@template": lambda text: _PLACEHOLDER.findall(text) if isinstance(text, str) else [],
    "@json": _below("value"),
    "@flatten": _below("value"),
    "@merge": lambda _: [],
    "@transform": lambda _: [],
    "@excludeWhenNull": lambda _: [],
    "@liquid": lambda text: paths_of(text) if isinstance(text, str) else [],
}
