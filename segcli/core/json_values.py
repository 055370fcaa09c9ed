"""JSON values that stand one after the other in a text."""

import json
from typing import Any

_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, strict=True)


def values_in(text: str, *, between: str = "") -> tuple[list[Any], str]:
    """Return the whole values that a text begins with, and what follows them.

    White space stands between them, and the characters of `between`. Numbers come as their text.
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
    """Return the value that a text begins with, and its own text; None where there is none."""
    begin = text.lstrip(_SPACE)
    try:
        value, end = _DECODER.raw_decode(begin)
    except (ValueError, RecursionError):
        return None
    return value, begin[:end]


def holds_several(text: str) -> bool:
    """Tell whether a text is several objects or arrays, end to end, and nothing else.

    Numbers do not count: a date would be three of them.
    """
    values, rest = values_in(text)
    return len(values) > 1 and not rest and all(isinstance(one, dict | list) for one in values)
