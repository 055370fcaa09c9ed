"""Columns of integers and of short texts, in little memory."""

from array import array
from collections.abc import Iterator

_SMALL, _LARGE = "i", "q"
_NUMBER_PAGE = 1024
# Bytes.
_TEXT_PAGE = 64 * 1024


class NumberColumn:
    """Numbers by place, from 0; -1 if not set.

    A number needs four bytes, or eight if one number of its page needs them. Memory is allocated in
    pages: one array that grows would leave gaps of its own size. Pages of a large column have eight
    bytes a number from the start: most of its numbers need them, and to widen a page takes longer
    than to fill it.
    """

    __slots__ = ("_count", "_pages", "_type")

    def __init__(self, *, is_large: bool = False) -> None:
        self._type = _LARGE if is_large else _SMALL
        self._pages: list[array[int]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return (self[place] for place in range(self._count))

    def __getitem__(self, place: int) -> int:
        if not 0 <= place < self._count:
            return -1
        return self._pages[place // _NUMBER_PAGE][place % _NUMBER_PAGE]

    def __setitem__(self, place: int, number: int) -> None:
        page, within = divmod(place, _NUMBER_PAGE)
        while len(self._pages) <= page:
            self._pages.append(array(self._type, [-1]) * _NUMBER_PAGE)
        try:
            self._pages[page][within] = number
        except OverflowError:
            self._pages[page] = array(_LARGE, self._pages[page])
            self._pages[page][within] = number
        self._count = max(self._count, place + 1)

    def append(self, number: int) -> None:
        """Set the place after the last."""
        self[self._count] = number


class TextColumn:
    """Texts by number, from 0. A text needs its UTF-8 bytes and 8 more; a `str` needs 49 more.

    The memory of a replaced text is not reused, so replace few.
    """

    __slots__ = ("_free", "_pages", "_sizes", "_starts")

    def __init__(self) -> None:
        self._pages: list[bytearray] = []
        self._free = 0
        # The number of the page times its size, plus the start of the text in the page.
        self._starts = NumberColumn()
        self._sizes = NumberColumn()

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> str:
        return self.encoded(number).decode(errors="surrogatepass")

    def __setitem__(self, number: int, text: str) -> None:
        """Set a text; lower numbers without a text get the empty text."""
        if number < len(self) and self[number] == text:
            return
        content = text.encode(errors="surrogatepass")
        start = self._put(content)
        self._sizes[number] = len(content)
        self._starts[number] = start

    def append(self, text: str) -> None:
        """Add a text after the last."""
        self[len(self)] = text

    def encoded(self, number: int) -> bytes:
        """Return a text as UTF-8, which sorts in the same order as the text."""
        place = self._starts[number]
        if place < 0:
            return b""
        page, start = divmod(place, _TEXT_PAGE)
        return bytes(self._pages[page][start : start + self._sizes[number]])

    def _put(self, content: bytes) -> int:
        """Store a text within one page; return its start."""
        if not self._free or self._free < len(content):
            self._free = max(_TEXT_PAGE, len(content))
            self._pages.append(bytearray(self._free))
        page = self._pages[-1]
        start = len(page) - self._free
        page[start : start + len(content)] = content
        self._free -= len(content)
        return (len(self._pages) - 1) * _TEXT_PAGE + start
