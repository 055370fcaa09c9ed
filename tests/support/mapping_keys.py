"""The fields that a mapping reads."""

import re
from collections.abc import Callable
from typing import Any

from segcli.mapping.javascript import entries, is_true
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
                return [key for key in keys(mapping[name]) if is_true(key)]
    return [key for _, part in entries(mapping) for key in field_value_keys(part)]


def _below(*names: str, needs: tuple[str, ...] = ()) -> Callable[[Any], list[Any]]:
    """Return the function that finds keys below some names, in options that have one of others."""

    def keys(options: Any) -> list[Any]:
        if not isinstance(options, dict) or (needs and not set(needs) & set(options)):
            return []
        return [key for name in names for key in field_value_keys(options.get(name))]

    return keys


_DIRECTIVES: dict[str, Callable[[Any], list[Any]]] = {
    "@arrayPath": lambda items: field_value_keys(items) if isinstance(items, list) else [],
    "@case": _below("value", needs=("operator",)),
    "@if": _below("blank", "exists", "then", "else", needs=("exists", "blank")),
    "@literal": lambda _: [],
    "@path": lambda path: [path],
    "@replace": _below("value", needs=("pattern",)),
    "@template": lambda text: _PLACEHOLDER.findall(text) if isinstance(text, str) else [],
    "@json": _below("value"),
    "@flatten": _below("value"),
    "@merge": lambda _: [],
    "@transform": lambda _: [],
    "@excludeWhenNull": lambda _: [],
    "@liquid": lambda text: paths_of(text) if isinstance(text, str) else [],
}
