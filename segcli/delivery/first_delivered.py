"""The first lines of a run that were delivered, to show one of them as an example."""

from collections.abc import Sequence

from segcli.core.line import Line

_MOST_LINES = 100
_MOST_BYTES = 1 << 20


class FirstDelivered:
    """The lines that were delivered first: at most 100, and none after the first megabyte.

    lines: in the order in which they were delivered.
    """

    __slots__ = ("_size", "lines")

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._size = 0

    def add(self, lines: Sequence[Line]) -> None:
        """Add delivered lines, as long as there is room."""
        for line in lines:
            if len(self.lines) >= _MOST_LINES or self._size > _MOST_BYTES:
                return
            self._size += line.size
            self.lines.append(line)
