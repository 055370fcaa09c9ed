"""Turning JSON values into the flat shapes that vendors take."""

from collections.abc import Iterator, Mapping
from typing import Any

from segcli.event import is_number, parse_time
from segcli.exact_json import number_text

# A number of seconds this large would be the year 5138; milliseconds reach it in 1973.
_MILLISECONDS_FROM = 100_000_000_000
_KINDS: Mapping[type, str] = {str: "text", list: "an array", dict: "an object"}


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every leaf with its dotted path, arrays by index (`tags.0`); null yields nothing."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{index}")
    elif value is not None:
        yield path, value


def leaves_of(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of an object; its own keys stand behind `prefix` as it is."""
    for key, value in values.items():
        if isinstance(value, dict | list):
            yield from leaves(value, prefix + key)
        elif value is not None:
            yield prefix + key, value


def text(value: str | float) -> str:
    """Return a leaf as a string: true and false as words, numbers as JSON writes them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value)


def labels_of(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return the leaves of an object as strings by their dotted path."""
    return {path: text(value) for path, value in leaves_of(values, prefix)}


def numbers_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numeric leaves of an object by their dotted path."""
    return {path: value for path, value in leaves_of(values) if is_number(value)}


def without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object without the keys whose value is null or an empty object."""
    return {key: value for key, value in values.items() if value is not None and value != {}}


def kind_of(value: object) -> str:
    """Name the kind of a JSON value in a sentence."""
    if isinstance(value, bool):
        return "a boolean"
    return "a number" if is_number(value) else _KINDS.get(type(value), "null")


def unix_seconds(value: object) -> int | None:
    """Return a time as whole unix seconds; None where it is none.

    Takes ISO-8601 text and numbers, also as text, of seconds or milliseconds; not before 1970.
    """
    if isinstance(value, str):
        return _seconds_of_text(value)
    if not is_number(value):
        return None
    return _seconds_of_number(value)


def _seconds_of_text(value: str) -> int | None:
    if value.isascii() and value.isdigit() and len(value) in {10, 13}:
        return _seconds_of_number(int(value))
    try:
        seconds = int(parse_time(value).timestamp() // 1)
    except ValueError:
        return None
    return seconds if seconds >= 0 else None


def _seconds_of_number(value: Any) -> int | None:
    if not 0 <= value < _MILLISECONDS_FROM * 1000:
        return None
    return int(value // 1000 if value >= _MILLISECONDS_FROM else value)
