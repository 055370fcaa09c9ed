"""Shows a JSON document in few lines that fit a screen; what is too long is cut, with a mark."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from segcli.core import exact_json
from segcli.core.visible_text import visible

_CUT = "…"
_INDENT = 2
# How many entries of the document, and of an object or array in it, have a line.
_MOST_ENTRIES = (12, 6)
# Most of a longer document would not be seen.
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Entry:
    """A value with what is before it on its line (`"name": `, or nothing) and after it.

    opens: whether it may take several lines
    """

    before: str
    value: Any
    after: str
    opens: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is shown of a document that is an object; by default all of it.

    keys: the keys that are shown; None for all
    opened: the keys whose value may take several lines; None for all
    """

    keys: Collection[str] | None = None
    opened: Collection[str] | None = None


def short_json(text: bytes, width: int, shown: Shown = Shown()) -> list[str]:
    """Return a document in lines of at most `width` columns, without control characters.

    An object or array in it takes several lines if it does not fit on one. At most 12 entries are
    shown of the document, and 6 of an object or array in it. Numbers keep their digits.
    """
    try:
        value = exact_json.loads(text[:_MAX_BYTES], replaces_surrogates=True)
    except ValueError:
        return [cut_to_width(text[: 4 * width].decode(errors="replace"), width)]
    entry = _Entry("", value, "", opens=True)
    return [cut_to_width(line, width) for line in _lines(entry, width, shown=shown)]


def cut_to_width(text: str, width: int) -> str:
    """Return text, escaped, in at most `width` columns; what was cut has a mark."""
    from rich.cells import cell_len, set_cell_size

    # A character takes at least a quarter of a column when it combines with others.
    shown = visible(text[: 4 * width])
    if cell_len(shown) <= width and len(text) <= 4 * width:
        return shown
    return set_cell_size(shown, width - 1).rstrip() + _CUT


def _lines(entry: _Entry, width: int, *, shown: Shown, depth: int = 0) -> Iterator[str]:
    from rich.cells import cell_len

    value, indent = entry.value, " " * (_INDENT * depth)
    whole = f"{indent}{entry.before}{_one_line(value)}{entry.after}"
    is_open = entry.opens and value and isinstance(value, dict | list)
    if not is_open or (depth and cell_len(visible(whole)) <= width):
        yield whole
        return
    first, last = "{}" if isinstance(value, dict) else "[]"
    inner = list(islice(_entries(value, shown, depth), _MOST_ENTRIES[depth]))
    yield f"{indent}{entry.before}{first}"
    for one in inner:
        yield from _lines(one, width, shown=shown, depth=depth + 1)
    if rest := len(value) - len(inner):
        yield f"{indent}{' ' * _INDENT}{_CUT} {rest:,} more"
    yield f"{indent}{last}{entry.after}"


def _entries(value: dict[str, Any] | list[Any], shown: Shown, depth: int) -> Iterator[_Entry]:
    """Yield the entries of an object or array that are shown; a comma is after all but the last."""
    last, is_deep = len(value) - 1, depth + 1 >= len(_MOST_ENTRIES)
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield _Entry("", inner, "," if at < last else "", opens=not is_deep)
        return
    for at, (key, inner) in enumerate(value.items()):
        if depth == 0 and shown.keys is not None and key not in shown.keys:
            continue
        opens = not is_deep and (shown.opened is None or key in shown.opened)
        yield _Entry(f"{_one_line(key)}: ", inner, "," if at < last else "", opens=opens)


def _one_line(value: Any) -> str:
    return exact_json.dumps(value).decode()
