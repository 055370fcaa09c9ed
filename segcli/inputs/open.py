"""Open inputs: streams of decompressed bytes."""

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    closing,
    contextmanager,
    nullcontext,
)
from typing import TYPE_CHECKING

from segcli.errors import InputError, SegcliError, Stopped
from segcli.inputs.decompress import Packing, Unpacked, packing_of
from segcli.inputs.input import Input
from segcli.inputs.local_file import PlainFile
from segcli.inputs.stream import Peeked, ReadError, Stream
from segcli.logs import INFO, EventLog, log_of

if TYPE_CHECKING:
    from segcli.inputs.download import ReadAhead

# Enough to recognize a compression, and to find damage at the start of a compressed input.
_BEGINNING = 16


@contextmanager
def open_input(entry: Input) -> Iterator[Stream]:
    """Open an input. Raises InputError if its first bytes cannot be read.

    The stream is decompressed. Its `read1` raises OSError if reading fails later.
    """
    with _reading_ahead([entry]) as ahead, _opened(entry, ahead, InputError) as stream:
        yield stream


def streams(found: Sequence[Input]) -> Generator[tuple[Input, Stream], None, None]:
    """Open inputs in order, like `open_input`.

    An input that `look` has opened is read on from there. Raises Stopped if an input cannot be read
    any more.
    """
    with _reading_ahead(found) as ahead:
        for entry in found:
            with _opened(entry, ahead, Stopped) as stream:
                yield entry, stream


def unpacked(stored: Stream) -> tuple[Peeked, Packing | None]:
    """Return the decompressed stream of a stored one, and its compression. Raises OSError."""
    packed = Peeked(stored)
    packing = packing_of(packed.peek_line(_BEGINNING))
    stream = Peeked(Unpacked(packed, packing)) if packing else packed
    stream.peek_line(_BEGINNING)
    return stream, packing


@contextmanager
def failing_as(failure: type[SegcliError], entry: Input) -> Iterator[None]:
    """Raise an error of this class if an input cannot be opened."""
    try:
        yield
    except OSError as error:
        hint = error.hint if isinstance(error, ReadError) else ""
        raise failure(f"{entry.title} cannot be read: {error.strerror}", hint) from None


@contextmanager
def stored_file(entry: Input) -> Iterator[PlainFile]:
    """Open a file on disk, or stdin, without decompressing it. Raises OSError."""
    own = entry.name != "-"
    with open(entry.name if own else sys.stdin.fileno(), "rb", closefd=own) as file:
        yield PlainFile(file)


def plain_file(stream: Stream) -> PlainFile | None:
    """Return the file that a stream reads unchanged; None if compressed, or not a file."""
    under = stream.under if isinstance(stream, Peeked) else stream
    return under if isinstance(under, PlainFile) else None


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
        stream: Stream
        packing = None
        with failing_as(failure, entry):
            if entry.opened:
                stream = stack.enter_context(entry.opened())
            else:
                stream, packing = unpacked(stack.enter_context(_stored(entry, ahead)))
        if log := log_of("inputs", INFO):
            _log_opened(log, entry, packing)
        yield stream


def _log_opened(log: EventLog, entry: Input, packing: Packing | None) -> None:
    size = "" if entry.size is None else f", {entry.size:,} bytes"
    facts = {"event": "input", "at": entry.title, "size": entry.size}
    log.write(INFO, f"reading {entry.title}{size}{f', {packing.name}' if packing else ''}", facts)


@contextmanager
def _stored(entry: Input, ahead: "ReadAhead | None") -> Iterator[Stream]:
    if entry.remote and ahead:
        with ahead.stream(entry.remote) as stream:
            yield stream
        return
    if entry.given:
        with entry.given() as stream:
            yield stream
        return
    with stored_file(entry) as file:
        yield file
