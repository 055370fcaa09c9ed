"""Open inputs: streams of decompressed bytes, checked by their first bytes."""

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

_THREADS = 16
# How many objects are checked at a time; their futures need memory.
_GROUP = 1000
# How many first bytes of an object are fetched. The first size is enough for gzip. A Zstandard
# frame gives nothing before its first block is complete.
_START_SIZES = (16 * 1024, 256 * 1024)


@contextmanager
def open_input(entry: Input) -> Iterator[Stream]:
    """Open an input and check by its first bytes that it can be NDJSON. Raises InputError.

    The stream is decompressed. Its `read1` raises OSError if reading fails later.
    """
    with _reading_ahead([entry]) as ahead, _opened(entry, ahead, InputError) as stream:
        yield stream


def streams(found: Sequence[Input]) -> Generator[tuple[Input, Stream], None, None]:
    """Open inputs in order, like `open_input`. The inputs were checked before by `look_at`.

    Raises InputError for an input that is not NDJSON, and Stopped if it cannot be read any more.
    """
    with _reading_ahead(found) as ahead:
        for entry in found:
            with _opened(entry, ahead, Stopped) as stream:
                yield entry, stream


def plain_file(stream: Stream) -> PlainFile | None:
    """Return the file that a stream reads unchanged; None if compressed, or not a file."""
    under = stream.under if isinstance(stream, Peeked) else stream
    return under if isinstance(under, PlainFile) else None


def is_enough(entry: Input, start: bytes) -> bool:
    """Check an input by its first bytes. False if more bytes are needed for the check.

    Raises InputError, like `open_input`.
    """
    try:
        _unpacked(entry, _Bytes(start))
    except ReadError as error:
        is_whole = entry.size is not None and len(start) >= entry.size
        if isinstance(error, CutOffError) and not is_whole:
            return False
        raise InputError(f"{entry.title} cannot be read: {error.strerror}", error.hint) from None
    return True


def look_at(found: Sequence[Input]) -> None:
    """Raise InputError if a file that was not named itself is unreadable or not NDJSON."""
    remote = False
    for entry in found:
        if entry.found_in and entry.remote:
            remote = True
        elif entry.found_in:
            look_at_one(entry)
    if remote:
        _look_at_all(entry for entry in found if entry.found_in and entry.remote)


def look_at_one(entry: Input) -> None:
    """Raise InputError if an input is unreadable or not NDJSON."""
    if entry.remote is None:
        with open_input(entry):
            return
    from segcli.inputs.object_store import asking  # noqa: PLC0415  # not needed for files on disk

    with asking(entry.name, entry.remote.path):
        for size in _START_SIZES:
            if is_enough(entry, entry.remote.start(size)):
                return


def _reading_ahead(found: Sequence[Input]) -> "AbstractContextManager[ReadAhead | None]":
    """Fetch objects of stores ahead. For files on disk, nothing is imported."""
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
    """The first bytes of an input, as a stream."""

    def __init__(self, data: bytes) -> None:
        self.stored = 0
        self._data = data

    def read1(self, size: int, /) -> bytes:
        block, self._data = self._data[:size], self._data[size:]
        self.stored += len(block)
        return block


def _look_at_all(remote: Iterator[Input]) -> None:
    """Check objects in several threads, because each needs a round trip to the store."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # not for files on disk

    with ThreadPoolExecutor(_THREADS) as pool:
        while group := list(islice(remote, _GROUP)):
            for _ in pool.map(look_at_one, group):
                pass
