"""Numbers in queries and events, compared with all their digits."""

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{1,9})?", re.IGNORECASE)


def query_number(text: str) -> Decimal | None:
    """Return the number that a text says, None where it says none; an empty text is zero.

    As JavaScript reads it, but for `0x10`, `Infinity` and their like, which say none here.
    """
    text = text.strip()
    if not text:
        return Decimal(0)
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def number_source(number: Decimal) -> str:
    """Return a number as a text, without an exponent and without idle zeros."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def number_comparison(sign: str, expected: Decimal) -> Callable[[object], bool]:
    """Return the test that a value is a number which compares so; true and false are none."""
    compare, quick = _COMPARISONS[sign], _quick(expected)

    def test(actual: object) -> bool:
        kind = type(actual)
        if quick is not None and (kind is int or isinstance(actual, float)):
            return compare(actual, quick)
        if kind is int or isinstance(actual, float | Decimal):
            return compare(_exact(actual), expected)
        return False

    return test


def _quick(number: Decimal) -> int | float | None:
    """Return a number as the machine's own, None where that would lose a digit."""
    if number.adjusted() < 18 and number == number.to_integral_value():
        return int(number)
    value = float(number)
    return value if Decimal(repr(value)) == number else None


def _exact(actual: Any) -> Decimal:
    return Decimal(repr(actual)) if isinstance(actual, float) else Decimal(actual)
