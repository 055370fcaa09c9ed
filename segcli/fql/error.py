"""What is wrong with a query, shown at its place."""

from dataclasses import dataclass

_SHOWN = 60


class FqlError(ValueError):
    """A query cannot be read: its message shows the place, and what was expected there."""

    def __init__(self, text: str, position: int, expected: str) -> None:
        super().__init__(f"expected {expected}\n{pointed_at(text, position)}")
        self.text = text
        self.position = position
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place that can be read, but hardly as it was meant, and what was expected there."""

    position: int
    expected: str


def pointed_at(text: str, position: int) -> str:
    """Return the line of a position with a `^` under it; of a long line what is around it."""
    start = text.rfind("\n", 0, position) + 1
    line = text[start:].partition("\n")[0]
    column = position - start
    first = max(0, column - _SHOWN)
    shown = line[first : column + _SHOWN]
    before, after = "…" * (first > 0), "…" * (column + _SHOWN < len(line))
    # A tab or a control character would move the mark.
    plain = "".join(char if char.isprintable() else " " for char in shown)
    return f"  {before}{plain}{after}\n  {' ' * (len(before) + column - first)}^"
