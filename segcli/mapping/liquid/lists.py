"""The filters for lists and for parts of texts."""

from collections.abc import Callable
from typing import Any

from segcli.mapping.javascript import MAX_TEXT, TextTooLong, javascript_text, length, units
from segcli.mapping.liquid.logic import is_equal
from segcli.mapping.liquid.value import double, liquid_text, plain, property_of


def _listed(value: Any) -> list[Any]:
    value = plain(value)
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _join(value: Any, separator: Any = None) -> str:
    texts = ["" if plain(item) is None else javascript_text(item) for item in _listed(value)]
    mark = " " if plain(separator) is None else liquid_text(separator)
    if sum(map(len, texts)) + len(mark) * len(texts) > MAX_TEXT:
        raise TextTooLong
    return mark.join(texts)


def _split(value: Any, separator: Any = None) -> list[str]:
    text, mark = liquid_text(value), liquid_text(separator)
    parts = text.split(mark) if mark else list(text)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _size(value: Any) -> int:
    value = plain(value)
    return length(value) if isinstance(value, str) else len(value) if isinstance(value, list) else 0


def _first(value: Any) -> Any:
    return _end(value, 0)


def _last(value: Any) -> Any:
    return _end(value, -1)


def _end(value: Any, at: int) -> Any:
    value = plain(value)
    if isinstance(value, str | list) and value:
        return units(value)[at] if isinstance(value, str) else value[at]
    return None if isinstance(value, list) else ""


def _slice(value: Any, begin: Any = None, count: Any = 1) -> Any:
    value = plain(value)
    if value is None:
        return []
    items = value if isinstance(value, list) else liquid_text(value)
    if isinstance(items, list) and plain(begin) is None:
        return []
    start, size = int(double(begin)), int(double(count))
    start += len(items) if start < 0 else 0
    return items[start : start + size] if start >= 0 and size >= 0 else items[:0]


def _sum(value: Any, path: Any = None) -> float:
    numbers = (double(_at(item, path)) for item in _listed(value))
    return sum(numbers)


def _where(value: Any, path: Any = None, *wanted: Any) -> list[Any]:
    if plain(path) is None:
        return []
    if not wanted:
        return [item for item in _listed(value) if plain(_at(item, path)) not in (None, False)]
    return [item for item in _listed(value) if is_equal(_at(item, path), wanted[0])]


def _at(item: Any, path: Any) -> Any:
    for name in liquid_text(path).split(".") if plain(path) is not None else ():
        item = property_of(item, name)
    return item


LISTS: dict[str, Callable[..., Any]] = {
    "compact": lambda value: [item for item in _listed(value) if plain(item) is not None],
    "first": _first,
    "join": _join,
    "last": _last,
    "pop": lambda value: _listed(value)[:-1],
    "shift": lambda value: _listed(value)[1:],
    "size": _size,
    "slice": _slice,
    "split": _split,
    "sum": _sum,
    "where": _where,
}
