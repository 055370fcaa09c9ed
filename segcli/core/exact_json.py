"""Read and write JSON without changing a digit of any number.

`msgspec` reads. It returns an `int` for an integer of any size, and passes us the text of every
other number. A number that a float cannot hold exactly becomes a `Decimal`. `orjson` writes. Text
that `msgspec` refuses is parsed again by `orjson` and `json`, which are slower, for a good message.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import msgspec
import orjson

MAX_DEPTH = 100

# A float of medium size keeps 15 digits exactly; with the point that is 16 characters.
_EXACT_LENGTH = 16
_SMALLEST, _LARGEST = 1e-290, 1e290
# orjson refuses a number beyond the range of a float, and reports its position. We accept it.
_NUMBER_STARTS = frozenset("-0123456789")
# Python's `int` refuses a longer text.
_MAX_INTEGER_LENGTH = 4300
_ALL_BUT_MARKS = bytes(set(range(256)) - set(b'"{}[]'))
# In a line that was cut, the last string has no closing quote.
_STRING = re.compile(rb'"[^"]*"?')


def loads(text: bytes, *, levels: int = MAX_DEPTH) -> Any:
    """Read one JSON document. Numbers are int, float or Decimal and keep every digit.

    Raises ValueError, with a message for users, for text that is not JSON (NaN and unpaired
    surrogates are not JSON) and for nesting deeper than `levels`.
    """
    if not is_shallow(text, levels):
        _check_depth(text, levels)
    try:
        return _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, InvalidOperation):
        return _loads_slowly(text)


def dumps(value: Any) -> bytes:
    """Write one JSON document as compact UTF-8. Numbers keep all their digits."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return orjson.dumps(_with_all_digits(value), default=_refuse)


def is_shallow(text: bytes, levels: int = MAX_DEPTH) -> bool:
    """True if a document opens so few objects and arrays that it cannot nest too deep."""
    # `replace` needs half the time of `count`, which looks at every byte.
    others = len(text.replace(b"{", b"")) + len(text.replace(b"[", b""))
    return 2 * len(text) - others <= levels


def number(text: str) -> float | Decimal:
    """Return the exact value of a number that is not an integer. Raises InvalidOperation."""
    value = float(text)
    if len(text) <= _EXACT_LENGTH and _SMALLEST < abs(value) < _LARGEST:
        return value
    exact = Decimal(text)
    return value if Decimal(repr(value)) == exact else exact


def number_text(value: int | float | Decimal) -> str:
    """Return a number as JSON text."""
    return orjson.dumps(value).decode() if type(value) is float else str(value)


_decode = msgspec.json.Decoder(float_hook=number).decode


def _check_depth(text: bytes, levels: int) -> None:
    unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    depth = 0
    for mark in _STRING.sub(b"", unescaped.translate(None, _ALL_BUT_MARKS)):
        depth += 1 if mark in b"{[" else -1
        if depth > levels:
            raise ValueError(f"nested deeper than {levels} levels")


def _loads_slowly(text: bytes) -> Any:
    """Raise ValueError with a message of our own, or return what only `msgspec` refused."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if error.doc[error.pos : error.pos + 1] not in _NUMBER_STARTS:
            raise ValueError(_explanation(text, error)) from None
    return _loads_exactly(text)


def _loads_exactly(text: bytes) -> Any:
    try:
        value = json.loads(
            text.decode(), parse_int=_integer, parse_float=number, parse_constant=_refuse_constant
        )
        dumps(value)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg}") from None
    except InvalidOperation:
        raise ValueError("not JSON: a number with a too large exponent") from None
    except TypeError:
        # orjson stopped at a huge number, which we accept, before it reached this mistake.
        raise ValueError("not JSON: an unpaired surrogate in a string") from None
    return value


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _MAX_INTEGER_LENGTH else Decimal(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"not JSON: {name}")


def _explanation(text: bytes, error: orjson.JSONDecodeError) -> str:
    """Return a message of our own: those of the parser differ from version to version."""
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


def _with_all_digits(value: Any) -> Any:
    """Return the value with JSON text in place of the numbers that orjson cannot write."""
    if isinstance(value, dict):
        return {key: _with_all_digits(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_all_digits(inner) for inner in value]
    if isinstance(value, Decimal) or (type(value) is int and not -(2**63) <= value < 2**64):
        return orjson.Fragment(str(value))
    return value


def _refuse(value: Any) -> NoReturn:
    raise TypeError(f"{type(value).__name__} is not a JSON value")
