"""JavaScript's view of JSON values: type, truth, entries, and conversion to text."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, final

from segcli.core.exact_json import WrittenFloat


@final
class Undefined:
    """The type of `UNDEFINED`, JavaScript's `undefined`; it is false in a condition."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()

_KINDS: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    WrittenFloat: "number",
    Decimal: "number",
    type(None): "null",
    type(UNDEFINED): "undefined",
}

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)

# What JavaScript's `trim` removes. Python's `strip` removes more separators, and keeps a BOM.
WHITE_SPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)

# The longest text that a directive may produce: nested directives could grow it without limit.
MAX_TEXT = 1_000_000


class TextTooLong(Exception):
    """A text would be longer than `MAX_TEXT`."""


def javascript_kind(value: object) -> str:
    """Return mapping-kit's name for the type of a value, such as `array` or `undefined`."""
    return _KINDS.get(type(value)) or type(value).__name__.lower()


def is_true(value: object) -> bool:
    """Return whether a value is true in JavaScript; every object and list is."""
    return bool(value) or isinstance(value, dict | list)


def is_javascript_number(value: object) -> bool:
    """Return whether a value is a number; true and false are not."""
    return javascript_kind(value) == "number"


def is_index(name: str) -> bool:
    """Return whether a name is an index into a list or text."""
    return _INDEX.fullmatch(name) is not None


def entries(value: Any) -> Iterable[tuple[str, Any]]:
    """Return the names and values of an object, list or text; none for other values.

    As in JavaScript, names that are whole numbers come first, in numeric order.
    """
    if isinstance(value, dict):
        if any(map(_INDEX.fullmatch, value)):
            return sorted(value.items(), key=_place)
        return value.items()
    if isinstance(value, list):
        return ((str(place), item) for place, item in enumerate(value))
    if isinstance(value, str):
        return ((str(place), unit) for place, unit in enumerate(units(value)))
    return ()


def javascript_text(value: Any) -> str:
    """Return a value as text, as JavaScript's `String` does; numbers keep all their digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return javascript_number(value)
    if isinstance(value, list):
        return ",".join(
            ["" if item is None or item is UNDEFINED else javascript_text(item) for item in value]
        )
    if isinstance(value, dict):
        return "[object Object]"
    return "null" if value is None else "undefined"


def length(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as JavaScript counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def units(text: str) -> str | list[str]:
    """Return the UTF-16 code units of a text; each half of a surrogate pair is a U+FFFD."""
    if length(text) == len(text):
        return text
    return [unit for char in text for unit in (char if char <= "\uffff" else (_HALF, _HALF))]


def javascript_number(value: int | float | Decimal) -> str:
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


def _place(entry: tuple[str, Any]) -> int:
    return int(entry[0]) if is_index(entry[0]) else 10**9


_HALF = "\ufffd"

# JavaScript writes an exponent for numbers from 1e21 on and below 1e-6.
_LARGEST, _SMALLEST = 21, -6


def _decimal(value: Decimal) -> str:
    """Return a decimal as text like JavaScript, but exactly where a double would lose digits."""
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
