"""A JSON value as rows for the page: indented, each value with its path, every digit kept."""

from collections.abc import Iterator
from typing import Any

from segcli.core import exact_json
from segcli.core.visible_text import json_escaped
from segcli.review.sources import children, pointer

MOST_ROWS = 3000


def json_rows(value: Any) -> list[dict[str, Any]]:
    """Return the rows of a value; of a very large one, the first ones and how many are left out.

    A row has its depth `d`, its text `t`, with `k` its key before it, and at a value its path `p`.
    """
    rows = list(_rows(value, "", 0, key=None, end=""))
    if len(rows) <= MOST_ROWS:
        return rows
    return [*rows[:MOST_ROWS], {"d": 0, "t": f"… {len(rows) - MOST_ROWS:,} more lines"}]


def _rows(
    value: Any, path: str, depth: int, *, key: str | None, end: str
) -> Iterator[dict[str, Any]]:
    start: dict[str, Any] = {"d": depth}
    if key is not None:
        start["k"] = _text(key)
    inner_values = children(value)
    if not inner_values:
        yield {**start, "t": _text(value) + end, "p": path}
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield {**start, "t": opening, "p": path, "o": True}
    for number, (name, inner) in enumerate(inner_values, 1):
        comma = "" if number == len(inner_values) else ","
        own = name if isinstance(value, dict) else None
        yield from _rows(inner, pointer(path, name), depth + 1, key=own, end=comma)
    yield {"d": depth, "t": closing + end}


def _text(value: Any) -> str:
    return json_escaped(exact_json.dumps(value).decode())
