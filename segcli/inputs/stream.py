"""A stream of bytes as inputs are read: in blocks, forwards, once."""

import errno
from typing import Protocol


class ReadError(OSError):
    """An input cannot be read on, as `strerror` says; `hint` is what to do about it.

    `so_far` says what holds all the same, for those that go by the lines before.
    """

    def __init__(self, problem: str, hint: str = "", so_far: str = "") -> None:
        super().__init__(errno.EIO, problem)
        self.hint = hint
        self.so_far = so_far


class CutOffError(ReadError):
    """An input ends where it should not."""


def shortened() -> ReadError:
    """Return the error that a file has lost bytes which it had when it was opened."""
    return ReadError(
        "it became shorter while it was read",
        "Only a whole and steady file can be accounted for. Name a copy that nobody writes to.",
    )


class Stream(Protocol):
    """The bytes of an input; `stored` is how many bytes of what is stored were read for them."""

    @property
    def stored(self) -> int:
        """The bytes read of what is stored, which may be compressed."""

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end. Raises OSError."""


class Peeked:
    """A stream whose first bytes may be looked at before they are read."""

    def __init__(self, stream: Stream) -> None:
        self.under = stream
        self._head = b""
        self._error: OSError | None = None
        self._has_ended = False

    @property
    def stored(self) -> int:
        """The bytes read of what is stored, those that were only looked at among them."""
        return self.under.stored

    def peek(self, size: int) -> bytes:
        """Return at least so many bytes, if there are, and leave them to be read.

        Raises OSError where not one can be read; behind the first one that is for `read1` to say.
        """
        while len(self._head) < size and self._read_more():
            pass
        return self._head

    def peek_line(self, size: int) -> bytes:
        """Return at least the first line, or so many bytes of it, as `peek` does."""
        while len(self._head) < size and b"\n" not in self._head and self._read_more():
            pass
        return self._head

    @property
    def has_ended(self) -> bool:
        """Whether what was looked at are all bytes that there are."""
        return self._has_ended

    def _read_more(self) -> bool:
        """Read one more block; return whether there was one."""
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
        """Return the next bytes, at most so many; none at the end. Raises OSError."""
        if self._head:
            block, self._head = self._head[:size], self._head[size:]
            return block
        if self._error:
            raise self._error
        return self.under.read1(size)


_BLOCK = 64 * 1024
