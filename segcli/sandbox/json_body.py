"""Parses request bodies: forms, JSON with numbers of any size, and the bytes of a batch's items.

It uses the standard library. orjson turns an integer beyond 64 bits into a float, and refuses
`1e400` and unpaired surrogates, although all of these are valid JSON.
"""

import json
import re
from typing import Any, NoReturn
from urllib.parse import parse_qsl

# A JSON value that is not checked yet.
JSON = Any

_BETWEEN = re.compile(r"[ \t\n\r,:]*")
_MOST_DIGITS = 4000
# The first bytes of gzip.
_GZIP = b"\x1f\x8b"
# The most fields of a form that are read.
_MOST_FIELDS = 1_000


def parse_body(body: bytes) -> JSON:
    """Return the value of a JSON text, integers exact at up to 4,000 digits.

    Raises ValueError if it is not JSON in UTF-8. `NaN` and `Infinity` are not JSON.
    """
    try:
        return _EXACT.decode(body.decode())
    except UnicodeDecodeError:
        raise ValueError("it is gzip" if body[:2] == _GZIP else "it is not UTF-8") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form; the last one of several with a name. Raises ValueError."""
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=bool(body),
            errors="strict", max_num_fields=_MOST_FIELDS,
        )  # fmt: skip
    except ValueError:
        raise ValueError("the body is not a form") from None
    return dict(pairs)


def elements(body: bytes, *names: str) -> list[bytes]:
    """Return the bytes of each element of the array at a path of keys, as they were sent.

    The body must be valid JSON, as `parse_body` checks: objects with an array under these keys,
    or, without any, the array itself.
    """
    text = body.decode()
    for name in names:
        text = _value_under(text, name)
    return _elements(text, text.index("[") + 1)[0]


def line(raw: bytes) -> bytes:
    """Return the same JSON on one line. A JSON string cannot contain a line break."""
    return raw.replace(b"\n", b" ").replace(b"\r", b" ")


def _value_under(text: str, name: str) -> str:
    """Return the value under a key of an object; the last one if there are several."""
    found = "[]"
    at = text.index("{") + 1
    while text[at := _next(text, at)] != "}":
        key, at = _EXACT.raw_decode(text, at)
        start = _next(text, at)
        _, at = _EXACT.raw_decode(text, start)
        if key == name:
            found = text[start:at]
    return found


def _elements(text: str, at: int) -> tuple[list[bytes], int]:
    found = []
    while text[at := _next(text, at)] != "]":
        start = at
        _, at = _EXACT.raw_decode(text, start)
        found.append(text[start:at].encode())
    return found, at + 1


def _next(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return match.end() if match else at


def _integer(digits: str) -> int | float:
    # Python refuses to parse an integer of more than 4,300 digits.
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_EXACT = json.JSONDecoder(parse_int=_integer, parse_constant=_no_constant)
