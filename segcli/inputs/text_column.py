"""A column of short texts in little memory."""

from segcli.inputs.number_column import NumberColumn

_PAGE = 64 * 1024


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
        if self._starts[number] < 0:
            return b""
        page, start = divmod(self._starts[number], _PAGE)
        return bytes(self._pages[page][start : start + self._sizes[number]])

    def _put(self, content: bytes) -> int:
        """Store a text within one page; return its start."""
        if not self._free or self._free < len(content):
            self._free = max(_PAGE, len(content))
            self._pages.append(bytearray(self._free))
        page = self._pages[-1]
        start = len(page) - self._free
        page[start : start + len(content)] = content
        self._free -= len(content)
        return (len(self._pages) - 1) * _PAGE + start
