"""A file of this machine as it is stored: one on its disks, a pipe, or a device."""

import fcntl
import os
import select
import stat
import sys
from contextlib import suppress
from io import BufferedReader

from segcli.inputs.stream import shortened

# What a pipe is to hold. It holds a quarter of that unless one asks, and to read so little at a
# time takes 1.2 times as long in a transform, 1.5 times with two jobs.
_IN_A_PIPE = 256 * 1024


class PlainFile:
    """A file as it is stored; `size` is that which it had when it was opened.

    The size of what is no regular file is 0.
    """

    __slots__ = ("_left", "_most", "file", "size", "stored")

    def __init__(self, file: BufferedReader) -> None:
        status = os.fstat(file.fileno())
        is_regular = stat.S_ISREG(status.st_mode)
        self.file = file
        self.size = status.st_size if is_regular else 0
        self.stored = 0
        # Of stdin others may have read the beginning.
        self._left = self.size - file.tell() if is_regular else 0
        # Python takes memory for all that it asks for, and gives back what it does not get.
        self._most = _widened(file) if stat.S_ISFIFO(status.st_mode) else sys.maxsize

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end. Raises OSError."""
        block = self._read(min(size, self._most))
        self.stored += len(block)
        if not block and self.stored < self._left and self._is_of_another_size():
            raise shortened()
        return block

    def _read(self, size: int) -> bytes:
        """Read as much as there is; wait for it where another process has told a pipe not to."""
        while True:
            block: bytes | None = self.file.raw.read(size)
            if block is not None:
                return block
            select.select([self.file], [], [])

    def _is_of_another_size(self) -> bool:
        """Tell a file that was cut from one that has always promised too much, as in /sys."""
        return os.fstat(self.file.fileno()).st_size != self.size


def _widened(pipe: BufferedReader) -> int:
    """Let a pipe hold more where the system knows how; return how much it holds."""
    if sys.platform != "linux":
        return _IN_A_PIPE // 4
    holds = _IN_A_PIPE // 4
    # Not every system that calls itself so knows how, and a user may have too many large pipes.
    with suppress(OSError):
        holds = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
        if holds < _IN_A_PIPE:
            holds = fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _IN_A_PIPE)
    return holds
