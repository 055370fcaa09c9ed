"""Inputs opened: streams of their bytes, unpacked."""

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

if TYPE_CHECKING:
    from segcli.inputs.download import ReadAhead

# Enough to tell a packing, and to find out that a packed input is damaged from the start.
_BEGINNING = 16


@contextmanager
def open_input(entry: Input) -> Iterator[Stream]:
    """Open an input; raises InputError where not even its first bytes can be read.

    What is read of it is unpacked. Its `read1` raises OSError where it cannot be read on.
    """
    with _reading_ahead([entry]) as ahead, _opened(entry, ahead, InputError) as stream:
        yield stream


def streams(found: Sequence[Input]) -> Generator[tuple[Input, Stream], None, None]:
    """Open inputs one after the other, as `open_input` does.

    What `look` has opened is read on from there. Raises Stopped for one that cannot be read any
    more.
    """
    with _reading_ahead(found) as ahead:
        for entry in found:
            with _opened(entry, ahead, Stopped) as stream:
                yield entry, stream


def unpacked(stored: Stream) -> tuple[Peeked, Packing | None]:
    """Return a stream of what is stored, unpacked, and how it is packed; raises OSError."""
    packed = Peeked(stored)
    packing = packing_of(packed.peek_line(_BEGINNING))
    stream = Peeked(Unpacked(packed, packing)) if packing else packed
    stream.peek_line(_BEGINNING)
    return stream, packing


@contextmanager
def failing_as(failure: type[SegcliError], entry: Input) -> Iterator[None]:
    """Raise such an error where an input cannot be opened."""
    try:
        yield
    except OSError as error:
        hint = error.hint if isinstance(error, ReadError) else ""
        raise failure(f"{entry.title} cannot be read: {error.strerror}", hint) from None


@contextmanager
def stored_file(entry: Input) -> Iterator[PlainFile]:
    """Open a file of this machine, or stdin, as it is stored; raises OSError."""
    own = entry.name != "-"
    with open(entry.name if own else sys.stdin.fileno(), "rb", closefd=own) as file:
        yield PlainFile(file)


def plain_file(stream: Stream) -> PlainFile | None:
    """Return the file on this machine that a stream reads as it is; None if it is another one."""
    under = stream.under if isinstance(stream, Peeked) else stream
    return under if isinstance(under, PlainFile) else None


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
        stream: Stream
        with failing_as(failure, entry):
            if entry.opened:
                stream = stack.enter_context(entry.opened())
            else:
                stream, _ = unpacked(stack.enter_context(_stored(entry, ahead)))
        yield stream


@contextmanager
def _stored(entry: Input, ahead: "ReadAhead | None") -> Iterator[Stream]:
    if entry.remote and ahead:
        with ahead.stream(entry.remote) as stream:
            yield stream
        return
    with stored_file(entry) as file:
        yield file
