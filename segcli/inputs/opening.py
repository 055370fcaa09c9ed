"""An input opened: a stream of its bytes, unpacked, and checked by the first of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader

from segcli.errors import InputError
from segcli.inputs.compressed import Unpacked, packing_of
from segcli.inputs.input import Input
from segcli.inputs.start import LOOKED_AT, check_start
from segcli.inputs.stream import Peeked, Stream


@contextmanager
def opened(entry: Input) -> Iterator[Stream]:
    """Open an input and check by its first bytes that it can be NDJSON; raises InputError.

    What is read of it is unpacked. Its `read1` raises OSError where it cannot be read on.
    """
    try:
        own = entry.name != "-"
        file = open(entry.name if own else sys.stdin.fileno(), "rb", closefd=own)  # noqa: SIM115
    except OSError as error:
        raise _unreadable(entry, error) from None
    with file:
        yield _unpacked(entry, _File(file))


def _unpacked(entry: Input, stored: Stream) -> Stream:
    try:
        packed = Peeked(stored)
        packing = packing_of(packed.peek(LOOKED_AT))
        unpacked = Peeked(Unpacked(packed, packing)) if packing else packed
        check_start(entry, unpacked.peek(LOOKED_AT), packing)
    except OSError as error:
        raise _unreadable(entry, error) from None
    return unpacked


def _unreadable(entry: Input, error: OSError) -> InputError:
    return InputError(f"{entry.title} cannot be read: {error.strerror}")


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
