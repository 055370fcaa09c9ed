"""Inputs as blocks of whole lines: files and stdin, streamed, whatever bytes they hold."""

import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from segcli.core.line import TooLong
from segcli.errors import Stopped
from segcli.inputs import Input, PlainFile, ReadError, Stream, plain_file, streams
from segcli.lines.fingerprint import Fingerprint, Mark
from segcli.lines.spans import LineBlock, PartialLine, Span, identity, is_named

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
    data: LineBlock | Span | TooLong
    size: int
    stored: int
    mark: Mark | None = None


class Unreadable(Exception):
    """An input cannot be read on, behind the blocks that have come of it; `hint` may help."""

    def __init__(self, entry: Input, error: OSError) -> None:
        super().__init__(entry.title, error.strerror)
        self.input = entry
        self.hint, self._so_far = "", ""
        if isinstance(error, ReadError):
            self.hint, self._so_far = error.hint, error.so_far
        self._problem = f"cannot be read on: {error.strerror}"

    def at(self, line: int) -> Stopped:
        """Return what stops the run; `line` is the first that was not read to its end."""
        hint = " ".join(filter(None, (self.hint, self._so_far)))
        return Stopped(self.said_at(line), hint)

    def said_at(self, line: int) -> str:
        """Say where reading failed, and why."""
        return f"{self.input.title}:{line}: {self._problem}"


class LineCounter:
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
            read = _blocks_of(entry, stream, PartialLine(max_line, size), fingerprint)
            file = plain_file(stream) if entry.can_be_read_again else None
            if in_spans and file:
                yield from _with_spans(entry, file, read, in_spans, size)
            else:
                yield from read


def _with_spans(
    entry: Input,
    file: PlainFile,
    read: Iterator[Block | None],
    in_spans: Callable[[], bool],
    size: int,
) -> Iterator[Block | None]:
    """Yield blocks that are read, and spans instead as soon as they are wanted."""
    done = 0
    # Whoever reads a span opens the file anew, by its name.
    while not (in_spans() and is_named(entry.name, file.file)):
        try:
            block = next(read)
        except StopIteration:
            return
        done += block.size if block else 0
        yield block
    yield from _spans_of(entry, file, done, size)


def _spans_of(entry: Input, file: PlainFile, start: int, size: int) -> Iterator[Block]:
    # It may have grown. What it has lost since it was opened, whoever reads a span misses.
    end = max(file.size, os.fstat(file.file.fileno()).st_size)
    for begin in range(start, end, size):
        span = Span(entry.name, identity(file.file), begin, min(begin + size, end), end)
        yield Block(entry, span, span.end - begin, span.end - begin)


def _blocks_of(
    entry: Input, stream: Stream, rest: PartialLine, fingerprint: Fingerprint | None
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
