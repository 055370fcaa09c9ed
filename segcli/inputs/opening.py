"""Inputs opened: streams of their bytes, unpacked, and checked by the first of them."""

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from io import BufferedReader

from segcli.errors import InputError, SegcliError, Stopped
from segcli.inputs.compressed import Unpacked, packing_of
from segcli.inputs.input import Input
from segcli.inputs.start import LOOKED_AT, check_start
from segcli.inputs.stream import Peeked, ReadError, Stream


def opened(entry: Input) -> AbstractContextManager[Stream]:
    """Open an input and check by its first bytes that it can be NDJSON; raises InputError.

    What is read of it is unpacked. Its `read1` raises OSError where it cannot be read on.
    """
    return _opened(entry, InputError)


def streams(found: Sequence[Input]) -> Generator[tuple[Input, Stream], None, None]:
    """Open inputs one after the other, once they have been looked at, as `opened` does.

    Raises InputError for one that is no NDJSON, Stopped for one that cannot be read any more.
    """
    for entry in found:
        with _opened(entry, Stopped) as stream:
            yield entry, stream


@contextmanager
def _opened(entry: Input, failure: type[SegcliError]) -> Iterator[Stream]:
    with ExitStack() as stack:
        try:
            stream = _unpacked(entry, stack.enter_context(_stored(entry)))
        except OSError as error:
            hint = error.hint if isinstance(error, ReadError) else ""
            raise failure(f"{entry.title} cannot be read: {error.strerror}", hint) from None
        yield stream


@contextmanager
def _stored(entry: Input) -> Iterator[Stream]:
    own = entry.name != "-"
    with open(entry.name if own else sys.stdin.fileno(), "rb", closefd=own) as file:
        yield _File(file)


def _unpacked(entry: Input, stored: Stream) -> Stream:
    packed = Peeked(stored)
    packing = packing_of(packed.peek(LOOKED_AT))
    unpacked = Peeked(Unpacked(packed, packing)) if packing else packed
    check_start(entry, unpacked.peek(LOOKED_AT), packing)
    return unpacked


class _File:
    """A file as it is stored."""

    __slots__ = ("_file", "stored")

    def __init__(self, file: BufferedReader) -> None:
        self.stored = 0
        self._file = file

    def read1(self, size: int, /) -> bytes:
        block = self._file.read1(size)
        self.stored += len(block)
        return block
