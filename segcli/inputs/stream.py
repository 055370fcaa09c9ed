"""An input opened: a stream of its bytes, checked by the first of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import Protocol

from segcli.errors import InputError
from segcli.inputs.input import Input

_FOREIGN = (
    (b"\x1f\x8b", "is gzip", "gzip -dc {name} | segcli … -"),
    (b"\x28\xb5\x2f\xfd", "is Zstandard", "zstd -dc {name} | segcli … -"),
    (b"\xff\xfe", "is UTF-16 text", "iconv -f UTF-16 -t UTF-8 {name} | segcli … -"),
    (b"\xfe\xff", "is UTF-16 text", "iconv -f UTF-16 -t UTF-8 {name} | segcli … -"),
    (b"PK\x03\x04", "is a zip archive", "unzip -p {name} | segcli … -"),
)


class Stream(Protocol):
    """The bytes of an input, uncompressed; `stored` is how many of the stored ones they took."""

    stored: int

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end. Raises OSError."""
        ...


@contextmanager
def opened(entry: Input) -> Iterator[Stream]:
    """Open an input and check by its first bytes that it can be NDJSON; raises InputError."""
    try:
        own = entry.name != "-"
        file = open(entry.name if own else sys.stdin.fileno(), "rb", closefd=own)  # noqa: SIM115
    except OSError as error:
        raise InputError(f"{entry.title} cannot be read: {error.strerror}") from None
    with file:
        try:
            start = file.peek(16)
        except OSError as error:
            raise InputError(f"{entry.title} cannot be read: {error.strerror}") from None
        _check_start(entry, start)
        yield _File(file)


class _File:
    """A file that is stored as it is read."""

    __slots__ = ("_file", "stored")

    def __init__(self, file: BufferedReader) -> None:
        self.stored = 0
        self._file = file

    def read1(self, size: int, /) -> bytes:
        block = self._file.read1(size)
        self.stored += len(block)
        return block


def _check_start(entry: Input, start: bytes) -> None:
    for mark, what, command in _FOREIGN:
        if start.startswith(mark):
            raise InputError(
                f"{entry.title} {what}, not lines of JSON",
                f"Type: {command.format(name=entry.name)}",
            )
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"["):
        raise InputError(
            f"{entry.title} is a JSON array, not lines of JSON",
            f"Type: jq -c '.[]' {entry.name} | segcli … -",
        )
    if text.startswith((b"{\n", b"{\r\n")):
        raise InputError(
            f"{entry.title} holds JSON over several lines, not a line for each event",
            f"Type: jq -c . {entry.name} | segcli … -",
        )
