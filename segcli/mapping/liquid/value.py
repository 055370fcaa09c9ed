"""JSON values in Segment's Liquid: their properties, and conversion to text and numbers."""

import math
import re
from decimal import Decimal
from typing import Any

from liquid import Undefined

from segcli.mapping.javascript import (
    MAX_TEXT,
    UNDEFINED,
    WHITE_SPACE,
    TextTooLong,
    is_index,
    is_javascript_number,
    javascript_text,
    length,
    units,
)

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_WHOLE = re.compile(r"0x[0-9a-f]+|0o[0-7]+|0b[01]+", re.IGNORECASE)
_INFINITE = re.compile(r"[+-]?Infinity")

Number = int | float | Decimal


def property_of(value: Any, key: Any) -> Any:
    """Return the property of a value by name or index; UNDEFINED if there is none."""
    value = plain(value) if isinstance(value, range) else value
    if isinstance(value, list) and is_javascript_number(key):
        at = key + len(value) if key < 0 else key
        return value[int(at)] if 0 <= at < len(value) and at == int(at) else UNDEFINED
    name = javascript_text(key)
    if isinstance(value, dict) and name in value:
        return value[name]
    if name in ("size", "length") and isinstance(value, list | str):
        return length(value) if isinstance(value, str) else len(value)
    if name == "size" and isinstance(value, dict):
        return len(value)
    if name in ("first", "last") and isinstance(value, list) and value:
        return value[0 if name == "first" else -1]
    if isinstance(value, list | str) and is_index(name):
        items = units(value) if isinstance(value, str) else value
        return items[int(name)] if int(name) < len(items) else UNDEFINED
    return value if value is None else UNDEFINED


def plain(value: Any) -> Any:
    """Return None for an absent value, whether python-liquid's or ours, and a range as a list."""
    if isinstance(value, Undefined) or value is UNDEFINED:
        return None
    if isinstance(value, range):
        if len(value) > MAX_TEXT:
            raise TextTooLong
        return list(value)
    return value


def liquid_text(value: Any) -> str:
    """Return a value as rendered text: "" for null, the items of a list joined."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | range):
        if len(value) > MAX_TEXT:
            raise TextTooLong
        texts = [liquid_text(item) for item in value]
        if sum(map(len, texts)) > MAX_TEXT:
            raise TextTooLong
        return "".join(texts)
    if value is None or value is UNDEFINED or isinstance(value, Undefined):
        return ""
    if isinstance(value, bool | int | float | Decimal | dict):
        return javascript_text(value)
    # The literals `empty` and `blank` render as an empty text.
    return ""


def liquid_number(value: Any) -> Number:
    """Convert a value to a number, as JavaScript's `Number` does; NaN if that fails."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float | Decimal):
        return value
    if value is None:
        return 0
    if isinstance(value, list):
        return _read(javascript_text(value))
    return _read(value) if isinstance(value, str) else math.nan


def double(value: Any) -> float:
    """Convert a value to a double for a filter; 0 if it is not a number."""
    number = liquid_number(plain(value))
    try:
        result = float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
    return 0.0 if math.isnan(result) else result


def _read(text: str) -> Number:
    text = text.strip(WHITE_SPACE)
    if not text:
        return 0
    if _NUMBER.fullmatch(text):
        return float(text)
    if _WHOLE.fullmatch(text):
        return float(int(text, 0)) if len(text) < 200 else math.inf
    return float(text) if _INFINITE.fullmatch(text) else math.nan
