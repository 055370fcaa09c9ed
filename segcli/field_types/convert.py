"""Conversion of a value to the type of its field, where nothing is lost."""

import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, final

from segcli.core.event import NUMBERS
from segcli.mapping.javascript import WHITE_SPACE, javascript_number


@final
class Unfit:
    """The type of `UNFIT`: a value cannot be converted."""

    __slots__ = ()


UNFIT: Final = Unfit()

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_OTHER_BASE = re.compile(r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+")
_MAX_OTHER_BASE = 200
_MAX_INTEGER, _MIN_INTEGER = 2**64, -(2**63)


def converted(value: Any, kinds: Sequence[str]) -> Any:
    """Return a value as the first of these kinds that it fits or converts to; else UNFIT.

    A list of one item stands for its item. With several kinds, an item that already fits one of
    them is refused there, as by Segment.
    """
    if any(is_of(value, kind) for kind in kinds):
        return value
    if isinstance(value, list):
        if len(value) != 1 or isinstance(value[0], dict | list):
            return UNFIT
        value = value[0]
        if len(kinds) == 1 and is_of(value, kinds[0]):
            return value
    for kind in kinds:
        found = UNFIT if is_of(value, kind) else _CONVERSIONS[kind](value)
        if found is not UNFIT:
            return found
    return UNFIT


def is_of(value: Any, kind: str) -> bool:
    """Return whether a value is of a kind as it is; 12.0 is an integer."""
    if type(value) not in _TYPES[kind]:
        return False
    return kind != "integer" or _is_whole(value)


def number_in(text: str) -> int | float | Decimal | Unfit:
    """Return the number that a text stands for in JavaScript, with all its digits.

    A text of nothing but white space is 0; UNFIT for an empty text, for a text that is no number
    and for a number beyond a double.
    """
    if not text:
        return UNFIT
    text = text.strip(WHITE_SPACE)
    if not text:
        return 0
    if _OTHER_BASE.fullmatch(text):
        return _as_number(Decimal(int(text, 0))) if len(text) <= _MAX_OTHER_BASE else UNFIT
    return _as_number(Decimal(text)) if _DECIMAL.fullmatch(text) else UNFIT


def _is_whole(value: int | float | Decimal) -> bool:
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return float(value).is_integer() if isinstance(value, float) else True


def _as_number(exact: Decimal) -> int | float | Decimal | Unfit:
    near = float(exact)
    if math.isinf(near):
        return UNFIT
    if _MIN_INTEGER <= exact < _MAX_INTEGER and exact == exact.to_integral_value():
        return int(exact)
    return near if Decimal(repr(near)) == exact else exact


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if type(value) in NUMBERS:
        return javascript_number(value)
    return "" if value is None else UNFIT


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return number_in(value)
    return 0 if value is None else UNFIT


def _integer(value: Any) -> Any:
    number = _number(value)
    return number if number is not UNFIT and is_of(number, "integer") else UNFIT


def _boolean(value: Any) -> Any:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value, UNFIT)
    if type(value) in NUMBERS and value in (0, 1):
        return value == 1
    return False if value is None else UNFIT


def _null(value: Any) -> Any:
    is_empty = value is None or value == "" or (not isinstance(value, dict | list) and value == 0)
    return None if is_empty else UNFIT


_TYPES: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "number": NUMBERS,
    "integer": NUMBERS,
    "boolean": frozenset({bool}),
    "object": frozenset({dict}),
    "null": frozenset({type(None)}),
}
_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "object": lambda _: UNFIT,
    "null": _null,
}
