"""The stored bytes of a file on this machine: a regular file, a pipe, or a device."""

import fcntl
import os
import select
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader

from segcli.descriptors import can_read
from segcli.inputs.stream import shortened

# The capacity that a pipe is given. By default it is a quarter of that. Reading so little at a time
# makes a transform take 20 % longer, and 50 % longer with two jobs.
_PIPE_CAPACITY = 256 * 1024


class PlainFile:
    """A file on this machine as a stream of its stored bytes.

    file: the open file.
    size: its size when it was opened; 0 if it is not a regular file.
    stored: the bytes that were read.
    """

    __slots__ = ("_is_regular", "_left", "_most", "file", "size", "stored")

    def __init__(self, file: BufferedReader) -> None:
        status = os.fstat(file.fileno())
        self._is_regular = is_regular = stat.S_ISREG(status.st_mode)
        self.file = file
        self.size = status.st_size if is_regular else 0
        self.stored = 0
        # Another process may have read the start of stdin.
        self._left = self.size - file.tell() if is_regular else 0
        # Python allocates memory for the size it asks for, so do not ask a pipe for more.
        self._most = _enlarge(file) if stat.S_ISFIFO(status.st_mode) else sys.maxsize

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end. Raises OSError."""
        block = self._read(min(size, self._most))
        self.stored += len(block)
        if not block and self.stored < self._left and self._has_changed_size():
            raise shortened()
        return block

    def _read(self, size: int) -> bytes:
        """Read what is there, or wait for it, also if another process made it non-blocking."""
        while True:
            if not self._is_regular:
                _wait_for(self.file.fileno())
            block: bytes | None = self.file.raw.read(size)
            if block is not None:
                return block
            can_read([self.file.fileno()])

    def _has_changed_size(self) -> bool:
        """True if the file was cut; False for files whose size was always wrong, as in /sys."""
        return os.fstat(self.file.fileno()).st_size != self.size


def _wait_for(descriptor: int) -> None:
    """In the main thread, wait until there is something to read; any signal ends the wait.

    A read would not notice a signal that comes just before it: Python looks for signals until the
    read begins, and the system interrupts it only after that. Other threads handle no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    while not can_read([descriptor], timeout=0):
        with _told_of_signals() as told:
            can_read([descriptor, told])


@contextmanager
def _told_of_signals() -> Iterator[int]:
    """Yield a pipe from which the number of each signal can be read as soon as it has come.

    A program may have a descriptor of its own for these numbers, as event loops do. It gets them
    when the block ends.
    """
    told, teller = os.pipe()
    os.set_blocking(told, False)
    os.set_blocking(teller, False)
    before = signal.set_wakeup_fd(teller, warn_on_full_buffer=False)
    try:
        yield told
    finally:
        signal.set_wakeup_fd(before)
        with suppress(BlockingIOError):
            numbers = os.read(told, select.PIPE_BUF)
            if before != -1:
                os.write(before, numbers)
        os.close(told)
        os.close(teller)


def _enlarge(pipe: BufferedReader) -> int:
    """Enlarge the capacity of a pipe if the system can; return the capacity."""
    if sys.platform != "linux":
        return _PIPE_CAPACITY // 4
    capacity = _PIPE_CAPACITY // 4
    # Some systems that report Linux lack these calls, and a user's pipes have a common limit.
    with suppress(OSError):
        capacity = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
        if capacity < _PIPE_CAPACITY:
            capacity = fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_CAPACITY)
    return capacity
