"""Inputs as blocks of whole lines: files and stdin, streamed, whatever bytes they hold."""

import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from segcli.delivery.fingerprint import Fingerprint, Mark
from segcli.delivery.texts import HEAD_KEPT, Span, Text, identity
from segcli.errors import Stopped
from segcli.inputs import Input, ReadError, Stream, is_plain_file, streams
from segcli.outcome import TooLong

MAX_LINE = 1024 * 1024

# Large enough that system calls do not count, small enough that the allocator reuses the memory.
BLOCK = 64 * 1024
FingerprintOf = Callable[[Input], Fingerprint]


@dataclass(frozen=True, slots=True)
class Block:
    """A text of an input, a span that is still to be read, or a line that is too long.

    `size` is how many bytes it took, line breaks and all, and `stored` how many of those that
    were stored, which may be compressed, were read for it. `mark` is that of all that was read so
    far, if fingerprints are taken.
    """

    input: Input
    data: Text | Span | TooLong
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
    in_spans: Callable[[], bool] | None = None,
) -> Iterator[Block | None]:
    """Read the inputs one after the other, about so many bytes at a time.

    Memory does not grow with them. A line over `max_line` bytes comes as TooLong. The fingerprint
    of an input is asked for as it is opened, and fed with what is read. Once `in_spans` says so,
    a file that is not compressed is left to be read by others. Yields None before it waits for
    stdin, which may be long. Raises InputError where an input is not what it was, Unreadable where
    reading fails.
    """
    with closing(streams(found)) as in_turn:
        for entry, stream in in_turn:
            fingerprint = fingerprint_of(entry) if fingerprint_of else None
            read = _blocks_of(entry, stream, _Rest(max_line, size), fingerprint)
            yield from _with_spans(entry, read, in_spans, size) if in_spans else read


def _with_spans(
    entry: Input, read: Iterator[Block | None], in_spans: Callable[[], bool], size: int
) -> Iterator[Block | None]:
    """Yield blocks that are read, and spans instead as soon as they are wanted."""
    done, can_be_left = 0, is_plain_file(entry)
    while not (can_be_left and in_spans()):
        try:
            block = next(read)
        except StopIteration:
            return
        done += block.size if block else 0
        yield block
    yield from _spans_of(entry, done, size)


def _spans_of(entry: Input, start: int, size: int) -> Iterator[Block]:
    with open(entry.name, "rb") as file:
        end = os.fstat(file.fileno()).st_size
        for begin in range(start, end, size):
            span = Span(entry.name, identity(file), begin, min(begin + size, end))
            yield Block(entry, span, span.end - begin, span.end - begin)


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
