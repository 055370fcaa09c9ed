"""What a run reads of a pipe, for the page as well. The run never waits for the page."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from queue import SimpleQueue

from segcli.inputs import Input, ReadError, Stream

# The most bytes that wait for the page. It only counts lines, so it is faster than a run.
_MOST_WAITING = 16 * 1024 * 1024

_Opened = Callable[[], AbstractContextManager[Stream]]


def shared(inputs: Sequence[Input]) -> tuple[Sequence[Input], Sequence[Input]]:
    """Return the inputs for a run, and those for its page, which gets pipes as the run reads them.

    The page has no list of a pipe that was not looked at before the run.
    """
    if all(entry.can_be_read_again for entry in inputs):
        return inputs, inputs
    for_run, for_page = [], []
    for entry in inputs:
        if entry.can_be_read_again:
            for_run.append(entry)
            for_page.append(entry)
        elif entry.opened:
            copy = _Copy()
            for_run.append(replace(entry, opened=_copied(entry.opened, copy)))
            for_page.append(replace(entry, opened=_reading(copy)))
        else:
            for_run.append(entry)
    return for_run, for_page


class _Copy:
    """Blocks of bytes on their way from the run to the page; each side has one thread."""

    def __init__(self) -> None:
        self._blocks: SimpleQueue[bytes] = SimpleQueue()
        self._given = self._taken = 0
        self._is_cut = False

    def give(self, block: bytes) -> None:
        """Hand on a block; never waits. If the page is too far behind, this copy ends here."""
        if self._is_cut:
            return
        if self._given - self._taken + len(block) > _MOST_WAITING:
            self._is_cut = True
            block = b""
        self._given += len(block)
        self._blocks.put(block)

    def take(self) -> bytes:
        """Return the next block, when there is one; none at the end. Raises ReadError."""
        block = self._blocks.get()
        self._taken += len(block)
        if not block and self._is_cut:
            raise ReadError("the page lists only its first lines, because the run is faster")
        return block


class _SourceStream:
    """A stream that hands on what it reads."""

    def __init__(self, stream: Stream, copy: _Copy) -> None:
        self._stream = stream
        self._copy = copy

    @property
    def stored(self) -> int:
        """The bytes that were read from storage."""
        return self._stream.stored

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end. Raises OSError."""
        block = self._stream.read1(size)
        if block:
            self._copy.give(block)
        return block


class _CopyStream:
    """A stream of what another one has read. Its blocks are as large as they come."""

    def __init__(self, copy: _Copy) -> None:
        self.stored = 0
        self._copy = copy

    def read1(self, _size: int, /) -> bytes:
        """Return the next bytes; none at the end. Raises ReadError."""
        block = self._copy.take()
        self.stored += len(block)
        return block


def _copied(opened: _Opened, copy: _Copy) -> _Opened:
    @contextmanager
    def giving() -> Iterator[Stream]:
        try:
            with opened() as stream:
                yield _SourceStream(stream, copy)
        finally:
            copy.give(b"")

    return giving


def _reading(copy: _Copy) -> _Opened:
    @contextmanager
    def taking() -> Iterator[Stream]:
        yield _CopyStream(copy)

    return taking
