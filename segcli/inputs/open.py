"""Inputs opened: streams of their bytes, unpacked, and checked by the first of them."""

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    closing,
    contextmanager,
    nullcontext,
)
from itertools import islice
from typing import TYPE_CHECKING

from segcli.errors import InputError, SegcliError, Stopped
from segcli.inputs.decompress import Unpacked, packing_of
from segcli.inputs.input import Input
from segcli.inputs.local_file import PlainFile
from segcli.inputs.sniff import LOOKED_AT, check_start
from segcli.inputs.stream import CutOffError, Peeked, ReadError, Stream

if TYPE_CHECKING:
    from segcli.inputs.download import ReadAhead


@contextmanager
def open_input(entry: Input) -> Iterator[Stream]:
    """Open an input and check by its first bytes that it can be NDJSON; raises InputError.

    What is read of it is unpacked. Its `read1` raises OSError where it cannot be read on.
    """
    with _reading_ahead([entry]) as ahead, _opened(entry, ahead, InputError) as stream:
        yield stream


def streams(found: Sequence[Input]) -> Generator[tuple[Input, Stream], None, None]:
    """Open inputs one after the other, once they have been looked at, as `open_input` does.

    Raises InputError for one that is no NDJSON, Stopped for one that cannot be read any more.
    """
    with _reading_ahead(found) as ahead:
        for entry in found:
            with _opened(entry, ahead, Stopped) as stream:
                yield entry, stream


def plain_file(stream: Stream) -> PlainFile | None:
    """Return the file on this machine that a stream reads as it is; None if it is another one."""
    under = stream.under if isinstance(stream, Peeked) else stream
    return under if isinstance(under, PlainFile) else None


def is_enough(entry: Input, start: bytes) -> bool:
    """Check an input by the bytes it begins with, and tell whether they were enough for that.

    Raises InputError as `open_input` does.
    """
    try:
        _unpacked(entry, _Bytes(start))
    except ReadError as error:
        is_whole = entry.size is not None and len(start) >= entry.size
        if isinstance(error, CutOffError) and not is_whole:
            return False
        raise InputError(f"{entry.title} cannot be read: {error.strerror}", error.hint) from None
    return True


def _reading_ahead(found: Sequence[Input]) -> "AbstractContextManager[ReadAhead | None]":
    """Fetch what lies in stores ahead; for files on disk nothing is even imported."""
    if not any(entry.remote for entry in found):
        return nullcontext()
    from segcli.inputs.download import ReadAhead  # noqa: PLC0415

    return closing(ReadAhead(found))


@contextmanager
def _opened(
    entry: Input, ahead: "ReadAhead | None", failure: type[SegcliError]
) -> Iterator[Stream]:
    with ExitStack() as stack:
        try:
            stored = stack.enter_context(_stored(entry, ahead))
            stream = _unpacked(entry, stored)
        except OSError as error:
            hint = error.hint if isinstance(error, ReadError) else ""
            raise failure(f"{entry.title} cannot be read: {error.strerror}", hint) from None
        yield stream


@contextmanager
def _stored(entry: Input, ahead: "ReadAhead | None") -> Iterator[Stream]:
    if entry.remote and ahead:
        with ahead.stream(entry.remote) as stream:
            yield stream
        return
    own = entry.name != "-"
    with open(entry.name if own else sys.stdin.fileno(), "rb", closefd=own) as file:
        yield PlainFile(file)


def _unpacked(entry: Input, stored: Stream) -> Stream:
    packed = Peeked(stored)
    packing = packing_of(packed.peek(LOOKED_AT))
    unpacked = Peeked(Unpacked(packed, packing)) if packing else packed
    check_start(entry, unpacked.peek(LOOKED_AT), packing)
    return unpacked


class _Bytes:
    """The beginning of an input, as a stream that ends there."""

    def __init__(self, data: bytes) -> None:
        self.stored = 0
        self._data = data

    def read1(self, size: int, /) -> bytes:
        block, self._data = self._data[:size], self._data[size:]
        self.stored += len(block)
        return block


_AT_ONCE = 16
_ASKED_AHEAD = 1000
# Enough for gzip; a Zstandard frame gives nothing before its first block is whole.
_LOOKED_AT = (16 * 1024, 256 * 1024)


def look_at(found: Sequence[Input]) -> None:
    """Raise InputError where a file that nobody has named cannot be read or is no NDJSON."""
    remote = False
    for entry in found:
        if entry.found_in and entry.remote:
            remote = True
        elif entry.found_in:
            look_at_one(entry)
    if remote:
        _look_at_all(entry for entry in found if entry.found_in and entry.remote)


def look_at_one(entry: Input) -> None:
    """Raise InputError where an input cannot be read or is no NDJSON."""
    if entry.remote is None:
        with open_input(entry):
            return
    from segcli.inputs.object_store import asking  # noqa: PLC0415  # not needed for files on disk

    with asking(entry.name, entry.remote.path):
        for size in _LOOKED_AT:
            if is_enough(entry, entry.remote.start(size)):
                return


def _look_at_all(remote: Iterator[Input]) -> None:
    """Look at several at once: each costs a journey. What is waited for takes memory too."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # not for files on disk

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while some := list(islice(remote, _ASKED_AHEAD)):
            for _ in pool.map(look_at_one, some):
                pass
