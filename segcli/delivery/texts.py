"""Where lines lie: in memory as they were read, or still in their file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from pathlib import Path

from segcli.inputs import ReadError
from segcli.outcome import TooLong

HEAD_KEPT = 1024

_AT_ONCE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Text:
    """Some whole lines in a row: what was left of an earlier read, and a read up to its last break.

    They are kept apart, since to join them is to copy all.
    """

    rest: bytes
    read: bytes
    end: int

    def __len__(self) -> int:
        return len(self.rest) + self.end

    def parts(self) -> tuple[bytes, memoryview]:
        """Return both, without copying them."""
        return self.rest, memoryview(self.read)[: self.end]

    def lines(self) -> list[bytes]:
        """Return the lines with their line breaks; the last of an input may lack its own."""
        # `split` looks at every byte, this leaps from break to break: 0.3 of the time.
        lines = BytesIO(self.read).readlines()
        if self.end < len(self.read):
            lines.pop()
        if not lines:
            return [self.rest]
        lines[0] = self.rest + lines[0]
        return lines

    def count(self) -> int:
        """Count the lines."""
        return self.read.count(b"\n") or 1


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of a file that begin within these bytes of it; `file` tells it from any other."""

    path: str
    file: tuple[int, int]
    start: int
    end: int

    def lines(self, max_line: int) -> list[bytes | TooLong]:
        """Read the lines, with their line breaks; raises ReadError."""
        try:
            with Path(self.path).open("rb") as file:
                return self._lines(file, max_line)
        except OSError as error:
            raise ReadError(error.strerror or str(error)) from None

    def _lines(self, file: BufferedReader, max_line: int) -> list[bytes | TooLong]:
        if identity(file) != self.file:
            raise ReadError("it was replaced while it was read")
        # The byte in front tells whether a line begins with the first one.
        in_front = min(self.start, 1)
        file.seek(self.start - in_front)
        data = file.read(self.end - self.start + in_front)
        begin = data.find(b"\n") + 1 if in_front else 0
        if in_front and not begin:
            return []
        lines = BytesIO(data[begin:]).readlines()
        if not lines:
            return []
        last = lines.pop()
        return [*bounded(lines, max_line), _to_its_end(last, file, max_line)]


def identity(file: BufferedReader) -> tuple[int, int]:
    """Return what tells a file from any other, whatever its name."""
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def lines_of(data: Text | Span | TooLong, max_line: int) -> Sequence[bytes | TooLong]:
    """Return the lines with their line breaks, and what is over the bound as TooLong."""
    match data:
        case Text():
            lines = data.lines()
            return lines if len(data) <= max_line else bounded(lines, max_line)
        case Span():
            return data.lines(max_line)
        case TooLong():
            return [data]


def bounded(lines: Sequence[bytes], max_line: int) -> Sequence[bytes | TooLong]:
    """Return lines, and what is over the bound as TooLong."""
    return [line if len(line) <= max_line else _bounded(line, max_line) for line in lines]


def without_break(line: bytes | TooLong) -> bytes | TooLong:
    """Return a line without its line break."""
    return line.removesuffix(b"\n") if isinstance(line, bytes) else line


def _bounded(line: bytes, max_line: int) -> bytes | TooLong:
    text = line.removesuffix(b"\n")
    return line if len(text) <= max_line else TooLong(len(text), text[:HEAD_KEPT])


def _to_its_end(begun: bytes, file: BufferedReader, max_line: int) -> bytes | TooLong:
    """Read on to the end of a line, which may be far; keep no more of it than the bound."""
    kept, size, more = bytearray(begun), len(begun), begun
    while not more.endswith(b"\n") and (more := file.readline(_AT_ONCE)):
        size += len(more)
        kept += more[: max(max_line + 1, HEAD_KEPT) - len(kept)]
    size -= more.endswith(b"\n")
    return bytes(kept) if size <= max_line else TooLong(size, bytes(kept[: min(size, HEAD_KEPT)]))
