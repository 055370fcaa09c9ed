"""Checks that a mapping is JSON, and limits its size so that it cannot exhaust the machine."""

from collections.abc import Iterable
from decimal import Decimal
from math import isfinite
from typing import Any

from segcli.mapping.javascript import javascript_kind
from segcli.mapping.problem import Problem, Spot

# The same limit as for events.
MAX_MAPPING_DEPTH = 100
# Each nested `@transform` or `@arrayPath` can multiply the copies of the data.
MAX_COPIES = 100_000

_JSON = frozenset({"object", "array", "string", "boolean", "number", "null"})


def bounds(mapping: Any) -> list[Problem]:
    """Return the problems that prevent further checks: the mapping is not JSON, or too large."""
    found = []
    todo = [(mapping, Spot(), 0)]
    while todo:
        value, spot, depth = todo.pop()
        if depth > MAX_MAPPING_DEPTH:
            return [Spot().problem(f"is nested deeper than {MAX_MAPPING_DEPTH} levels")]
        fault = _fault(value)
        if fault:
            found.append(spot.problem(f"should be a JSON value but it is {fault}"))
        elif isinstance(value, dict | list):
            todo += [(part, spot.at(str(key)), depth + 1) for key, part in _parts(value)]
    return found or _growth(mapping)


def _parts(value: dict[str, Any] | list[Any]) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, dict) else enumerate(value)


def _fault(value: object) -> str:
    """Describe a value that is not JSON; "" for one that is."""
    if javascript_kind(value) not in _JSON:
        return f"a {javascript_kind(value)}"
    if isinstance(value, float | Decimal) and not isfinite(value):
        return "not a finite number"
    if isinstance(value, str) and not _is_text(value):
        return "a string with an unpaired surrogate"
    if isinstance(value, dict) and not all(isinstance(key, str) and _is_text(key) for key in value):
        return "an object with keys that are not text"
    return ""


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _growth(mapping: Any) -> list[Problem]:
    copies, levels = _grown(mapping)
    if levels > MAX_MAPPING_DEPTH:
        return [Spot().problem(f"nests its results deeper than {MAX_MAPPING_DEPTH} levels")]
    if copies > MAX_COPIES:
        return [Spot().problem(f"can copy an event more than {MAX_COPIES:,} times")]
    return []


def _grown(value: Any) -> tuple[int, int]:
    """Return how many copies of the data a mapping can make, and how many levels it can add."""
    if not isinstance(value, dict | list):
        return 1, 0
    steps = _steps(value)
    if steps:
        (copies, levels), (more_copies, more_levels) = map(_grown, steps)
        return copies * more_copies, levels + more_levels + 1
    parts = [_grown(part) for _, part in _parts(value)]
    return sum(copies for copies, _ in parts) or 1, 1 + max((most for _, most in parts), default=0)


def _steps(value: dict[str, Any] | list[Any]) -> tuple[Any, Any] | None:
    """Return the two mappings of a directive whose second maps the result of the first."""
    if isinstance(value, list):
        return None
    two, items = value.get("@transform"), value.get("@arrayPath")
    if isinstance(two, dict):
        return two.get("apply"), two.get("mapping")
    return (items[0], items[1]) if isinstance(items, list) and len(items) > 1 else None
