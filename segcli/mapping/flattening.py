"""Nested values under joined names: `{"a": {"b": 1}}` is `{"a.b": 1}`."""

from typing import Any

from segcli.mapping.text import MAX_TEXT, TooLong
from segcli.mapping.value import entries


def flattened(
    value: Any, prefix: str = "", *, separator: str = ".", omits_arrays: bool = False
) -> dict[str, Any]:
    """Return what is nested in a value under joined names; empty objects vanish.

    Raises TooLong where the names together would be longer than `MAX_TEXT`.
    """
    nested = dict if omits_arrays else (dict, list)
    result: dict[str, Any] = {}
    todo, written = [(prefix, value)], 0
    while todo:
        name, item = todo.pop()
        if not isinstance(item, nested):
            result[name] = item
            continue
        start = f"{name}{separator}" if name else ""
        below = list(entries(item))
        written += sum(len(start) + len(key) for key, _ in below)
        if written > MAX_TEXT:
            raise TooLong
        todo += [(start + key, part) for key, part in reversed(below)]
    return result
