"""Read JSON values that follow each other in a text."""

import json
from typing import Any

_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, strict=True)


def values_in(text: str, *, between: str = "") -> tuple[list[Any], str]:
    """Return the complete values at the start of a text, and the text after them.

    White space and the characters of `between` may separate them. A number becomes a string.
    """
    values: list[Any] = []
    rest = text.lstrip(_SPACE)
    at = len(text) - len(rest)
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        values.append(value)
        while at < len(text) and text[at] in _SPACE + between:
            at += 1
    return values, text[at:]


def first_value(text: str) -> tuple[Any, str] | None:
    """Return the value at the start of a text, and the text of the value; None without one."""
    begin = text.lstrip(_SPACE)
    try:
        value, end = _DECODER.raw_decode(begin)
    except (ValueError, RecursionError):
        return None
    return value, begin[:end]


def holds_several(text: str) -> bool:
    """True if a text consists of several objects or arrays, one after the other.

    Numbers do not count, because a date would be three of them.
    """
    values, rest = values_in(text)
    return len(values) > 1 and not rest and all(isinstance(one, dict | list) for one in values)
