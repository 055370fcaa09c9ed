"""Read and write JSON without changing a digit of any number.

`msgspec` reads. It returns an `int` for an integer of any size, and passes us the text of every
other number. A number that a float cannot hold exactly becomes a `Decimal`, and a float that is
written in an unusual form becomes a `WrittenFloat`. `orjson` writes. Text that `msgspec` refuses is
parsed again by `orjson` and `json`, which are slower, for a good message.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import msgspec
import orjson

from segcli.core.json_values import holds_several

MAX_DEPTH = 100

# A float keeps 15 digits exactly; with the point that is 16 characters. A smaller number than this
# may be written with an exponent.
_EXACT_LENGTH = 16
_SMALLEST = 1e-4
# A float below this that is whole is exactly that integer.
_EXACT_INTEGERS = 2.0**53
# The most digits of an integer that replaces a number with a point or an exponent.
_MAX_WHOLE_DIGITS = 40
# orjson refuses a number beyond the range of a float, and reports its position. We accept it.
_NUMBER_STARTS = frozenset("-0123456789")
# Python's `int` refuses a longer text.
_MAX_INTEGER_LENGTH = 4300
# In JSON a backslash occurs in strings only. After it: a surrogate pair, an unpaired surrogate
# (which is captured), or any other escape.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_SEVERAL = "several JSON values on one line"
# The first characters of a value that may follow another one on a line.
_VALUE_STARTS = frozenset("{[")
_ALL_BUT_MARKS = bytes(set(range(256)) - set(b'"{}[]'))
# In a line that was cut, the last string has no closing quote.
_STRING = re.compile(rb'"[^"]*"?')


def loads(text: bytes, *, levels: int = MAX_DEPTH, replaces_surrogates: bool = False) -> Any:
    """Read one JSON document. Numbers are int, float or Decimal and keep every digit.

    Raises ValueError, with a message for users, for text that is not JSON (NaN and unpaired
    surrogates are not JSON) and for nesting deeper than `levels`. With `replaces_surrogates` an
    unpaired surrogate is read as U+FFFD.
    """
    if not is_shallow(text, levels):
        _check_depth(text, levels)
    try:
        return _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, InvalidOperation):
        return _loads_slowly(with_replaced_surrogates(text) if replaces_surrogates else text)


def dumps(value: Any, *, as_written: bool = True) -> bytes:
    """Write one JSON document as compact UTF-8. Numbers keep all their digits.

    Without `as_written` equal floats are written alike: `1.50` is `1.5`.
    """
    write = _written if as_written else _plainly_written
    try:
        return orjson.dumps(value, default=write)
    except orjson.JSONEncodeError:
        return orjson.dumps(_with_all_digits(value), default=write)


def with_plain_floats(value: Any) -> Any:
    """Return a value of `loads` with a plain float for each `WrittenFloat`.

    Other libraries may not take a `WrittenFloat` for a number.
    """
    try:
        # Most events have none, and this is the fastest way to see it.
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return _with_plain_floats(value)
    return value


def with_replaced_surrogates(text: bytes) -> bytes:
    """Return a JSON document with U+FFFD for each unpaired surrogate, half of a character."""
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], text)


def is_shallow(text: bytes, levels: int = MAX_DEPTH) -> bool:
    """True if a document opens so few objects and arrays that it cannot nest too deep."""
    # `replace` needs half the time of `count`, which looks at every byte.
    others = len(text.replace(b"{", b"")) + len(text.replace(b"[", b""))
    return 2 * len(text) - others <= levels


# A float does not keep its text. A `Decimal` does, but it is not equal to the same float.
class WrittenFloat(float):
    """A float whose text is not the usual one: `1.50`, `1e3`.

    text: the number as it was written.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def number(text: str) -> float | Decimal:
    """Return the exact value of a number that is not an integer. Raises InvalidOperation."""
    value = float(text)
    if (
        len(text) <= _EXACT_LENGTH
        and abs(value) > _SMALLEST
        and (text[-1] != "0" or text[-2] == ".")
        and "e" not in text
        and "E" not in text
    ):
        return value
    exact = Decimal(text)
    if Decimal(repr(value)) != exact:
        return exact
    return value if repr(value) == text else WrittenFloat(text)


def number_text(value: int | float | Decimal) -> str:
    """Return a number as text, such as an id or a label.

    An integer keeps all its digits. Another number with a whole value becomes an integer (`1.2E7`
    becomes `12000000`) of up to 40 digits. Any other number keeps its digits as written.
    """
    if type(value) is int:
        return str(value)
    if type(value) is float and -_EXACT_INTEGERS < value < _EXACT_INTEGERS:
        return str(int(value)) if value.is_integer() else orjson.dumps(value).decode()
    written = _text_of(value)
    return _whole_digits(Decimal(written)) or written


_decode = msgspec.json.Decoder(float_hook=number).decode


def _text_of(value: float | Decimal) -> str:
    """Return a number that is no `int` as JSON."""
    if type(value) is WrittenFloat:
        return value.text
    if isinstance(value, Decimal):
        return str(value).replace("E+", "e").replace("E", "e")
    return orjson.dumps(value).decode()


def _whole_digits(value: Decimal) -> str:
    """Return a whole number without point and exponent; "" for others, and for too long ones."""
    if not value:
        return "0"
    if value.adjusted() >= _MAX_WHOLE_DIGITS:
        return ""
    whole = value.to_integral_value()
    return f"{whole:f}" if whole == value else ""


def _written(value: Any) -> orjson.Fragment:
    """Write what `orjson` cannot; raises TypeError if it is not a number."""
    if isinstance(value, WrittenFloat):
        return orjson.Fragment(value.text)
    return orjson.Fragment(str(value)) if isinstance(value, Decimal) else _refuse(value)


def _plainly_written(value: Any) -> Any:
    return float(value) if isinstance(value, WrittenFloat) else _written(value)


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
        is_several = holds_several(text.decode())
        raise ValueError(_SEVERAL if is_several else f"not JSON: {error.msg}") from None
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
    if found in _VALUE_STARTS and holds_several(text.decode()):
        return _SEVERAL
    return f"not JSON: unexpected {found}"


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _with_all_digits(value: Any) -> Any:
    """Return the value with JSON text in place of the integers that orjson cannot write."""
    if isinstance(value, dict):
        return {key: _with_all_digits(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_all_digits(inner) for inner in value]
    if type(value) is int and not -(2**63) <= value < 2**64:
        return orjson.Fragment(str(value))
    return value


def _with_plain_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_plain_floats(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_plain_floats(inner) for inner in value]
    return float(value) if isinstance(value, WrittenFloat) else value


def _refuse(value: Any) -> NoReturn:
    raise TypeError(f"{type(value).__name__} is not a JSON value")
