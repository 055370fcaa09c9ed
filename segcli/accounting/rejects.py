"""The rejects file: every refused and rejected event, so that a person can repair and resend it."""

import base64
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import orjson

from segcli.accounting.atomic_write import is_stream, open_to_append, write_all
from segcli.core.exact_json import loads, with_replaced_surrogates
from segcli.core.line import ActionFailure, Line, RefusalDetails, Result, TooLong
from segcli.core.reject_record import original, record_in
from segcli.errors import OutputError, Stopped, UsageError, unwritable_at_start

if TYPE_CHECKING:
    from segcli.accounting.group_commit import GroupSync

_RECORD_START = b'{"file":'
_MAY_HAVE_ACTIONS = b'"actions"'
# Identifies a record: the file and the line it is about, and a hash of the content it holds.
_RecordKey: TypeAlias = tuple[str, int, int]
# Seconds to wait for the lock of another process.
_LOCK_TIMEOUT = 10.0
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
_NOT_LOST = "Nothing is lost: lines that are not in it count as unsent."
# For commands that send nothing.
MAKE_ROOM = "Free some disk space, or name another file: --rejects PATH"


class RejectStore(Protocol):
    """Where the rejected and refused lines of a run are kept."""

    def keep(self, settled: Result) -> None:
        """Keep the lines of a result. Raises Stopped if that fails."""
        ...

    async def synced(self) -> None:
        """Return when everything that is kept survives a loss of power. Raises Stopped."""
        ...

    def close(self) -> None:
        """Keep no more."""
        ...


class Rejects:
    """An NDJSON file with a record for each rejected line. It is only appended to.

    The file is created with its first record. `segcli send` reads such a file as input. Raises
    UsageError or OutputError if the file could not be written.

    path: the file.
    hint: what to say if a record cannot be written.
    """

    def __init__(self, path: Path, hint: str = _NOT_LOST) -> None:
        self.path = path
        self.hint = hint
        self._file: FileIO | None = None
        self._sync: GroupSync | None = None
        self._already_written: set[_RecordKey] = set()
        check_writable(path)
        if is_stream(path):
            self._file = _open_stream(path)

    def skip_already_written(self, since: int, is_open: Callable[[str, int], bool]) -> None:
        """Do not write records again that a killed run wrote after this position.

        The killed run may have written records of lines that the journal still has as open, and a
        torn record at the end, which is cut off. Other runs and people may have written to the file
        too: their lines stay. The file is on disk when this returns. Raises Stopped.
        """
        if not self._is_file:
            return
        with self.path.open("r+b") as file:
            end = file.seek(since)
            for text in file:
                key = _key_of(text)
                if key and is_open(key[0], key[1]):
                    self._already_written.add(key)
                elif _is_torn(text):
                    _cut_if_torn(file.fileno(), end)
                end += len(text)
        self._put_on_disk()

    def restore(self, records: Iterable[str], since: int) -> None:
        """Append records of earlier runs, except those that the file has after this position.

        They are on disk when this returns. Raises Stopped.
        """
        known: set[_RecordKey | None] = set()
        if self._is_file:
            with self.path.open("rb") as file:
                file.seek(since)
                known.update(map(_key_of, file))
        for record in (record.encode() + b"\n" for record in records):
            if _key_of(record) not in known:
                self.append([record])
        self._put_on_disk()

    def append(self, records: Sequence[bytes]) -> None:
        """Append whole records, each with a line break. Raises Stopped."""
        try:
            if self._file is None:
                self._file = open_to_append(self.path)
            with _locked(self._file.fileno()):
                _end_torn_line(self._file)
                write_all(self._file.fileno(), b"".join(records))
        except OSError as error:
            raise self._failed(error) from None

    def keep(self, settled: Result) -> None:
        """Append the lines of a result. They survive a kill once this returns.

        Raises Stopped if they cannot be written, for example on a full disk.
        """
        lines = [
            (line, place)
            for place, line in enumerate(settled.lines)
            if not self._is_already_written(line)
        ]
        if not lines:
            return
        self.append([_record(line, place, settled) for line, place in lines])

    async def synced(self) -> None:
        """Return when all records written so far are on disk. Raises Stopped if that fails."""
        # Imported here: `transform` writes rejects too, and must not load asyncio.
        from segcli.accounting.group_commit import GroupSync  # noqa: PLC0415

        # A stream (a pipe or a device) has no disk to wait for.
        if self._file is None or not self._file.readable():
            return
        self._sync = self._sync or GroupSync(self._file.fileno())
        self._sync.wrote()
        try:
            await self._sync.synced()
        except OSError as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Close the file; it may never have been opened."""
        if self._file:
            self._file.close()

    @property
    def _is_file(self) -> bool:
        """Whether the rejects are in a file that exists, not in a pipe or a device."""
        return not is_stream(self.path) and os.path.exists(self.path)

    def _put_on_disk(self) -> None:
        """Put on disk what a killed run wrote too: its records are not written again."""
        if not self._is_file:
            return
        try:
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
        except OSError as error:
            raise self._failed(error) from None

    def _is_already_written(self, line: Line) -> bool:
        if not self._already_written:
            return False
        key = (line.file, line.number, hash(orjson.dumps(_content(line))[1:]))
        is_known = key in self._already_written
        self._already_written.discard(key)
        return is_known

    def _failed(self, error: OSError) -> Stopped:
        return Stopped(
            f"the rejects file {self.path} cannot be written: {error.strerror}",
            self.hint,
        )


def records_of(settled: Result) -> list[bytes]:
    """Return the records of the lines of a result, each with a line break."""
    return [_record(line, place, settled) for place, line in enumerate(settled.lines)]


def size_of(path: Path) -> int:
    """Return the size of a rejects file in bytes; 0 for a stream, and if there is no file."""
    return 0 if is_stream(path) or not os.path.exists(path) else os.path.getsize(path)


def check_writable(path: Path) -> None:
    """Raise UsageError unless a rejects file can be written there, OutputError for a full disk.

    A read-only disk counts as a full one: the same command is right once the disk is.
    """
    # os.path, not pathlib: these calls do not raise if the folder is not readable.
    exists, is_folder = os.path.exists(path), os.path.isdir(path)
    if is_folder or not os.access(path if exists else path.parent, os.W_OK):
        kind = OutputError if _is_on_read_only_disk(path.parent) else UsageError
        raise kind(
            f"the rejects file {path} cannot be written", "Name another file: --rejects PATH"
        )


def _is_on_read_only_disk(folder: Path) -> bool:
    with suppress(OSError):
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    return False


def _open_stream(path: Path) -> FileIO:
    """Open a stream before the run begins: opening a pipe waits for its reader."""
    try:
        return open_to_append(path)
    except OSError as error:
        raise unwritable_at_start(
            f"the rejects file {path} cannot be written: {error.strerror}",
            "Name another file: --rejects PATH",
            error,
        ) from None


@contextmanager
def _locked(descriptor: int) -> Iterator[bool]:
    """Hold the exclusive lock of a file. Only processes that take the same lock are kept out.

    Yields False if there is no lock: the file is not a regular file, or its file system has no
    locks. Raises OSError if another process does not release the lock in time.
    """
    is_locked = stat.S_ISREG(os.fstat(descriptor).st_mode) and _lock(descriptor)
    try:
        yield is_locked
    finally:
        if is_locked:
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _lock(descriptor: int) -> bool:
    """Wait for the lock, but not forever: a suspended process may hold it."""
    until = monotonic() + _LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() >= until:
                raise OSError(errno.EBUSY, "another process has it locked") from None
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return False
            raise
        else:
            return True
        sleep(0.001)


def _end_torn_line(file: FileIO) -> None:
    """End a line that an earlier run left torn (a kill, a full disk). The caller holds the lock."""
    if file.readable() and file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            write_all(file.fileno(), b"\n")


def _cut_if_torn(descriptor: int, start: int) -> None:
    """Cut off a torn record, unless a running process was still writing it."""
    with _locked(descriptor) as is_locked:
        text = os.pread(descriptor, os.fstat(descriptor).st_size - start, start)
        if is_locked and _is_torn(text):
            os.ftruncate(descriptor, start)


def _record(line: Line, place: int, settled: Result) -> bytes:
    """Return the record of the line at this place of a result."""
    record = {
        "file": line.file,
        "line": line.number,
        "state": settled.state,
        "reason": settled.reason,
        "status": settled.status,
        **(_refusal(settled.refusal, place) if settled.refusal else {}),
        **_actions(line, settled),
        # The line follows this key, see `_content_of`.
        "attempts": settled.attempts,
        **_content(line),
    }
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _actions(line: Line, settled: Result) -> dict[str, Any]:
    """Return which actions did not deliver the event, if they have names.

    If several did not, `requests` says of each why. Its objects have no `attempts`, see
    `_content_of`.
    """
    failures = settled.failures
    if not failures:
        return {"actions": [line.action]} if line.action else _actions_before(line)
    found: dict[str, Any] = {"actions": [one.action for one in failures]}
    if len(failures) > 1:
        found["requests"] = [_failure(one) for one in failures]
    return found


def _actions_before(line: Line) -> dict[str, Any]:
    """Return which actions a line is for that is a record itself, and could not be mapped."""
    text = line.text
    if isinstance(text, TooLong) or _MAY_HAVE_ACTIONS not in text:
        return {}
    record = record_in(text) or {}
    return {"actions": record["actions"]} if "actions" in record else {}


def _failure(failure: ActionFailure) -> dict[str, Any]:
    return {
        "action": failure.action,
        "state": failure.state,
        "reason": failure.reason,
        "status": failure.status,
        **(_refusal(failure.refusal, 0) if failure.refusal else {}),
    }


def _refusal(refusal: RefusalDetails, place: int) -> dict[str, Any]:
    return {
        "address": refusal.address,
        "reply_ids": refusal.reply_ids,
        "reply": refusal.reply,
        # A text, so that its quotes are escaped: `"event":` is in no other place of the record.
        "payload": refusal.payloads[place],
    }


def _key_of(text: bytes) -> _RecordKey | None:
    """Return the key of a record; None if the text is not a record."""
    try:
        record = orjson.loads(with_replaced_surrogates(text))
        return str(record["file"]), int(record["line"]), hash(_content_of(text))
    except (ValueError, KeyError, TypeError):
        return None


def _content_of(record: bytes) -> bytes:
    """Return the part of a record that holds the line itself, without its result.

    In a JSON string every quote is escaped. So the first match is the record's own key.
    """
    return record.partition(b',"attempts":')[2].partition(b",")[2].rstrip()


def _is_torn(text: bytes) -> bool:
    """True if this is the start of a record that a killed process left at the end of the file.

    Without the lock, another process may still be writing it.
    """
    return text.startswith(_RECORD_START) and b"\n" not in text and _key_of(text) is None


def _content(line: Line) -> dict[str, Any]:
    """Return the fields that hold a line: an event as written, anything else as text or base64."""
    if isinstance(line.text, TooLong):
        head = base64.b64encode(line.text.head).decode()
        return {"bytes": line.text.size, "begins_base64": head}
    text = original(line.text.rstrip(b"\r\n"))
    event = text.strip()
    try:
        # The record nests the event one level deeper, and must be readable at that depth.
        read, nested = (
            loads(one, replaces_surrogates=True) for one in (event, b"[" + event + b"]")
        )
        if isinstance(read, dict) and nested:
            return {"event": orjson.Fragment(event)}
    except ValueError:
        pass
    try:
        return {"raw": text.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(text).decode()}
