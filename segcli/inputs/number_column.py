"""Whole numbers in little memory, each known by its place."""

from array import array
from collections.abc import Iterator

_SMALL, _LARGE = "i", "q"


class NumberColumn:
    """Numbers by place, from 0 on; -1 where nothing was set.

    Each takes four bytes, until there is one that needs eight.
    """

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers = array(_SMALL)

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __getitem__(self, place: int) -> int:
        return self._numbers[place] if 0 <= place < len(self._numbers) else -1

    def __setitem__(self, place: int, number: int) -> None:
        missing = place + 1 - len(self._numbers)
        if missing > 0:
            self._numbers.extend(array(self._numbers.typecode, [-1]) * missing)
        try:
            self._numbers[place] = number
        except OverflowError:
            self._numbers = array(_LARGE, self._numbers)
            self._numbers[place] = number

    def append(self, number: int) -> None:
        """Set the place behind the last."""
        self[len(self)] = number
