"""Inputs as numbered lines: files and stdin, streamed, whatever bytes they hold."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from segcli.delivery.fingerprint import Fingerprint, Mark
from segcli.errors import Stopped
from segcli.inputs import Input, ReadError, Stream, inputs, streams, total_size
from segcli.outcome import TooLong

__all__ = ["MAX_LINE", "Chunk", "Input", "chunks", "inputs", "total_size"]

MAX_LINE = 1024 * 1024

# Large enough that system calls do not count, small enough that the allocator reuses the memory.
_BLOCK = 64 * 1024
_HEAD_KEPT = 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines in a row, without their line breaks; the first one has number `first`.

    `size` is how many bytes they took, line breaks and all, and `stored` how many of those that
    were stored, which may be compressed, were read for them. `mark` is that of all that was read
    so far, if fingerprints are taken.
    """

    input: Input
    first: int
    lines: Sequence[bytes | TooLong]
    size: int
    stored: int
    mark: Mark | None = None


def chunks(
    found: Sequence[Input],
    max_line: int = MAX_LINE,
    fingerprint_of: Callable[[Input], Fingerprint] | None = None,
) -> Iterator[Chunk]:
    """Read the inputs one after the other; memory does not grow with their size.

    A line over `max_line` bytes comes as TooLong. The fingerprint of an input is asked for as it
    is opened, and fed with what is read. Raises InputError where an input is not what it was,
    Stopped where reading fails.
    """
    with closing(streams(found)) as in_turn:
        for entry, stream in in_turn:
            fingerprint = fingerprint_of(entry) if fingerprint_of else None
            yield from _chunks_of(entry, stream, max_line, fingerprint)


def _chunks_of(
    entry: Input, stream: Stream, max_line: int, fingerprint: Fingerprint | None
) -> Iterator[Chunk]:
    rest = _Rest(max_line)
    first, stored = 1, 0
    while block := _read(entry, stream, first):
        if fingerprint:
            fingerprint.update(block)
        head, *others = block.split(b"\n")
        if not others:
            rest.add(head)
            continue
        lines = [rest.end(head), *others[:-1]]
        size = rest.size_of_ended + sum(map(len, others[:-1])) + len(others)
        rest.add(others[-1])
        if max_line < _BLOCK:
            lines = [_bounded(line, max_line) for line in lines]
        mark = fingerprint.mark() if fingerprint else None
        yield Chunk(entry, first, lines, size, stream.stored - stored, mark)
        first, stored = first + len(lines), stream.stored
    if fingerprint:
        fingerprint.end()
    if rest.size:
        mark = fingerprint.mark(is_open=True) if fingerprint else None
        line = rest.end(b"")
        yield Chunk(entry, first, [line], rest.size_of_ended, stream.stored - stored, mark)


def _read(entry: Input, stream: Stream, line: int) -> bytes:
    """Return the next block; `line` is the first that has not been read to its end."""
    try:
        return stream.read1(_BLOCK)
    except OSError as error:
        hint = error.hint if isinstance(error, ReadError) else ""
        raise Stopped(f"{entry.title}:{line}: cannot be read on: {error.strerror}", hint) from None


def _bounded(line: bytes | TooLong, max_line: int) -> bytes | TooLong:
    if isinstance(line, TooLong) or len(line) <= max_line:
        return line
    return TooLong(len(line), line[:_HEAD_KEPT])


class _Rest:
    """The line that the last block began: its bytes up to the bound, beyond it their count."""

    def __init__(self, max_line: int) -> None:
        self.size = 0
        self.size_of_ended = 0
        self._max_line = max_line
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        within = self.size <= self._max_line
        self.size += len(part)
        if within:
            self._parts.append(part)
        if within and self.size > self._max_line:
            self._parts = [b"".join(self._parts)[:_HEAD_KEPT]]

    def end(self, part: bytes) -> bytes | TooLong:
        """Return the whole line and start over."""
        self.add(part)
        text = b"".join(self._parts)
        line = text if self.size <= self._max_line else TooLong(self.size, text)
        self.size_of_ended = self.size
        self.size, self._parts = 0, []
        return line
