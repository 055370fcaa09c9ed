"""Where lines lie: in memory as they were read, or still in their file."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader, BytesIO, FileIO
from math import inf

from segcli.core.line import TooLong
from segcli.inputs import ReadError, shortened

HEAD_KEPT = 1024

# How many bytes of lines are worked on at a time, so that they and what they become stay in the
# processor's own cache: with two processes at work that takes 0.9 of the time.
_AT_A_TIME = 32 * 1024
_LOOKED_AT = 4096


@dataclass(frozen=True, slots=True)
class LineBlock:
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

    def lines(self) -> Iterator[list[bytes]]:
        """Yield a few lines at a time, with their line breaks; the last may lack its own."""
        rest, start = self.rest, 0
        while start < self.end:
            end = self._break_near(start + _AT_A_TIME, start)
            # `split` looks at every byte, this leaps from break to break: 0.3 of the time.
            lines = BytesIO(self.read[start:end]).readlines()
            lines[0] = rest + lines[0]
            yield lines
            rest, start = b"", end
        if rest:
            yield [rest]

    def count(self) -> int:
        """Count the lines."""
        return self.read.count(b"\n") or 1

    def _break_near(self, place: int, start: int) -> int:
        """Return the place behind the last line break between the two, or else the next one."""
        if place >= self.end:
            return self.end
        before, behind = self.read.rfind(b"\n", start, place), self.read.find(b"\n", place)
        return before + 1 or behind + 1 or self.end


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of a file that begin within these bytes of it; `file` tells it from any other.

    `whole` is how many bytes it has at least.
    """

    path: str
    file: tuple[int, int]
    start: int
    end: int
    whole: int

    def texts(self, max_line: int) -> "Iterator[LineBlock | TooLong]":
        """Read the lines; one that is over the bound comes as TooLong. Raises ReadError."""
        rest = PartialLine(max_line, _AT_A_TIME)
        try:
            with open(self.path, "rb", buffering=0) as file:
                for read in self._reads(file, rest.wanted):
                    yield from (text for text, _ in rest.ended_by(read))
        except ReadError:
            raise
        except OSError as error:
            raise ReadError(error.strerror or str(error)) from None
        if rest.size:
            yield rest.last()

    def _reads(self, file: FileIO, size: int) -> Iterator[bytes]:
        if identity(file) != self.file:
            raise ReadError("it was replaced while it was read")
        start = _start_of_line(file, self.start, before=self.end)
        if start >= self.end:
            return
        left = _start_of_line(file, self.end) - start
        file.seek(start)
        while left and (read := file.read(min(size, left))):
            left -= len(read)
            yield read
        # Only now: what it loses while it is read is missed too.
        if left or os.fstat(file.fileno()).st_size < self.whole:
            raise shortened()


class PartialLine:
    """The line that was begun last: its bytes up to the bound, beyond it their count.

    `wanted` is how many bytes are to be read at a time.
    """

    def __init__(self, max_line: int, wanted: int) -> None:
        self.wanted = wanted
        self.size = 0
        self._max_line = max_line
        self._parts: list[bytes] = []

    def ended_by(self, read: bytes) -> Iterator[tuple[LineBlock | TooLong, int]]:
        """Take what was read; yield the lines that it ends, and their size."""
        end = read.rfind(b"\n") + 1
        if end and self.size + (first := read.find(b"\n")) > self._max_line:
            self._add(read[:first])
            size = self.size + 1
            line = self._taken()
            assert isinstance(line, TooLong)
            yield line, size
            read, end = read[first + 1 :], end - first - 1
        if end:
            text = LineBlock(b"".join(self._parts), read, end)
            self.size, self._parts = 0, []
            yield text, len(text)
        self._add(read[end:])

    def last(self) -> LineBlock | TooLong:
        """Return the line that nothing ended."""
        line = self._taken()
        return LineBlock(line, b"", 0) if isinstance(line, bytes) else line

    def _taken(self) -> bytes | TooLong:
        text = b"".join(self._parts)
        line = text if self.size <= self._max_line else TooLong(self.size, text[:HEAD_KEPT])
        self.size, self._parts = 0, []
        return line

    def _add(self, part: bytes) -> None:
        most = max(self._max_line, HEAD_KEPT)
        within = self.size <= most
        self.size += len(part)
        if within:
            self._parts.append(part)
        if within and self.size > most:
            self._parts = [b"".join(self._parts)[:HEAD_KEPT]]


def identity(file: BufferedReader | FileIO) -> tuple[int, int]:
    """Return what tells a file from any other, whatever its name."""
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def is_named(path: str, file: BufferedReader) -> bool:
    """Tell whether a file that is open still has this name."""
    try:
        found = os.stat(path)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == identity(file)


def lines_of(
    data: LineBlock | Span | TooLong, max_line: int
) -> Iterator[Sequence[bytes | TooLong]]:
    """Yield the lines, a few at a time, with their line breaks; one over the bound as TooLong."""
    match data:
        case LineBlock():
            for lines in data.lines():
                yield lines if max(map(len, lines)) <= max_line else _bounded(lines, max_line)
        case Span():
            for text in data.texts(max_line):
                yield from lines_of(text, max_line)
        case TooLong():
            yield [data]


def without_break(line: bytes | TooLong) -> bytes | TooLong:
    """Return a line without its line break."""
    return line.removesuffix(b"\n") if isinstance(line, bytes) else line


def _bounded(lines: Sequence[bytes], max_line: int) -> Sequence[bytes | TooLong]:
    return [line if len(line) <= max_line else _cut(line, max_line) for line in lines]


def _cut(line: bytes, max_line: int) -> bytes | TooLong:
    text = line.removesuffix(b"\n")
    return line if len(text) <= max_line else TooLong(len(text), text[:HEAD_KEPT])


def _start_of_line(file: FileIO, offset: int, before: float = inf) -> int:
    """Return where the first line at or behind an offset begins, be it at the end of the file.

    If none begins `before` a place, some number behind that is returned.
    """
    if offset == 0:
        return 0
    at = file.seek(offset - 1)
    while at < before and (read := file.read(_LOOKED_AT)):
        if found := read.find(b"\n") + 1:
            return at + found
        at += len(read)
    return at
