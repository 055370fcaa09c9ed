"""Texts held one behind the other in one piece of memory, each known by its number."""

from segcli.inputs.number_column import NumberColumn


class TextColumn:
    """Texts by number, from 0 on. Each takes its UTF-8 bytes and 8 more; a string takes 49 more.

    A text that is replaced leaves a gap behind, so few should be.
    """

    __slots__ = ("_bytes", "_sizes", "_starts")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._starts = NumberColumn()
        self._sizes = NumberColumn()

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> str:
        return self.encoded(number).decode(errors="surrogatepass")

    def __setitem__(self, number: int, text: str) -> None:
        """Set a text; the numbers before it that have none get the empty one."""
        if number < len(self) and self[number] == text:
            return
        content = text.encode(errors="surrogatepass")
        self._starts[number], self._sizes[number] = len(self._bytes), len(content)
        self._bytes += content

    def append(self, text: str) -> None:
        """Add a text behind the last."""
        self[len(self)] = text

    def encoded(self, number: int) -> bytes:
        """Return a text as UTF-8, which is in the same order as texts are."""
        start = self._starts[number]
        return bytes(self._bytes[start : start + self._sizes[number]]) if start >= 0 else b""
