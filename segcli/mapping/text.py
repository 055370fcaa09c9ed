"""Texts as JavaScript has them: their length, their white space, how a value becomes one."""

from decimal import Decimal
from typing import Any

from segcli.mapping.number import number_text
from segcli.mapping.undefined import UNDEFINED

# Python's `strip` takes separators off that JavaScript keeps, and keeps a byte order mark.
WHITE_SPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
# No directive makes a longer text: nested ones could make it grow without end.
MAX_TEXT = 1_000_000

_HALF = "\ufffd"


class TooLong(Exception):
    """A text would be longer than `MAX_TEXT`."""


def text_of(value: Any) -> str:
    """Return a value as JavaScript's `String` does, numbers with all their digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return number_text(value)
    if isinstance(value, list):
        return ",".join(
            ["" if item is None or item is UNDEFINED else text_of(item) for item in value]
        )
    if isinstance(value, dict):
        return "[object Object]"
    return "null" if value is None else "undefined"


def length(text: str) -> int:
    """Return the length of a text in JavaScript's units of 16 bits."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def units(text: str) -> str | list[str]:
    """Return a text by JavaScript's units of 16 bits; half a character is a U+FFFD."""
    if length(text) == len(text):
        return text
    return [unit for char in text for unit in (char if char <= "\uffff" else (_HALF, _HALF))]
