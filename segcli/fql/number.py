"""Numbers in queries and events, compared exactly."""

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
    """Return the number in a text, None if the text is not a number. An empty text is 0.

    Reads what JavaScript reads, but not hexadecimal and the like (`0x10`) or `Infinity`.
    """
    text = text.strip()
    if not text:
        return Decimal(0)
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def number_source(number: Decimal) -> str:
    """Return a number as text, without exponent and without trailing zeros."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def number_comparison(sign: str, expected: Decimal) -> Callable[[object], bool]:
    """Return a function that is true for numbers that compare so. Booleans are not numbers."""
    compare, native = _COMPARISONS[sign], _native(expected)

    def test(actual: object) -> bool:
        kind = type(actual)
        if native is not None and (kind is int or kind is float):
            return compare(actual, native)
        if kind is int or kind is float or kind is Decimal:
            return compare(_exact(actual), expected)
        return False

    return test


def _native(number: Decimal) -> int | float | None:
    """Return a number as int or float, for speed; None if that would lose a digit."""
    if number.adjusted() < 18 and number == number.to_integral_value():
        return int(number)
    value = float(number)
    return value if Decimal(repr(value)) == number else None


def _exact(actual: Any) -> Decimal:
    return Decimal(repr(actual)) if isinstance(actual, float) else Decimal(actual)
