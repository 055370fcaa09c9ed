"""Inputs as numbered lines: files and stdin, streamed, whatever bytes they hold."""

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from segcli.delivery.fingerprint import Fingerprint, Mark
from segcli.errors import InputError, Stopped
from segcli.outcome import TooLong

MAX_LINE = 1024 * 1024

# Large enough that system calls do not count, small enough that the allocator reuses the memory.
_BLOCK = 64 * 1024
_HEAD_KEPT = 1024

_FOREIGN = (
    (b"\x1f\x8b", "is gzip", "gzip -dc {name} | segcli … -"),
    (b"\x28\xb5\x2f\xfd", "is Zstandard", "zstd -dc {name} | segcli … -"),
    (b"\xff\xfe", "is UTF-16 text", "iconv -f UTF-16 -t UTF-8 {name} | segcli … -"),
    (b"\xfe\xff", "is UTF-16 text", "iconv -f UTF-16 -t UTF-8 {name} | segcli … -"),
    (b"PK\x03\x04", "is a zip archive", "unzip -p {name} | segcli … -"),
)


@dataclass(frozen=True, slots=True)
class Input:
    """One input: `-` is stdin, anything else a path. `size` is None where it cannot be known.

    `place` is its own among the inputs, from 0 on.
    """

    name: str
    size: int | None
    place: int = 0

    @property
    def title(self) -> str:
        """Its name in messages and records: text, whatever bytes the file's name holds."""
        if self.name == "-":
            return "stdin"
        return os.fsencode(self.name).decode(errors="backslashreplace")

    @property
    def can_be_read_again(self) -> bool:
        """Tell whether it is a file of its own, not something that flows in once."""
        return self.name != "-" and self.size is not None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines in a row, without their line breaks; the first one has number `first`.

    `size` is how many bytes of the input they took, line breaks and all. `mark` is that of all
    that was read so far, if fingerprints are taken.
    """

    input: Input
    first: int
    lines: Sequence[bytes | TooLong]
    size: int
    mark: Mark | None = None


def inputs(names: Sequence[str]) -> list[Input]:
    """Look at every input before anything is read of it.

    Raises InputError for what is missing, a folder, unreadable, given twice, or no NDJSON.
    """
    names = names or ["-"]
    _check_once(names)
    return [
        _stdin(place) if name == "-" else _file(name, place) for place, name in enumerate(names)
    ]


def total_size(found: Sequence[Input]) -> int | None:
    """Return the bytes of all inputs; None where one of them does not tell."""
    sizes = [entry.size for entry in found]
    return None if None in sizes else sum(size or 0 for size in sizes)


def chunks(
    found: Sequence[Input],
    max_line: int = MAX_LINE,
    fingerprints: Sequence[Fingerprint] | None = None,
) -> Iterator[Chunk]:
    """Read the inputs one after the other; memory does not grow with their size.

    A line over `max_line` bytes comes as TooLong. `fingerprints` (one an input) are fed with what
    is read. Raises InputError where an input is not what it was, Stopped where reading fails.
    """
    for place, entry in enumerate(found):
        with _open(entry) as stream:
            fingerprint = fingerprints[place] if fingerprints else None
            yield from _chunks_of(entry, stream, max_line, fingerprint)


def _check_once(names: Sequence[str]) -> None:
    """Raise InputError where two names are one file, however they are spelled."""
    places = set()
    for name in names:
        place = name if name == "-" else os.path.realpath(name)
        if place in places:
            raise InputError(f"{name} is given twice", "Its events would be sent twice.")
        places.add(place)


def _stdin(place: int) -> Input:
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(
            "there is no input", "Name a file, or pipe events in: cat events.jsonl | segcli …"
        )
    status = os.fstat(sys.stdin.fileno())
    return Input("-", status.st_size if stat.S_ISREG(status.st_mode) else None, place)


def _file(name: str, place: int) -> Input:
    path = Path(name)
    if path.is_dir():
        raise InputError(f"{name} is a folder", f"Name its files: {name.rstrip('/')}/*.jsonl")
    if not path.exists():
        raise InputError(f"{name} does not exist", _nearby(path))
    entry = Input(name, path.stat().st_size if path.is_file() else None, place)
    if path.is_file():
        _open(entry).close()
    return entry


def _nearby(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist either."
    found = sorted(str(other) for other in folder.glob("*json*") if other.is_file())[:5]
    return f"There are: {', '.join(found)}" if found else f"{folder} holds no JSON files."


def _open(entry: Input) -> BufferedReader:
    """Open an input and check by its first bytes that it can be NDJSON."""
    try:
        own = entry.name != "-"
        stream = open(entry.name if own else sys.stdin.fileno(), "rb", closefd=own)  # noqa: SIM115
    except OSError as error:
        raise InputError(f"{entry.title} cannot be read: {error.strerror}") from None
    try:
        _check_start(entry, stream.peek(16))
    except OSError as error:
        stream.close()
        raise InputError(f"{entry.title} cannot be read: {error.strerror}") from None
    except BaseException:
        stream.close()
        raise
    return stream


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


def _chunks_of(
    entry: Input, stream: BufferedReader, max_line: int, fingerprint: Fingerprint | None
) -> Iterator[Chunk]:
    rest = _Rest(max_line)
    first = 1
    while block := _read(entry, stream):
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
        yield Chunk(entry, first, lines, size, fingerprint.mark() if fingerprint else None)
        first += len(lines)
    if fingerprint:
        fingerprint.end()
    if rest.size:
        mark = fingerprint.mark(is_open=True) if fingerprint else None
        yield Chunk(entry, first, [rest.end(b"")], rest.size_of_ended, mark)


def _read(entry: Input, stream: BufferedReader) -> bytes:
    try:
        return stream.read1(_BLOCK)
    except OSError as error:
        raise Stopped(f"{entry.title} cannot be read on: {error.strerror}") from None


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
