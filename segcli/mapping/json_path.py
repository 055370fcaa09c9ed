"""Paths into JSON values, `properties.products[0].price`: split once, followed for each event."""

import re
from collections.abc import Sequence
from typing import Any

from segcli.mapping.javascript import UNDEFINED, is_index, javascript_kind, length, units
from segcli.mapping.node import Context, MapFunction, Node

_BREAK = re.compile(r"""\[(?=["'\d])|\.|(?<=["'\d])\]+""", re.ASCII)
_QUOTE = re.compile("['\"]")


def get(value: Any, path: str | Sequence[str] | None) -> Any:
    """Return what stands at a path, UNDEFINED where nothing does.

    A value on the way that counts as false is what is found: below 0 stands 0.
    """
    if path is None:
        return UNDEFINED
    return follow(value, keys_of(path) if isinstance(path, str) else path)


def keys_of(path: str) -> tuple[str, ...]:
    """Return the names on a path; none for the value itself."""
    if path in ("", "."):
        return ()
    return tuple(_QUOTE.sub("", piece) for piece in _BREAK.split(path) if piece)


def rooted(path: str) -> str:
    """Return the path that a directive names, without the `$.` of JSONPath."""
    return path.replace("$.", "", 1)


def follow(value: Any, keys: Sequence[str]) -> Any:
    """Return what stands below a value under one name after another."""
    for key in keys:
        value = value.get(key, UNDEFINED) if type(value) is dict else below(value, key)
    return value


def path_reader(keys: Sequence[str]) -> MapFunction:
    """Return the function that follows a path."""
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
    """Return what JavaScript finds under a name in what is no object."""
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
    items, place = units(value) if isinstance(value, str) else value, int(key)
    return items[place] if place < len(items) else UNDEFINED


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


_NO_STRING = "@path: expected string, got {}"


def path(value: Any, place: Context) -> Node:
    """Compile `@path`: what stands at a path, which a directive may make for every event."""
    if isinstance(value, str):
        return Node(
            path_reader(keys_of(rooted(value))), may_hold_undefined=place.may_hold_undefined
        )
    made = place.part(value, "@path")
    if made.is_constant:
        return _constant_path(made.run(None), place)
    read = made.run

    def run(data: Any) -> Any:
        found = read(data)
        if not isinstance(found, str):
            place.refuse(_NO_STRING.format(javascript_kind(found)))
        return get(data, rooted(found))

    return Node(run, may_hold_undefined=place.may_hold_undefined)


def _constant_path(value: Any, place: Context) -> Node:
    if isinstance(value, str):
        return path(value, place)
    return place.refusal(_NO_STRING.format(javascript_kind(value)))
