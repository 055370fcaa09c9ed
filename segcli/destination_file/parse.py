"""The text of a file as JSON values: TOML or JSON, every number with all its digits."""

import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

from segcli.core import exact_json, toml_text
from segcli.core.toml_text import MAX_DOCUMENT_DEPTH
from segcli.errors import DestinationError

_PLACE_IN_TOML = re.compile(r" \(at line (\d+), column (\d+)\)$")


def parse_document(text: str, title: str) -> dict[str, Any]:
    """Return what a file says, by the ending of its name; raises DestinationError."""
    is_json = title.endswith(".json")
    if not text or text.isspace():
        raise DestinationError(f"{title}: is empty")
    try:
        value = json_value(text) if is_json else _toml_value(text)
    except TextError as error:
        place = f":{error.line}:{error.column}" if error.line else ""
        raise DestinationError(f"{title}{place}: {error}", _hint(text, title)) from None
    if not isinstance(value, dict):
        raise DestinationError(f"{title}: must hold one JSON object")
    return value


def json_value(text: str) -> Any:
    """Read a JSON text; raises ValueError, with line and column, also for a key that is twice."""
    try:
        # What stands where, and twice: numbers do not matter here.
        json.loads(text, object_pairs_hook=_without_doubles, parse_int=str, parse_float=str)
        return exact_json.loads(text.encode(), levels=MAX_DOCUMENT_DEPTH)
    except json.JSONDecodeError as error:
        raise TextError(f"not JSON: {error.msg}", error.lineno, error.colno) from None
    except UnicodeEncodeError:
        raise TextError("not JSON: an unpaired surrogate in a string") from None
    except (RecursionError, ValueError) as error:
        deep = isinstance(error, RecursionError)
        raise TextError(
            f"nested deeper than {MAX_DOCUMENT_DEPTH} levels" if deep else str(error)
        ) from None


class TextError(ValueError):
    """A text is no TOML or no JSON; `line` and `column` count from 1, 0 where nobody knows."""

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        super().__init__(problem)
        self.line, self.column = line, column


def _toml_value(text: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = _exact(toml_text.parse_toml(text, parse_float=_float), ())
    except tomllib.TOMLDecodeError as error:
        place = _PLACE_IN_TOML.search(str(error))
        line, column = map(int, place.groups()) if place else (0, 0)
        problem = _PLACE_IN_TOML.sub("", str(error))
        raise TextError(f"not TOML: {problem}", line, column) from None
    except toml_text.TooDeep as error:
        raise TextError(str(error)) from None
    except (ValueError, InvalidOperation) as error:
        if isinstance(error, TextError):
            raise
        raise TextError("not TOML: a number beyond all bounds") from None
    return value


def _exact(value: Any, path: Sequence[str]) -> Any:
    """Return a value of TOML as one of JSON; raises TextError for what JSON has not."""
    if isinstance(value, dict):
        return {key: _exact(inner, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_exact(inner, (*path, str(at))) for at, inner in enumerate(value)]
    if isinstance(value, date | time):
        raise TextError(f"{'.'.join(path)} is a date or a time: write it in quotes")
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        raise TextError(f"{'.'.join(path)} is no number of JSON")
    is_large = isinstance(value, int) and not -(2**63) <= value < 2**64
    return Decimal(value) if is_large else value


def _float(digits: str) -> float | Decimal:
    value, exact = float(digits), Decimal(digits)
    return value if Decimal(repr(value)) == exact else exact


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(double, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {double!r} stands twice in one object")
    return found


def _hint(text: str, title: str) -> str:
    start = text.lstrip()[:1]
    if title.endswith(".toml") and start == "{":
        return "It looks like JSON: give it a name that ends in .json"
    if title.endswith(".json") and start and start not in '{["':
        return "It looks like TOML: give it a name that ends in .toml"
    return ""
