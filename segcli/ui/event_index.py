"""Where each line of the inputs begins, so that any page of events can be read at once.

The index has eight bytes a line and holds no events. An input that cannot be read at any place,
such as a compressed file or stdin, is unpacked once into a private file without a name.
"""

import os
import tempfile
import threading
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from segcli.accounting.atomic_write import write_all
from segcli.core.line import TooLong
from segcli.errors import SegcliError
from segcli.inputs import Input, open_input, plain_file
from segcli.inputs.stream import shortened

_BLOCK = 1024 * 1024
# The bytes that are kept of a line that is too long.
_HEAD = 200
# Bytes that stay free on the disk, if it is large: else a twentieth of it.
_SPARED = 1024**3
# Seconds that a thread needs to see that it should end.
_MOMENT = 1.0


@dataclass(frozen=True, slots=True)
class IndexedLine:
    """A line of an input.

    file: the name of the input.
    number: the number of the line in it, from 1.
    text: the line without its line break.
    path: the path of the file where it stands as it is; "" for one that was unpacked or piped in.
    """

    file: str
    number: int
    text: bytes | TooLong
    path: str = ""


@dataclass(slots=True)
class _File:
    """An input that can be read at any place.

    path: its path if its lines stand there as they are; else "".
    ends: where each line ends, with its line break. The next one begins there.
    size: the bytes that were read, which may hold the beginning of one more line.
    """

    title: str
    file: IO[bytes]
    path: str = ""
    ends: "array[int]" = field(default_factory=lambda: array("Q"))
    size: int = 0

    def begin(self, number: int) -> int:
        """Return where a line begins."""
        return self.ends[number - 1] if number else 0

    def add(self, block: bytes) -> None:
        """Add the lines that end in a block."""
        begin = 0
        found = []
        while (at := block.find(b"\n", begin)) >= 0:
            begin = at + 1
            found.append(self.size + begin)
        self.size += len(block)
        self.ends.extend(found)

    def complete(self) -> None:
        """Add a last line without a line break, if there is one."""
        if self.size > self.begin(len(self.ends)):
            self.ends.append(self.size)

    def read(self, begin: int, end: int) -> bytes:
        """Read a part of the file; raises OSError if the file has become shorter."""
        block = os.pread(self.file.fileno(), end - begin, begin)
        if len(block) < end - begin:
            raise shortened()
        return block


class EventIndex:
    """The lines of all inputs, numbered from 0. They may still be counted.

    is_complete: whether all lines are counted.
    problem: why some lines are not there; empty if all are.
    """

    def __init__(self, inputs: Sequence[Input], *, max_line: int, max_unpacked: int) -> None:
        self.is_complete = False
        self.problem = ""
        self._inputs = inputs
        self._max_line = max_line
        self._max_unpacked = self._left = max_unpacked
        self._files: list[_File] = []
        self._is_closed = False
        self._thread = threading.Thread(target=self._index, name="segcli-index", daemon=True)

    def start(self) -> None:
        """Begin to count the lines, in a thread."""
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Return when all lines are counted, or after this long."""
        self._thread.join(seconds)

    def close(self) -> None:
        """Count no further, and close the files: what was unpacked is gone with them.

        A thread that waits for a pipe keeps its file until the process ends.
        """
        self._is_closed = True
        self._thread.join(_MOMENT)
        if not self._thread.is_alive():
            for file in self._files:
                file.file.close()

    def __len__(self) -> int:
        return sum(len(file.ends) for file in list(self._files))

    def counts(self) -> list[tuple[str, int]]:
        """Return the name of each input that is indexed, and how many lines of it are."""
        return [(file.title, len(file.ends)) for file in list(self._files)]

    def lines(self, first: int, count: int) -> Iterator[IndexedLine]:
        """Yield lines from a number on, at most `count`; fewer at the end.

        Raises OSError if a file has become shorter.
        """
        for file in list(self._files):
            known = len(file.ends)
            if first < known and count > 0:
                stop = min(first + count, known)
                yield from self._lines_of(file, first, stop)
                count -= stop - first
                first = stop
            first -= known

    def _lines_of(self, file: _File, first: int, stop: int) -> Iterator[IndexedLine]:
        """Yield lines of a file; those that fit into a block are read together."""
        while first < stop:
            begin = file.begin(first)
            last = max(first + 1, bisect_right(file.ends, begin + _BLOCK, first, stop))
            if last == first + 1:
                text = self._line(file, begin, file.ends[first])
                yield IndexedLine(file.title, first + 1, text, file.path)
            else:
                block = file.read(begin, file.ends[last - 1])
                for number in range(first, last):
                    text = self._limited(
                        block[file.begin(number) - begin : file.ends[number] - begin]
                    )
                    yield IndexedLine(file.title, number + 1, text, file.path)
            first = last

    def _line(self, file: _File, begin: int, end: int) -> bytes | TooLong:
        if end - begin > self._max_line + len(b"\r\n"):
            return TooLong(end - begin - 1, file.read(begin, begin + _HEAD))
        return self._limited(file.read(begin, end))

    def _limited(self, text: bytes) -> bytes | TooLong:
        text = text.removesuffix(b"\n").removesuffix(b"\r")
        return TooLong(len(text), text[:_HEAD]) if len(text) > self._max_line else text

    def _index(self) -> None:
        for entry in self._inputs:
            try:
                self._index_input(entry)
            except (OSError, SegcliError) as error:
                reason = error.strerror if isinstance(error, OSError) else error.message
                self.problem = f"{entry.title}: {reason}"
            if self._is_closed or self.problem:
                break
        self.is_complete = True

    def _index_input(self, entry: Input) -> None:
        with open_input(entry) as stream:
            plain = plain_file(stream) if entry.can_be_read_again else None
            # A descriptor of its own: the input is closed once it is indexed.
            file = (
                _File(entry.title, _same(plain.file), entry.name)
                if plain
                else _File(entry.title, _private_file())
            )
            self._files.append(file)
            while not self._is_closed and (block := stream.read1(_BLOCK)):
                part = block if plain else self._unpack(block, file.file)
                file.add(part)
                if len(part) < len(block):
                    return
            file.complete()

    def _unpack(self, block: bytes, kept: IO[bytes]) -> bytes:
        """Write a block to the private file, as far as it may grow; return what was written."""
        if _is_nearly_full(kept):
            self.problem = "the rest is not listed: the disk for temporary files is nearly full"
            return b""
        part = block[: self._left]
        self._left -= len(part)
        if len(part) < len(block):
            self.problem = (
                f"only the first {self._max_unpacked:,} bytes are unpacked; --max-unpacked SIZE "
                "allows more"
            )
        write_all(kept.fileno(), part)
        return part


def _same(file: IO[bytes]) -> IO[bytes]:
    return os.fdopen(os.dup(file.fileno()), "rb")


def _private_file() -> IO[bytes]:
    """Return a new file of mode 0600 without a name, so that no other process can open it."""
    return tempfile.TemporaryFile(buffering=0)


def _is_nearly_full(file: IO[bytes]) -> bool:
    """Return whether so little is free that a run on this machine may need it."""
    disk = os.fstatvfs(file.fileno())
    return disk.f_bavail * disk.f_frsize < min(_SPARED, disk.f_blocks * disk.f_frsize // 20)
