"""JSON in and out without a digit changed.

`orjson` reads an integer beyond 64 bits as a float, and a float to the 17 digits a double holds.
Here such a number becomes a `Decimal` of all its digits, and is written back as such; every other
number is an `int` or a `float`, as usual. The second, slower parser runs only for lines that
hold such a number.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 100

_SHAPE_OF_DIGITS = bytes.maketrans(b"123456789.E", b"0000000000e")
# 15 digits always survive a double, and every integer of 18 fits in 64 bits; with the point that
# is 16 characters. Exponents of two digits neither overflow nor underflow.
_SUSPECT_RUN = b"0" * 16
_SUSPECT_EXPONENT = b"0e-000"
# The parser refuses a number beyond a double's range, where it stands; ours does not.
_NUMBER_BEGINS = frozenset("-0123456789")
_ALL_BUT_MARKS = bytes(set(range(256)) - set(b'"{}[]'))
# In a line that is cut short the last string lacks its end.
_STRING = re.compile(rb'"[^"]*"?')


def loads(text: bytes, *, levels: int = MAX_DEPTH) -> Any:
    """Read one JSON document; numbers are int, float or Decimal and keep every digit.

    Raises ValueError, with a message for people, for what is not JSON (NaN and unpaired
    surrogates are not) and for nesting deeper than so many levels.
    """
    if text.count(b"{") + text.count(b"[") > levels:
        _check_depth(text, levels)
    shape = text.translate(_SHAPE_OF_DIGITS)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if error.doc[error.pos : error.pos + 1] not in _NUMBER_BEGINS:
            raise ValueError(_explanation(text, error)) from None
    else:
        if _SUSPECT_RUN not in shape and _SUSPECT_EXPONENT not in shape:
            return value
    return _loads_exactly(text)


def dumps(value: Any) -> bytes:
    """Write one JSON document, compact, as UTF-8; a Decimal is written with all its digits."""
    return orjson.dumps(value, default=_fragment)


def number_text(value: int | float | Decimal) -> str:
    """Return a number as JSON writes it."""
    return str(value) if isinstance(value, Decimal) else orjson.dumps(value).decode()


def _fragment(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _check_depth(text: bytes, levels: int) -> None:
    unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    depth = 0
    for mark in _STRING.sub(b"", unescaped.translate(None, _ALL_BUT_MARKS)):
        depth += 1 if mark in b"{[" else -1
        if depth > levels:
            raise ValueError(f"nested deeper than {levels} levels")


def _loads_exactly(text: bytes) -> Any:
    try:
        value = json.loads(
            text.decode(), parse_int=_integer, parse_float=_float, parse_constant=_refuse_constant
        )
        dumps(value)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg}") from None
    except InvalidOperation:
        raise ValueError("not JSON: a number with an exponent beyond all bounds") from None
    except TypeError:
        # orjson stops at the first thing wrong, so a huge number can hide what it would refuse.
        raise ValueError("not JSON: an unpaired surrogate in a string") from None
    return value


def _integer(digits: str) -> int | Decimal:
    if len(digits) > 20:
        return Decimal(digits)
    value = int(digits)
    return value if -(2**63) <= value < 2**64 else Decimal(digits)


def _float(digits: str) -> float | Decimal:
    value, exact = float(digits), Decimal(digits)
    return value if Decimal(repr(value)) == exact else exact


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"not JSON: {name}")


def _explanation(text: bytes, error: orjson.JSONDecodeError) -> str:
    """Say what is wrong in words of our own: the parser's differ from version to version."""
    if not _is_utf8(text):
        return "not UTF-8 text"
    found = error.doc[error.pos : error.pos + 1]
    if not found:
        return "not JSON: it ends too early"
    if found == "\\":
        return "not JSON: an unpaired surrogate or a wrong escape in a string"
    if found < " ":
        return "not JSON: a control character in a string"
    return f"not JSON: unexpected {found}"


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
