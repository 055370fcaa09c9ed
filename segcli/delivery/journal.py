"""The journal: remembers on disk what is settled, so that a stopped run can go on.

`segcli.delivery.past` has the format and reads it back.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from segcli.delivery.fingerprint import Mark
from segcli.delivery.past import Past, encode, mark_fields, name_of, sync_folder
from segcli.delivery.positions import ranges
from segcli.delivery.reading import Reading, open_lines
from segcli.delivery.rejects import Rejects
from segcli.delivery.settled import Line, Settled
from segcli.delivery.source import Input
from segcli.delivery.sync import GroupSync
from segcli.errors import OutputError, Stopped, UsageError

# What a settled line takes at most in the journal, as a record of its own.
_BYTES_A_LINE = 128
_RESERVED_AT_ONCE = 256 * 1024
_GROWS_BY = 16 * 1024 * 1024
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.EINVAL})


class Journal:
    """An append-only file of records, locked by one process, with room reserved ahead.

    What is sent has been promised room first, so a full disk stops the run before it sends what
    it could not account for. Zeros behind the last record are such room. `past` is what the
    file says at any moment; when it has grown long it is written anew, in few lines.
    """

    def __init__(self, path: Path, past: Past) -> None:
        """Begin a file of its own with what the past says.

        Raises OutputError where it cannot be written.
        """
        self.path = path
        self.past = past
        self._promised = 0
        try:
            self._begin()
        except OSError as error:
            raise OutputError(
                f"the journal {path} cannot be written: {error.strerror}",
                "Name another place for it: --journal PATH",
            ) from None

    def _begin(self) -> None:
        self._file, self._end = _replaced(self.path, self.past, self._promised)
        self._sync = GroupSync(self._file)
        self._room = self._end + self._promised
        self._long = self._end + _GROWS_BY

    @property
    def answered(self) -> int:
        """How many events earlier runs have had answers for."""
        return self.past.totals["delivered"] + self.past.totals["refused"]

    def begin(self, rejects: Rejects, inputs: Sequence[Input]) -> None:
        """Find out which lines a killed run has kept without getting to say so here."""
        places = {entry.title: entry.place for entry in inputs}
        rejects.leave_out_kept(
            self.rejects_since(rejects.path),
            lambda file, line: not self.past.is_settled(places.get(file, -1), line),
        )

    def readings(self, inputs: Sequence[Input], max_line: int) -> Iterator[Reading]:
        """Yield the lines that are not settled, of inputs that are what they were."""
        return open_lines(inputs, max_line, self.past)

    def promise(self, lines: int) -> None:
        """Reserve room for so many lines; raises Stopped where there is none."""
        self._promised += lines * _BYTES_A_LINE
        missing = self._end + self._promised - self._room
        if missing > 0:
            self._reserve(missing + _RESERVED_AT_ONCE)

    async def leaving(self, lines: Sequence[Line]) -> None:
        """What is sent and never answered is sent again: nothing has to be remembered."""

    def settle(self, settled: Settled) -> None:
        """Append what was settled, of lines that were promised room; raises Stopped.

        It survives this process when this returns, and the machine once `synced` has.
        """
        places: dict[int, list[int]] = {}
        for line in settled.lines:
            places.setdefault(line.place, []).append(line.number)
        lines = [(place, *found) for place, numbers in places.items() for found in ranges(numbers)]
        self._append({"state": settled.state, "lines": lines})
        self._promised -= len(settled.lines) * _BYTES_A_LINE

    def mark(self, place: int, mark: Mark) -> None:
        """Append how far an input has been read; before any line up to there is settled.

        A run that reads again what an earlier one has read does not take its mark back.
        """
        known = self.past.marks.get(place)
        if known and (known.to, known.is_open) >= (mark.to, mark.is_open):
            return
        self.promise(1)
        self._append({"marks": [mark_fields(place, mark)]})
        self._promised -= _BYTES_A_LINE

    def rejects_since(self, path: Path) -> int:
        """Return how large the rejects file was before these runs wrote to it.

        That is on disk when this returns: nothing is kept that a later run would not know of.
        """
        name = name_of(path)
        if name not in self.past.rejects:
            size = path.stat().st_size if path.exists() else 0
            self._append({"rejects": {name: size}}, on_disk=True)
        return self.past.rejects[name]

    async def synced(self) -> None:
        """Return when everything appended so far is on disk; raises Stopped where it cannot be."""
        try:
            await self._sync.synced()
        except OSError as error:
            raise self._failed(error) from None

    def end(self, *, finished: bool) -> None:
        """Leave the journal for `--resume`, or remove it where there is nothing to resume."""
        if finished or not self.past.is_worth_resuming:
            self.remove()
        else:
            self.close()

    def close(self) -> None:
        """Leave the journal for a later run."""
        os.close(self._file)

    def remove(self) -> None:
        """Remove the journal: there is nothing left to go on with."""
        self.path.unlink(missing_ok=True)
        self.close()

    def _append(self, record: Mapping[str, Any], *, on_disk: bool = False) -> None:
        line = encode(record)
        try:
            _write(self._file, line, self._end)
            self._end += len(line)
            self._room = max(self._room, self._end)
            self.past.apply(record)
            self._sync.wrote()
            if on_disk:
                os.fsync(self._file)
            if self._end > self._long:
                self._shorten()
        except OSError as error:
            raise self._failed(error) from None

    def _shorten(self) -> None:
        """Write anew what the past says; the long file will do where there is no room for both."""
        old, sync = self._file, self._sync
        try:
            self._begin()
        except OSError:
            if not _is_still_there(self.path, old):
                raise
            self._long = self._end + _GROWS_BY
            return
        sync.supersede(lambda: os.close(old))

    def _reserve(self, size: int) -> None:
        try:
            _take_room(self._file, self._room, size)
        except OSError as error:
            raise self._failed(error) from None
        self._room += size

    def _failed(self, error: OSError) -> Stopped:
        return Stopped(
            f"the journal {self.path} cannot be written: {error.strerror}",
            "Nothing more was sent. Make room, then go on.",
        )


def lock(path: Path, *, option: str = "--journal") -> int:
    """Open the file and lock it for this process; the lock goes with the process.

    Raises UsageError where another process holds it, otherwise OutputError or OSError.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OutputError(f"{option} {path} is no regular file", "Name a place for one.")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise UsageError(
                f"another segcli is running with {option} {path}",
                f"Wait for it to end, or name another one: {option} PATH",
            ) from None
        if _is_still_there(path, descriptor):
            return descriptor
        os.close(descriptor)


def _is_still_there(path: Path, descriptor: int) -> bool:
    """Tell whether the locked file was not removed or replaced before the lock was had."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _write(descriptor: int, data: bytes, position: int) -> None:
    """Write all of it; a disk that is nearly full takes a part without an error."""
    while data:
        written = os.pwrite(descriptor, data, position)
        data, position = data[written:], position + written


def _take_room(descriptor: int, position: int, size: int) -> None:
    """Take room on the disk, by writing zeros where system or file system has no other way."""
    try:
        os.posix_fallocate(descriptor, position, size)
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _UNSUPPORTED:
            raise
        _write(descriptor, bytes(size), position)


def _replaced(path: Path, past: Past, room: int) -> tuple[int, int]:
    """Put a new file in the place of the old one, whole, locked, and with room behind.

    Returns its descriptor and the end of what it says.
    """
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        content = b"".join(encode(record) for record in past.records())
        _write(descriptor, content, 0)
        if room:
            _take_room(descriptor, len(content), room)
        os.fsync(descriptor)
        new.replace(path)
        sync_folder(path.parent)
    except BaseException:
        os.close(descriptor)
        new.unlink(missing_ok=True)
        raise
    return descriptor, len(content)
