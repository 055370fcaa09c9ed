"""Read inputs as blocks of whole lines. Inputs are streamed and may hold any bytes."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from segcli.core.line import TooLong
from segcli.descriptors import can_read
from segcli.errors import Stopped
from segcli.inputs import Input, PlainFile, ReadError, Stream, plain_file, streams
from segcli.lines.fingerprint import Fingerprint, Mark
from segcli.lines.spans import LineBlock, PartialLine, Span, identity, is_named

MAX_LINE = 1024 * 1024

# Large enough that system calls cost little, small enough that the allocator reuses the memory.
BLOCK = 64 * 1024
FingerprintOf = Callable[[Input], Fingerprint]


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of an input in memory, a span of a file that is not read yet, or a line too long.

    input: the input.
    data: the lines.
    size: the bytes of the lines, with line breaks.
    stored: the bytes that were read for them from storage; fewer if the input is compressed.
    mark: how far the input has been read, if fingerprints are taken.
    """

    input: Input
    data: LineBlock | Span | TooLong
    size: int
    stored: int
    mark: Mark | None = None


class Unreadable(Exception):
    """Reading an input failed after the blocks that were yielded.

    input: the input.
    hint: what to do about it; may be empty.
    """

    def __init__(self, entry: Input, error: OSError) -> None:
        super().__init__(entry.title, error.strerror)
        self.input = entry
        self.hint, self._so_far = "", ""
        if isinstance(error, ReadError):
            self.hint, self._so_far = error.hint, error.so_far
        self._problem = f"could not be read past this point: {error.strerror or error}"

    def at(self, line: int) -> Stopped:
        """Return the error that stops the run. `line` is the first line not read to its end."""
        hint = " ".join(filter(None, (self.hint, self._so_far)))
        return Stopped(self.said_at(line), hint)

    def said_at(self, line: int) -> str:
        """Return a message with the place and the reason. `line` as in `at`."""
        return f"{self.input.title}:{line}: {self._problem}"


class LineCounter:
    """Counts the lines of each input from 1."""

    def __init__(self) -> None:
        self._place = -1
        self._next = 1

    def next_in(self, entry: Input) -> int:
        """Return the number of the next line, which belongs to this input."""
        if entry.place != self._place:
            self._place, self._next = entry.place, 1
        return self._next

    def count(self, lines: int) -> None:
        """Count this many lines of the current input."""
        self._next += lines


def blocks(
    found: Sequence[Input],
    max_line: int = MAX_LINE,
    *,
    size: int = BLOCK,
    fingerprint_of: FingerprintOf | None = None,
    in_spans: Callable[[], bool] | None = None,
) -> Iterator[Block | None]:
    """Read the inputs in order, in blocks of about `size` bytes.

    Memory does not grow with the inputs. A line over `max_line` bytes becomes a TooLong.
    `fingerprint_of` is called when an input is opened, and its fingerprint is updated with all
    bytes. As soon as `in_spans` returns True, an uncompressed file is yielded as spans, which the
    caller reads. Yields None before a read of stdin that may block. Raises InputError if an input
    has changed since an earlier run, and Unreadable if reading fails.
    """
    with closing(streams(found)) as opened:
        for entry, stream in opened:
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
    """Yield blocks, and then spans as soon as `in_spans` returns True."""
    done = 0
    # The reader of a span opens the file by its name, so the name must still lead to this file.
    while not (in_spans() and is_named(entry.name, file.file)):
        try:
            block = next(read)
        except StopIteration:
            return
        done += block.size if block else 0
        yield block
    yield from _spans_of(entry, file, done, size)


def _spans_of(entry: Input, file: PlainFile, start: int, size: int) -> Iterator[Block]:
    # The file may have grown. If it has become shorter, the reader of a span notices.
    end = max(file.size, os.fstat(file.file.fileno()).st_size)
    for begin in range(start, end, size):
        span = Span(entry.name, identity(file.file), begin, min(begin + size, end), end)
        yield Block(entry, span, span.end - begin, span.end - begin)


def _blocks_of(
    entry: Input, stream: Stream, partial: PartialLine, fingerprint: Fingerprint | None
) -> Iterator[Block | None]:
    stored = 0
    while True:
        if _may_block(entry):
            yield None
        read = _read(entry, stream, partial.wanted)
        if not read:
            break
        if fingerprint:
            fingerprint.update(read)
        mark = fingerprint.mark() if fingerprint else None
        for data, size in partial.ended_by(read):
            yield Block(entry, data, size, stream.stored - stored, mark)
            stored = stream.stored
    if fingerprint:
        fingerprint.end()
    if partial.size:
        mark = fingerprint.mark(is_open=True) if fingerprint else None
        size = partial.size
        yield Block(entry, partial.last(), size, stream.stored - stored, mark)


def _may_block(entry: Input) -> bool:
    return entry.name == "-" and not can_read([sys.stdin.fileno()], timeout=0)


def _read(entry: Input, stream: Stream, size: int) -> bytes:
    try:
        return stream.read1(size)
    except OSError as error:
        raise Unreadable(entry, error) from None
