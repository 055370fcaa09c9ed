"""Inputs as blocks of whole lines: files and stdin, streamed, whatever bytes they hold."""

import select
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO

from segcli.delivery.fingerprint import Fingerprint, Mark
from segcli.errors import Stopped
from segcli.inputs import Input, ReadError, Stream, streams
from segcli.outcome import TooLong

MAX_LINE = 1024 * 1024

# Large enough that system calls do not count, small enough that the allocator reuses the memory.
BLOCK = 64 * 1024
_HEAD_KEPT = 1024

FingerprintOf = Callable[[Input], Fingerprint]


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
class Block:
    """A text of an input, or a line that is too long.

    `size` is how many bytes it took, line breaks and all, and `stored` how many of those that
    were stored, which may be compressed, were read for it. `mark` is that of all that was read so
    far, if fingerprints are taken.
    """

    input: Input
    data: Text | TooLong
    size: int
    stored: int
    mark: Mark | None = None


class Unreadable(Exception):
    """An input cannot be read on, behind the blocks that have come of it."""

    def __init__(self, entry: Input, error: OSError) -> None:
        super().__init__(entry.title, error.strerror)
        self.input = entry
        self._error = error

    def at(self, line: int) -> Stopped:
        """Return what stops the run; `line` is the first that was not read to its end."""
        hint = self._error.hint if isinstance(self._error, ReadError) else ""
        problem = f"cannot be read on: {self._error.strerror}"
        return Stopped(f"{self.input.title}:{line}: {problem}", hint)


class Numbers:
    """Numbers lines, in each input from 1 on."""

    def __init__(self) -> None:
        self._place = -1
        self._next = 1

    def next_in(self, entry: Input) -> int:
        """Return the number of the next line, which is one of this input."""
        if entry.place != self._place:
            self._place, self._next = entry.place, 1
        return self._next

    def count(self, lines: int) -> None:
        """Go on behind so many lines."""
        self._next += lines


def blocks(
    found: Sequence[Input],
    max_line: int = MAX_LINE,
    *,
    size: int = BLOCK,
    fingerprint_of: FingerprintOf | None = None,
) -> Iterator[Block | None]:
    """Read the inputs one after the other, about so many bytes at a time.

    Memory does not grow with them. A line over `max_line` bytes comes as TooLong. The fingerprint
    of an input is asked for as it is opened, and fed with what is read. Yields None before it
    waits for stdin, which may be long. Raises InputError where an input is not what it was,
    Unreadable where reading fails.
    """
    with closing(streams(found)) as in_turn:
        for entry, stream in in_turn:
            fingerprint = fingerprint_of(entry) if fingerprint_of else None
            yield from _blocks_of(entry, stream, _Rest(max_line, size), fingerprint)


def lines_of(data: Text | TooLong, max_line: int) -> Sequence[bytes | TooLong]:
    """Return the lines with their line breaks, and what is over the bound as TooLong."""
    if isinstance(data, TooLong):
        return [data]
    lines = data.lines()
    return lines if len(data) <= max_line else [_bounded(line, max_line) for line in lines]


def without_break(line: bytes | TooLong) -> bytes | TooLong:
    """Return a line without its line break."""
    return line.removesuffix(b"\n") if isinstance(line, bytes) else line


def _bounded(line: bytes, max_line: int) -> bytes | TooLong:
    size = len(line.removesuffix(b"\n"))
    return line if size <= max_line else TooLong(size, line[:_HEAD_KEPT].removesuffix(b"\n"))


def _blocks_of(
    entry: Input, stream: Stream, rest: "_Rest", fingerprint: Fingerprint | None
) -> Iterator[Block | None]:
    stored = 0
    while True:
        if _has_to_wait(entry):
            yield None
        read = _read(entry, stream, rest.wanted)
        if not read:
            break
        if fingerprint:
            fingerprint.update(read)
        mark = fingerprint.mark() if fingerprint else None
        for data, size in rest.ended_by(read):
            yield Block(entry, data, size, stream.stored - stored, mark)
            stored = stream.stored
    if fingerprint:
        fingerprint.end()
    if rest.size:
        mark = fingerprint.mark(is_open=True) if fingerprint else None
        size = rest.size
        yield Block(entry, rest.last(), size, stream.stored - stored, mark)


def _has_to_wait(entry: Input) -> bool:
    return entry.name == "-" and not select.select([sys.stdin.fileno()], [], [], 0)[0]


def _read(entry: Input, stream: Stream, size: int) -> bytes:
    try:
        return stream.read1(size)
    except OSError as error:
        raise Unreadable(entry, error) from None


class _Rest:
    """The line that was begun last: its bytes up to the bound, beyond it their count."""

    def __init__(self, max_line: int, wanted: int) -> None:
        self.wanted = wanted
        self.size = 0
        self._max_line = max_line
        self._parts: list[bytes] = []

    def ended_by(self, read: bytes) -> Iterator[tuple[Text | TooLong, int]]:
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
            text = Text(b"".join(self._parts), read, end)
            self.size, self._parts = 0, []
            yield text, len(text)
        self._add(read[end:])

    def last(self) -> Text | TooLong:
        """Return the line that nothing ended."""
        line = self._taken()
        return Text(line, b"", 0) if isinstance(line, bytes) else line

    def _taken(self) -> bytes | TooLong:
        text = b"".join(self._parts)
        line = text if self.size <= self._max_line else TooLong(self.size, text)
        self.size, self._parts = 0, []
        return line

    def _add(self, part: bytes) -> None:
        within = self.size <= self._max_line
        self.size += len(part)
        if within:
            self._parts.append(part)
        if within and self.size > self._max_line:
            self._parts = [b"".join(self._parts)[:_HEAD_KEPT]]
