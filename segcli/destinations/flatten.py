"""Flattens JSON values for vendors that take flat values only, and describes the changes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from segcli.core.destination import Remark
from segcli.core.event import NUMBERS, Event, is_number
from segcli.core.event_time import parse_time
from segcli.core.exact_json import number_text

# Larger numbers are milliseconds: as seconds this is the year 5138, as milliseconds 1973.
_MILLISECONDS_FROM = 100_000_000_000
_KINDS: Mapping[type, str] = {str: "text", list: "an array", dict: "an object"}


def leaf_values(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every leaf with its dotted path, array items by index (`tags.0`); nulls are omitted."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaf_values(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaf_values(inner, f"{path}.{index}")
    elif value is not None:
        yield path, value


def text(value: Any) -> str:
    """Return a leaf as text: `true` and `false` for booleans, numbers as in JSON."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    return number_text(value)


def add_leaves(values: Any, prefix: str, words: dict[str, str], numbers: dict[str, Any]) -> None:
    """Add an object's numbers to `numbers`, and all other leaves to `words` as text.

    A path is `prefix`, then the dotted keys. A value that is not an object adds nothing.
    """
    if type(values) is not dict:
        return
    for key, value in values.items():
        # Strings first: nearly all values are strings.
        if type(value) is str:
            words[prefix + key] = value
        elif type(value) in NUMBERS:
            numbers[prefix + key] = value
        elif type(value) is dict:
            add_leaves(value, f"{prefix}{key}.", words, numbers)
        elif value is not None:
            _add_others(value, prefix + key, words, numbers)


def add_labels(values: Any, prefix: str, labels: dict[str, str]) -> None:
    """Add all leaves of an object to `labels` as text; see `add_leaves` for the paths."""
    if type(values) is not dict:
        return
    for key, value in values.items():
        if type(value) is str:
            labels[prefix + key] = value
        elif type(value) in NUMBERS:
            labels[prefix + key] = number_text(value)
        elif value is not None:
            labels |= {path: text(leaf) for path, leaf in leaf_values(value, prefix + key)}


def _add_others(value: Any, path: str, words: dict[str, str], numbers: dict[str, Any]) -> None:
    for inner, leaf in leaf_values(value, path):
        if is_number(leaf):
            numbers[inner] = leaf
        else:
            words[inner] = text(leaf)


def drop_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without the keys whose value is null or an empty object."""
    return {key: value for key, value in values.items() if value is not None and value != {}}


def value_kind(value: object) -> str:
    """Return the kind of a JSON value, as part of a sentence: `a number`."""
    if isinstance(value, bool):
        return "a boolean"
    return "a number" if is_number(value) else _KINDS.get(type(value), "null")


def numeric_ids(event: Event, names: Iterable[str]) -> Iterator[Remark]:
    """Yield a remark for each id that is a number, and that the mapping turns into text."""
    for name in names:
        if is_number(event.data.get(name)):
            yield Remark(name, "is a number and becomes text", "SEG312")


def write_key_remarks(event: Event) -> Iterator[Remark]:
    """Yield a remark on a write key that is sent along with the event."""
    if event.data.get("writeKey"):
        problem = "is sent along: with it anybody can send events into its source"
        yield Remark("writeKey", problem, "SEG503")


def unix_seconds(value: object) -> int | None:
    """Return a time in whole unix seconds; None if it is not a time, or before 1970.

    Accepts ISO 8601 text, and seconds or milliseconds as a number or as text.
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
