"""Streams of bytes, as inputs are read: in blocks, forward, once."""

import errno
from typing import Protocol

_BLOCK = 64 * 1024


class ReadError(OSError):
    """Reading an input failed; `strerror` is the reason.

    hint: what to do about it.
    so_far: a note about the lines before, for commands that use them.
    """

    def __init__(self, problem: str, hint: str = "", so_far: str = "") -> None:
        super().__init__(errno.EIO, problem)
        self.hint = hint
        self.so_far = so_far


class CutOffError(ReadError):
    """An input ends too early."""


def shortened() -> ReadError:
    """Return the error for a file that has become shorter since it was opened."""
    return ReadError(
        "it became shorter while it was read",
        "An input must not change while it is read. Name a copy that is not written to.",
    )


class Stream(Protocol):
    """The bytes of an input."""

    @property
    def stored(self) -> int:
        """The bytes that were read from storage; they may be compressed."""

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end. Raises OSError."""


class Peeked:
    """A stream whose first bytes can be looked at before they are read.

    under: the stream itself.
    """

    def __init__(self, stream: Stream) -> None:
        self.under = stream
        self._head = b""
        self._error: OSError | None = None
        self._has_ended = False

    @property
    def stored(self) -> int:
        """The bytes that were read from storage, including bytes that were only looked at."""
        return self.under.stored

    def peek(self, size: int) -> bytes:
        """Return the next bytes without reading them: at least `size`, if there are so many.

        Raises OSError if no byte can be read. A later error is raised by `read1`.
        """
        while len(self._head) < size and self._read_more():
            pass
        return self._head

    def peek_line(self, size: int) -> bytes:
        """Return at least the first line, or at least `size` bytes of it, like `peek`."""
        while len(self._head) < size and b"\n" not in self._head and self._read_more():
            pass
        return self._head

    @property
    def has_ended(self) -> bool:
        """True if the end of the stream was reached."""
        return self._has_ended

    def _read_more(self) -> bool:
        """Read one more block; False if there is none."""
        if self._error or self._has_ended:
            return False
        try:
            more = self.under.read1(_BLOCK)
        except OSError as error:
            if not self._head:
                raise
            self._error = error
            return False
        self._head += more
        self._has_ended = not more
        return bool(more)

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end. Raises OSError."""
        if self._head:
            block, self._head = self._head[:size], self._head[size:]
            return block
        if self._error:
            raise self._error
        return self.under.read1(size)
