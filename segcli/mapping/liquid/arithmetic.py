"""The arithmetic filters, which calculate in doubles as JavaScript does."""

import math
from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from segcli.mapping.liquid.value import double

_LARGEST_EXACT = 2**53 - 1


def _quotient(dividend: float, divisor: float) -> float:
    if divisor:
        return dividend / divisor
    if not dividend or math.isnan(dividend):
        return math.nan
    return math.copysign(math.inf, dividend) * math.copysign(1, divisor)


def _remainder(dividend: float, divisor: float) -> float:
    return math.fmod(dividend, divisor) if divisor and math.isfinite(dividend) else math.nan


def _modulo(value: float, divisor: float) -> float:
    return _remainder(_remainder(value, divisor) + divisor, divisor)


def _floor(value: float) -> float:
    return float(math.floor(value)) if math.isfinite(value) else value


def _round(value: Any, places: Any = 0) -> float:
    number, shift = double(value), double(places)
    if not math.isfinite(number) or shift != int(shift) or abs(shift) > 400:
        return number
    scaled = Decimal(repr(abs(number))).scaleb(int(shift))
    if scaled > _LARGEST_EXACT:
        return number
    # JavaScript rounds by adding one half and taking the floor.
    whole = (Decimal(float(scaled)) + Decimal("0.5")).to_integral_value(ROUND_FLOOR)
    return math.copysign(float(whole.scaleb(-int(shift))), number)


def _divided_by(dividend: Any, divisor: Any = None, whole: Any = False) -> float:
    quotient = _quotient(double(dividend), double(divisor))
    return _floor(quotient) if double(whole) else quotient


def _on_doubles(compute: Callable[[float, float], float]) -> Callable[..., float]:
    return lambda value, *others: compute(double(value), double(others[0]) if others else math.nan)


ARITHMETIC: dict[str, Callable[..., float]] = {
    "abs": lambda value: abs(double(value)),
    "at_least": _on_doubles(max),
    "at_most": _on_doubles(min),
    "ceil": lambda value: -_floor(-double(value)),
    "divided_by": _divided_by,
    "floor": lambda value: _floor(double(value)),
    "minus": _on_doubles(lambda value, other: value - other),
    "modulo": _on_doubles(_modulo),
    "plus": _on_doubles(lambda value, other: value + other),
    "round": _round,
    "times": _on_doubles(lambda value, other: value * other),
}
