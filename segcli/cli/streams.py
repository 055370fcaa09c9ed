"""stdout and stderr: what was asked for is not lost unseen; what is said besides may be lost."""

import io
import os
import select
import sys
from collections.abc import Callable
from typing import Any, TextIO

from segcli.errors import Stopped

# A descriptor and whatever holds bytes; returns how many of them were taken.
Write = Callable[[int, Any], int]


class NobodyReads(Exception):
    """Whoever read our output has gone; click and rich would end with 1 of a BrokenPipeError."""


def set_up_streams() -> None:
    """Have stdout raise Stopped where it takes no more, and stderr drop what it does not take.

    A run is not to end, nor its exit code to change, because a log of it is on a full disk. Where
    nobody reads stdout any more it raises NobodyReads. Streams that whoever started us has closed
    are opened, stdout so that it fails.
    """
    if sys.stdout is sys.__stdout__:
        sys.stdout = _stream(sys.stdout, _write_or_raise, closed=os.O_RDONLY)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _stream(sys.stderr, _write_if_possible, closed=os.O_WRONLY, by_line=True)


def let_go_of_stdout() -> None:
    """Have what is left in the buffers of stdout go nowhere: Python itself would try once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


class _Descriptor(io.RawIOBase):
    """A file descriptor that is written to by a function of ours."""

    def __init__(self, descriptor: int, write: Write) -> None:
        self._descriptor = descriptor
        self._write = write

    def write(self, data: Any, /) -> int:
        return self._write(self._descriptor, data)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)


def _stream(known: TextIO | None, write: Write, *, closed: int, by_line: bool = False) -> TextIO:
    """Return a stream like the known one, or one to nowhere that is opened as `closed` says."""
    descriptor = known.fileno() if known else os.open(os.devnull, closed)
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(descriptor, write)),
        encoding=known.encoding if known else "utf-8",
        errors=known.errors if known else "backslashreplace",
        line_buffering=by_line or os.isatty(descriptor),
    )


def _write_or_raise(descriptor: int, data: Any) -> int:
    try:
        return _write(descriptor, data)
    except BrokenPipeError:
        raise NobodyReads from None
    except OSError as error:
        raise Stopped(f"the output cannot be written: {error.strerror}") from None


def _write_if_possible(descriptor: int, data: Any) -> int:
    try:
        return _write(descriptor, data)
    except OSError:
        return len(data)


def _write(descriptor: int, data: Any) -> int:
    """Write some of it, and wait where another process has told the stream not to block."""
    while True:
        try:
            return os.write(descriptor, data)
        except BlockingIOError:
            select.select([], [descriptor], [])
