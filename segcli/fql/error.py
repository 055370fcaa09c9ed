"""Errors and warnings about a query, with their position."""

from dataclasses import dataclass

# How many characters of a line are shown on each side of a position.
_CONTEXT = 60


class FqlError(ValueError):
    """A query cannot be read. The message shows the position and what was expected there.

    text: the query.
    position: the index of the character.
    expected: what was expected there.
    """

    def __init__(self, text: str, position: int, expected: str) -> None:
        super().__init__(f"expected {expected}\n{pointed_at(text, position)}")
        self.text = text
        self.position = position
        self.expected = expected


@dataclass(frozen=True, slots=True)
class QueryWarning:
    """A part of a query that can be read, but probably not as intended; an error with `strict`.

    position: the index of the character.
    expected: what was expected there.
    """

    position: int
    expected: str


def pointed_at(text: str, position: int) -> str:
    """Return the line of a position with a `^` under it. A long line is cut on both sides."""
    start = text.rfind("\n", 0, position) + 1
    line = text[start:].partition("\n")[0]
    column = position - start
    first = max(0, column - _CONTEXT)
    shown = line[first : column + _CONTEXT]
    before, after = "…" * (first > 0), "…" * (column + _CONTEXT < len(line))
    # A tab or a control character would move the `^`.
    plain = "".join(char if char.isprintable() else " " for char in shown)
    return f"  {before}{plain}{after}\n  {' ' * (len(before) + column - first)}^"
