"""A column of integers in little memory."""

from array import array
from collections.abc import Iterator

_SMALL, _LARGE = "i", "q"
_PAGE = 1024


class NumberColumn:
    """Numbers by place, from 0; -1 if not set.

    A number needs four bytes, or eight if one number of its page needs them. Memory is allocated in
    pages: one array that grows would leave gaps of its own size.
    """

    __slots__ = ("_count", "_pages")

    def __init__(self) -> None:
        self._pages: list[array[int]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return (self[place] for place in range(self._count))

    def __getitem__(self, place: int) -> int:
        if not 0 <= place < self._count:
            return -1
        return self._pages[place // _PAGE][place % _PAGE]

    def __setitem__(self, place: int, number: int) -> None:
        page, within = divmod(place, _PAGE)
        while len(self._pages) <= page:
            self._pages.append(array(_SMALL, [-1]) * _PAGE)
        try:
            self._pages[page][within] = number
        except OverflowError:
            self._pages[page] = array(_LARGE, self._pages[page])
            self._pages[page][within] = number
        self._count = max(self._count, place + 1)

    def append(self, number: int) -> None:
        """Set the place after the last."""
        self[self._count] = number
