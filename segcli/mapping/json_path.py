"""Paths into JSON values, `properties.products[0].price`, and the directive `@path`."""

import re
from collections.abc import Sequence
from typing import Any

from segcli.mapping.javascript import UNDEFINED, is_index, javascript_kind, length, units
from segcli.mapping.node import Context, MapFunction, Node

_BREAK = re.compile(r"""\[(?=["'\d])|\.|(?<=["'\d])\]+""", re.ASCII)
_QUOTE = re.compile("['\"]")

_NO_STRING = "@path: expected string, got {}"


def get(value: Any, path: str | Sequence[str] | None) -> Any:
    """Return the value at a path, UNDEFINED if there is none.

    As in mapping-kit, a false value on the way ends the search and is the result: a path below
    0 finds 0.
    """
    if path is None:
        return UNDEFINED
    return follow(value, keys_of(path) if isinstance(path, str) else path)


def keys_of(path: str) -> tuple[str, ...]:
    """Split a path into its keys; the empty path, which is the value itself, has none."""
    if path in ("", "."):
        return ()
    return tuple(_QUOTE.sub("", piece) for piece in _BREAK.split(path) if piece)


def rooted(path: str) -> str:
    """Return a directive's path without JSONPath's `$.`."""
    return path.replace("$.", "", 1)


def follow(value: Any, keys: Sequence[str]) -> Any:
    """Return the value found by following keys from a value."""
    for key in keys:
        value = value.get(key, UNDEFINED) if type(value) is dict else below(value, key)
    return value


def path_reader(keys: Sequence[str]) -> MapFunction:
    """Return the function that follows keys; short paths, the most frequent, get their own."""
    if not keys:
        return lambda data: data
    if len(keys) == 1:
        return _first(keys[0])
    if len(keys) == 2:
        return _second(keys[0], keys[1])

    def read(data: Any) -> Any:
        for key in keys:
            if type(data) is dict:
                data = data.get(key, UNDEFINED)
            elif data is UNDEFINED:
                return data
            else:
                data = below(data, key)
        return data

    return read


def below(value: Any, key: str) -> Any:
    """Return what JavaScript finds under a name in any value."""
    if isinstance(value, dict):
        return value.get(key, UNDEFINED)
    if value is UNDEFINED or not (value or isinstance(value, list)):
        return value
    if not isinstance(value, list | str):
        return UNDEFINED
    if key == "length":
        return len(value) if isinstance(value, list) else length(value)
    if not is_index(key):
        return UNDEFINED
    items, index = units(value) if isinstance(value, str) else value, int(key)
    return items[index] if index < len(items) else UNDEFINED


def path(value: Any, context: Context) -> Node:
    """Compile `@path`: the value at a path; a directive may supply the path for each event."""
    if isinstance(value, str):
        return Node(
            path_reader(keys_of(rooted(value))), may_hold_undefined=context.may_hold_undefined
        )
    made = context.part(value, "@path")
    if made.is_constant:
        return _constant_path(made.run(None), context)
    read = made.run

    def run(data: Any) -> Any:
        found = read(data)
        if not isinstance(found, str):
            context.refuse(_NO_STRING.format(javascript_kind(found)))
        return get(data, rooted(found))

    return Node(run, may_hold_undefined=context.may_hold_undefined)


def _first(key: str) -> MapFunction:
    def read(data: Any) -> Any:
        return data.get(key, UNDEFINED) if type(data) is dict else below(data, key)

    return read


def _second(first: str, second: str) -> MapFunction:
    def read(data: Any) -> Any:
        value = data.get(first, UNDEFINED) if type(data) is dict else below(data, first)
        if type(value) is dict:
            return value.get(second, UNDEFINED)
        return value if value is UNDEFINED else below(value, second)

    return read


def _constant_path(value: Any, context: Context) -> Node:
    if isinstance(value, str):
        return path(value, context)
    return context.refusal(_NO_STRING.format(javascript_kind(value)))
