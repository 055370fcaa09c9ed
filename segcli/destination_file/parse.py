"""Parses the text of a file, TOML or JSON, into JSON values; every number stays exact."""

import json
import math
import tomllib
from collections import Counter
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

from segcli.core import exact_json, toml_text
from segcli.core.toml_text import MAX_DOCUMENT_DEPTH
from segcli.destination_file.problems import KeyPath, dotted
from segcli.errors import DestinationError, FileMistake


def parse_document(text: str, title: str) -> dict[str, Any]:
    """Return the content of a file: JSON or TOML by the ending of `title`.

    Raises DestinationError, with line and column where they are known.
    """
    is_json = title.endswith(".json")
    if not text or text.isspace():
        raise DestinationError(f"{title}: is empty")
    try:
        value = json_value(text) if is_json else _toml_value(text)
    except TextError as error:
        raise _unreadable(error, text, title) from None
    if not isinstance(value, dict):
        raise DestinationError(f"{title}: must hold one JSON object")
    return value


def _unreadable(error: "TextError", text: str, title: str) -> DestinationError:
    place = f":{error.line}:{error.column}" if error.line else ""
    found = DestinationError(f"{title}{place}: {error}", _hint(text, title))
    found.mistakes = [FileMistake(error.path, str(error), error.line, error.column)]
    return found


def json_value(text: str) -> Any:
    """Parse JSON; raises TextError, with line and column, also for a duplicate key."""
    try:
        # The first pass finds syntax errors and duplicate keys; it does not need the numbers.
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
    """A text is not valid TOML or JSON; `line` and `column` count from 1, 0 if unknown.

    path: the path of the key that has the mistake; empty if the text has no keys yet.
    """

    def __init__(self, problem: str, line: int = 0, column: int = 0, path: KeyPath = ()) -> None:
        super().__init__(problem)
        self.line, self.column, self.path = line, column, path


def _toml_value(text: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = _exact(toml_text.parse_toml(text, parse_float=_float), ())
    except tomllib.TOMLDecodeError as error:
        problem, line, column = toml_text.problem_and_place(error)
        raise TextError(f"not TOML: {problem}", line, column) from None
    except toml_text.TooDeep as error:
        raise TextError(str(error)) from None
    except (ValueError, InvalidOperation) as error:
        if isinstance(error, TextError):
            raise
        raise TextError("not TOML: a number that is out of range") from None
    return value


def _exact(value: Any, path: KeyPath) -> Any:
    """Return a TOML value as JSON; raises TextError for a date, a time, inf or nan."""
    if isinstance(value, dict):
        return {key: _exact(inner, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_exact(inner, (*path, at)) for at, inner in enumerate(value)]
    if isinstance(value, date | time):
        raise TextError(f"{dotted(path)} is a date or a time: write it in quotes", path=path)
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        raise TextError(f"{dotted(path)} is not a JSON number", path=path)
    is_large = isinstance(value, int) and not -(2**63) <= value < 2**64
    return Decimal(value) if is_large else value


def _float(digits: str) -> float | Decimal:
    value, exact = float(digits), Decimal(digits)
    return value if Decimal(repr(value)) == exact else exact


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(double, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {double!r} appears twice in one object")
    return found


def _hint(text: str, title: str) -> str:
    start = text.lstrip()[:1]
    if title.endswith(".toml") and start == "{":
        return "The content looks like JSON: use a file name that ends in .json"
    if title.endswith(".json") and start and start not in '{["':
        return "The content looks like TOML: use a file name that ends in .toml"
    return ""
