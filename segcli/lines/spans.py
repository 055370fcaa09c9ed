"""Lines in memory, or as a byte range of a file that is not read yet."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader, BytesIO, FileIO
from math import inf

from segcli.core.line import TooLong
from segcli.inputs import ReadError, shortened

# How many bytes of a line that is too long are kept.
HEAD_KEPT = 1024

# Lines are processed in groups of this many bytes, so that they and their results stay in the
# processor's cache. With two processes that saves 10 % of the time.
_GROUP_SIZE = 32 * 1024
_SEARCH_STEP = 4096


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Consecutive whole lines in memory: the rest of an earlier read, and a read.

    The two parts are not joined, because that would copy all the bytes.

    rest: the start of the first line; empty if `read` starts with a line.
    read: the bytes that were read.
    end: where the last whole line in `read` ends.
    """

    rest: bytes
    read: bytes
    end: int

    def __len__(self) -> int:
        return len(self.rest) + self.end

    def parts(self) -> tuple[bytes, memoryview]:
        """Return both parts, without copying them."""
        return self.rest, memoryview(self.read)[: self.end]

    def lines(self) -> Iterator[list[bytes]]:
        """Yield groups of lines, with line breaks. The last line may have none."""
        rest, start = self.rest, 0
        while start < self.end:
            end = self._break_near(start + _GROUP_SIZE, start)
            # `readlines` needs 30 % of the time of `split`, which looks at every byte.
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
        """Return where a line ends: the last one between `start` and `place`, or else the next."""
        if place >= self.end:
            return self.end
        before, after = self.read.rfind(b"\n", start, place), self.read.find(b"\n", place)
        return before + 1 or after + 1 or self.end


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of a file that begin in a range of bytes.

    path: the file.
    file: the identity of the file, see `identity`.
    start, end: the range.
    whole: the least size of the file, in bytes.
    """

    path: str
    file: tuple[int, int]
    start: int
    end: int
    whole: int

    def texts(self, max_line: int) -> "Iterator[LineBlock | TooLong]":
        """Read the lines. A line over `max_line` bytes becomes a TooLong. Raises ReadError."""
        partial = PartialLine(max_line, _GROUP_SIZE)
        try:
            with open(self.path, "rb", buffering=0) as file:
                for read in self._reads(file, partial.wanted):
                    yield from (text for text, _ in partial.ended_by(read))
        except ReadError:
            raise
        except OSError as error:
            raise ReadError(error.strerror or str(error)) from None
        if partial.size:
            yield partial.last()

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
        # Checked after reading, to notice also if the file became shorter meanwhile.
        if left or os.fstat(file.fileno()).st_size < self.whole:
            raise shortened()


class PartialLine:
    """Joins reads to whole lines: keeps the line whose end has not been read yet.

    If a line is too long, only its start and its size are kept.

    wanted: how many bytes to read at a time.
    size: the bytes of the kept line.
    """

    def __init__(self, max_line: int, wanted: int) -> None:
        self.wanted = wanted
        self.size = 0
        self._max_line = max_line
        self._parts: list[bytes] = []

    def ended_by(self, read: bytes) -> Iterator[tuple[LineBlock | TooLong, int]]:
        """Add a read; yield the lines that end in it, with their size in bytes."""
        end = read.rfind(b"\n") + 1
        if end and self.size + (first := read.find(b"\n")) > self._max_line:
            self._add(read[:first])
            size = self.size + 1
            line = self._pop()
            assert isinstance(line, TooLong)
            yield line, size
            read, end = read[first + 1 :], end - first - 1
        if end:
            text = LineBlock(b"".join(self._parts), read, end)
            self.size, self._parts = 0, []
            yield text, len(text)
        self._add(read[end:])

    def last(self) -> LineBlock | TooLong:
        """Return the last line, which has no line break."""
        line = self._pop()
        return LineBlock(line, b"", 0) if isinstance(line, bytes) else line

    def _pop(self) -> bytes | TooLong:
        text = b"".join(self._parts)
        line = text if self.size <= self._max_line else TooLong(self.size, text[:HEAD_KEPT])
        self.size, self._parts = 0, []
        return line

    def _add(self, part: bytes) -> None:
        limit = max(self._max_line, HEAD_KEPT)
        was_within = self.size <= limit
        self.size += len(part)
        if was_within:
            self._parts.append(part)
        if was_within and self.size > limit:
            self._parts = [b"".join(self._parts)[:HEAD_KEPT]]


def identity(file: BufferedReader | FileIO) -> tuple[int, int]:
    """Return the device and the inode of a file, which identify it independently of its name."""
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def is_named(path: str, file: BufferedReader) -> bool:
    """True if this path still leads to the open file."""
    try:
        found = os.stat(path)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == identity(file)


def lines_of(
    data: LineBlock | Span | TooLong, max_line: int
) -> Iterator[Sequence[bytes | TooLong]]:
    """Yield groups of lines, with line breaks. A line over `max_line` becomes a TooLong."""
    match data:
        case LineBlock():
            for lines in data.lines():
                yield lines if max(map(len, lines)) <= max_line else _limited(lines, max_line)
        case Span():
            for text in data.texts(max_line):
                yield from lines_of(text, max_line)
        case TooLong():
            yield [data]


def without_break(line: bytes | TooLong) -> bytes | TooLong:
    """Return the line without its line break."""
    return line.removesuffix(b"\n") if isinstance(line, bytes) else line


def _limited(lines: Sequence[bytes], max_line: int) -> Sequence[bytes | TooLong]:
    return [line if len(line) <= max_line else _cut(line, max_line) for line in lines]


def _cut(line: bytes, max_line: int) -> bytes | TooLong:
    text = line.removesuffix(b"\n")
    return line if len(text) <= max_line else TooLong(len(text), text[:HEAD_KEPT])


def _start_of_line(file: FileIO, offset: int, before: float = inf) -> int:
    """Return where the first line at or after an offset begins; may be the end of the file.

    The search stops at `before`: if no line begins before it, returns any offset not below it.
    """
    if offset == 0:
        return 0
    at = file.seek(offset - 1)
    while at < before and (read := file.read(_SEARCH_STEP)):
        if found := read.find(b"\n") + 1:
            return at + found
        at += len(read)
    return at
