"""stdout and stderr: what was asked for is not lost unseen; what is said besides may be lost.

Neither lets a control character from outside reach a terminal, whoever writes it: a library that
logs or warns, or Python itself. `segcli.cli.output` writes below that, where it adds colours.
"""

import codecs
import io
import os
import select
import sys
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, TextIO, cast

from segcli.cli.visible_text import json_escaped, visible_lines
from segcli.errors import Stopped

# A descriptor and whatever holds bytes; returns how many of them were taken.
Write = Callable[[int, Any], int]


class NobodyReads(Exception):
    """Whoever read our output has gone; click and rich would end with 1 of a BrokenPipeError."""


class VisibleStream:
    """A text stream that shows control characters as escapes.

    `as_is` is the stream below, for text that is visible already. `buffer` takes bytes; it is that
    of the stream below unless another is given.
    """

    def __init__(
        self, below: TextIO, shown: Callable[[str], str], buffer: BinaryIO | None = None
    ) -> None:
        self.as_is = below
        self._shown = shown
        self._buffer = buffer

    @property
    def buffer(self) -> BinaryIO:
        """What bytes are written to."""
        return self._buffer or self.as_is.buffer

    def write(self, text: str) -> int:
        """Write the text, made visible."""
        self.as_is.write(self._shown(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines, made visible."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write out what is buffered."""
        if self._buffer:
            self._buffer.flush()
        self.as_is.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.as_is, name)


def as_is(stream: TextIO) -> TextIO:
    """Return the stream to which text that is visible already is written."""
    return stream.as_is if isinstance(stream, VisibleStream) else stream


def set_up_streams() -> None:
    """Have stdout raise Stopped where it takes no more, and stderr drop what it does not take.

    A run is not to end, nor its exit code to change, because a log of it is on a full disk. Where
    nobody reads stdout any more it raises NobodyReads. Streams that whoever started us has closed
    are opened, stdout so that it fails. Text on stderr is made visible; on a terminal data on
    stdout is too.
    """
    if sys.stdout is sys.__stdout__:
        sys.stdout = _stdout()
    if sys.stderr is sys.__stderr__:
        below = _stream(sys.stderr, _write_if_possible, closed=os.O_WRONLY, by_line=True)
        sys.stderr = cast(TextIO, VisibleStream(below, visible_lines))


def _stdout() -> TextIO:
    below = _stream(sys.stdout, _write_or_raise, closed=os.O_RDONLY)
    if not below.isatty():
        return below
    escaped = io.BufferedWriter(_EscapedOutput(below.fileno(), _write_or_raise))
    return cast(TextIO, VisibleStream(below, json_escaped, escaped))


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


class _EscapedOutput(_Descriptor):
    """A terminal that data is written to: its control characters are shown as JSON escapes."""

    def __init__(self, descriptor: int, write: Write) -> None:
        super().__init__(descriptor, write)
        # The bytes of one character may come in two pieces.
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def write(self, data: Any, /) -> int:
        rest = json_escaped(self._decoder.decode(bytes(data))).encode()
        while rest:
            rest = rest[super().write(rest) :]
        return len(data)


def _stream(known: TextIO | None, write: Write, *, closed: int, by_line: bool = False) -> TextIO:
    """Return a stream like the known one, or one to nowhere that is opened as `closed` says."""
    descriptor = known.fileno() if known else os.open(os.devnull, closed)
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(descriptor, write)),
        encoding=known.encoding if known else "utf-8",
        # What an encoding or a file name cannot hold is shown, and is no reason to fail.
        errors="backslashreplace",
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
