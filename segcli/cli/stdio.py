"""Streams for stdout and stderr: stdout reports a failed write, stderr ignores it.

Both escape control characters on the way to a terminal, also in what libraries and Python itself
print. `segcli.cli.output` escapes text itself, adds colours, and writes to the stream below.
"""

import codecs
import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, TextIO, cast

from segcli.core.visible_text import json_escaped, visible_lines
from segcli.descriptors import wait_until_writable
from segcli.errors import Stopped

# Writes bytes to a descriptor, and returns how many were written.
Write = Callable[[int, Any], int]
_REDIRECT = (
    "The output is not complete. Free some disk space, or redirect stdout to another file, and "
    "type the command again."
)


class ReaderGone(Exception):
    """The reader of stdout has closed the pipe.

    It is not a BrokenPipeError, because click and rich handle that one and exit with 1.
    """


class VisibleStream:
    """A text stream that writes control characters as escapes.

    as_is: the stream below, for text that is escaped already
    buffer: the stream for bytes; that of the stream below, unless another is given
    """

    def __init__(
        self, below: TextIO, shown: Callable[[str], str], buffer: BinaryIO | None = None
    ) -> None:
        self.as_is = below
        self._shown = shown
        self._buffer = buffer

    @property
    def buffer(self) -> BinaryIO:
        """The stream for bytes."""
        return self._buffer or self.as_is.buffer

    def write(self, text: str) -> int:
        """Write escaped text."""
        self.as_is.write(self._shown(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write escaped lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush all buffers."""
        if self._buffer:
            self._buffer.flush()
        self.as_is.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.as_is, name)


def as_is(stream: TextIO) -> TextIO:
    """Return the stream for text that is escaped already."""
    return stream.as_is if isinstance(stream, VisibleStream) else stream


def set_up_streams() -> None:
    """Replace sys.stdout and sys.stderr.

    If stdout cannot be written, it raises Stopped, or ReaderGone if its reader has closed the
    pipe. If stderr cannot be written, the text is dropped: a log on a full disk must not stop a
    run or change its exit code. A stream that the parent process has closed is opened to
    /dev/null, stdout so that writing fails. Text on stderr is escaped, and so is data on stdout
    if that is a terminal.
    """
    if sys.stdout is sys.__stdout__:
        sys.stdout = _stdout()
    if sys.stderr is sys.__stderr__:
        below = _stream(sys.stderr, _write_if_possible, closed=os.O_WRONLY, by_line=True)
        sys.stderr = cast(TextIO, VisibleStream(below, visible_lines))


def discard_stdout() -> None:
    """Point stdout at /dev/null, because Python flushes its buffer once more at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())


def _stdout() -> TextIO:
    below = _stream(sys.stdout, _write_or_raise, closed=os.O_RDONLY)
    if not below.isatty():
        return below
    escaped = io.BufferedWriter(_EscapedOutput(below.fileno(), _write_or_raise))
    return cast(TextIO, VisibleStream(below, json_escaped, escaped))


class _Descriptor(io.RawIOBase):
    """A raw stream that writes to a file descriptor with the given function."""

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


class _EscapedOutput(_Descriptor):
    """A raw stream for data on a terminal: it writes control characters as JSON escapes."""

    def __init__(self, descriptor: int, write: Write) -> None:
        super().__init__(descriptor, write)
        # The bytes of one character may arrive in two writes.
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def write(self, data: Any, /) -> int:
        rest = json_escaped(self._decoder.decode(bytes(data))).encode()
        while rest:
            rest = rest[super().write(rest) :]
        return len(data)


def _stream(known: TextIO | None, write: Write, *, closed: int, by_line: bool = False) -> TextIO:
    """Return a stream like `known`; without one, /dev/null, opened with the flags `closed`."""
    descriptor = known.fileno() if known else os.open(os.devnull, closed)
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(descriptor, write)),
        encoding=known.encoding if known else "utf-8",
        # Escape what the encoding cannot hold, instead of failing.
        errors="backslashreplace",
        line_buffering=by_line or os.isatty(descriptor),
    )


def _write_or_raise(descriptor: int, data: Any) -> int:
    try:
        return _write(descriptor, data)
    except BrokenPipeError:
        raise ReaderGone from None
    except OSError as error:
        raise Stopped(f"the output cannot be written: {error.strerror}", _REDIRECT) from None


def _write_if_possible(descriptor: int, data: Any) -> int:
    try:
        return _write(descriptor, data)
    except OSError:
        return len(data)


def _write(descriptor: int, data: Any) -> int:
    """Write some of the data; wait if another process has made the stream non-blocking."""
    while True:
        try:
            return os.write(descriptor, data)
        except BlockingIOError:
            wait_until_writable(descriptor)
