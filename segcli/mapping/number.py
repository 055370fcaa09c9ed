"""Numbers as JavaScript writes them; a number that it would round keeps all its digits."""

from decimal import Decimal

# JavaScript writes an exponent from 1e21 on, and below 1e-6.
_LARGEST, _SMALLEST = 21, -6


def number_text(value: int | float | Decimal) -> str:
    """Return a number as text: `1.0` is `1`, `1e21` is `1e+21`, `1e-7` stays, `-0` is `0`."""
    if isinstance(value, int):
        return str(value) if -(10**_LARGEST) < value < 10**_LARGEST else _decimal(Decimal(value))
    if isinstance(value, Decimal):
        return _decimal(value)
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if 1e-4 <= abs(value) < 1e15:
        return repr(value)
    return _written(Decimal(repr(value)))


def _decimal(value: Decimal) -> str:
    """Return a number as JavaScript does, with all its digits where it would lose some."""
    if value == Decimal(repr(float(value))):
        return _written(value)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent <= 0 and value.adjusted() > _SMALLEST - 1:
        return f"{value:f}"
    return _written(value)


def _written(value: Decimal) -> str:
    if not value.is_finite():
        return {"Infinity": "Infinity", "-Infinity": "-Infinity"}.get(str(value), "NaN")
    sign, figures, exponent = value.as_tuple()
    digits = "".join(map(str, figures)).rstrip("0")
    if not digits:
        return "0"
    assert isinstance(exponent, int)
    point = len(figures) + exponent
    minus = "-" if sign else ""
    if len(digits) <= point <= _LARGEST:
        return minus + digits.ljust(point, "0")
    if 0 < point <= _LARGEST:
        return f"{minus}{digits[:point]}.{digits[point:]}"
    if _SMALLEST < point <= 0:
        return f"{minus}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{minus}{digits[0]}{fraction}e{point - 1:+d}"
