"""The rejects file: every refused and rejected event, to be repaired and sent again."""

import base64
import os
import re
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from segcli.accounting.atomic_write import is_stream, open_to_append, write_all
from segcli.accounting.file_lock import locked
from segcli.core.exact_json import loads, without_halves
from segcli.core.line import Line, Result, TooLong
from segcli.core.reject_record import original
from segcli.errors import OutputError, Stopped

if TYPE_CHECKING:
    from segcli.accounting.group_commit import GroupSync

_BEGIN = b'{"file":'
# The file and line that a record is of, and a hash of what it keeps of that line.
_Kept: TypeAlias = tuple[str, int, int]


class Rejects:
    """An NDJSON file, made when the first line is kept, only ever appended to.

    `segcli send` reads such a file as input. Raises OutputError where it could not be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None
        self._sync: GroupSync | None = None
        self._kept_before: set[_Kept] = set()
        check_writable(path)
        if is_stream(path):
            self._file = _open_stream(path)

    def skip_already_written(self, since: int, is_open: Callable[[str, int], bool]) -> None:
        """Do not keep again what is open and stands behind that position, word for word.

        A killed run may have kept lines, and half of one, that no journal knows of. Others may
        have written there too, and people: what is theirs is left alone.
        """
        if is_stream(self.path) or not self.path.exists():
            return
        with self.path.open("r+b") as file:
            end = file.seek(since)
            for text in file:
                kept = _kept_in(text)
                if kept and is_open(kept[0], kept[1]):
                    self._kept_before.add(kept)
                elif _is_torn(text):
                    _cut_if_torn(file.fileno(), end)
                end += len(text)

    def keep(self, settled: Result) -> None:
        """Append the lines; they survive this process when this returns.

        Raises Stopped where they cannot be written, on a full disk for instance.
        """
        lines = [line for line in settled.lines if not self._is_kept(line)]
        if not lines:
            return
        try:
            records = b"".join(_record(line, settled) for line in lines)
            if self._file is None:
                self._file = open_to_append(self.path)
            with locked(self._file.fileno()):
                _begin_line(self._file)
                _write(self._file, records)
        except OSError as error:
            raise self._failed(error) from None

    async def synced(self) -> None:
        """Return when everything kept so far is on disk; raises Stopped where it cannot be."""
        # `transform` keeps rejects too, and needs no event loop.
        from segcli.accounting.group_commit import GroupSync  # noqa: PLC0415

        # A pipe and a device have no disk.
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

    def _is_kept(self, line: Line) -> bool:
        if not self._kept_before:
            return False
        kept = (line.file, line.number, hash(orjson.dumps(_content(line))[1:]))
        known = kept in self._kept_before
        self._kept_before.discard(kept)
        return known

    def _failed(self, error: OSError) -> Stopped:
        return Stopped(
            f"the rejects file {self.path} cannot be written: {error.strerror}",
            "Nothing was lost: what is not in it counts as unsent.",
        )


def check_writable(path: Path) -> None:
    """Raise OutputError unless a rejects file can be written there."""
    # These raise nothing where the folder may not be looked into.
    there, is_folder = os.path.exists(path), os.path.isdir(path)
    if is_folder or not os.access(path if there else path.parent, os.W_OK):
        raise OutputError(
            f"the rejects file {path} cannot be written", "Name another one: --rejects PATH"
        )


def default_rejects(destination: str, taken: Sequence[str]) -> Path:
    """Return `<dest>.rejects.ndjson`, or the next such name behind those that are inputs.

    What was repaired and sent does not get the rejects of later repairs.
    """
    series = re.compile(rf"{re.escape(destination)}\.rejects(?:\.(\d+))?\.ndjson")
    here = Path.cwd().resolve()
    inputs = (Path(name).resolve() for name in taken)
    found = (series.fullmatch(path.name) for path in inputs if path.parent == here)
    last = max((int(name[1] or 1) for name in found if name), default=0)
    return Path(f"{destination}.rejects{f'.{last + 1}' if last else ''}.ndjson")


def _open_stream(path: Path) -> FileIO:
    """Open a pipe before the run: that waits for its reader."""
    try:
        return open_to_append(path)
    except OSError as error:
        raise OutputError(
            f"the rejects file {path} cannot be written: {error.strerror}",
            "Name another one: --rejects PATH",
        ) from None


def _begin_line(file: FileIO) -> None:
    """End a line that a run has left half written, killed or on a full disk. Needs the lock."""
    if file.readable() and file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            _write(file, b"\n")


def _cut_if_torn(descriptor: int, start: int) -> None:
    """Cut off half a record, unless a run that lives was about to write the other half."""
    with locked(descriptor) as is_locked:
        text = os.pread(descriptor, os.fstat(descriptor).st_size - start, start)
        if is_locked and _is_torn(text):
            os.ftruncate(descriptor, start)


def _write(file: FileIO, data: bytes) -> None:
    """Write all of it; a disk that is nearly full takes a part without an error."""
    if not file.readable():
        write_all(file.fileno(), data)
        return
    while data:
        data = data[file.write(data) or 0 :]


def _record(line: Line, settled: Result) -> bytes:
    record = {
        "file": line.file,
        "line": line.number,
        "state": settled.state,
        "reason": settled.reason,
        "status": settled.status,
        "attempts": settled.attempts,
        **_content(line),
    }
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _kept_in(text: bytes) -> _Kept | None:
    """Return which line of which file a record keeps, and what of it; None for what is none."""
    try:
        record = orjson.loads(without_halves(text))
        return str(record["file"]), int(record["line"]), hash(_content_of(text))
    except (ValueError, KeyError, TypeError):
        return None


def _content_of(record: bytes) -> bytes:
    """Return what a record holds of the line itself, not of what became of it.

    In a JSON string every quote is escaped, so the first match is the record's own key.
    """
    return record.partition(b',"attempts":')[2].partition(b",")[2].rstrip()


def _is_torn(text: bytes) -> bool:
    """Tell whether this is a part of a record, which a process that was killed wrote last.

    Without the lock it may be what another process is writing.
    """
    return text.startswith(_BEGIN) and b"\n" not in text and _kept_in(text) is None


def _content(line: Line) -> dict[str, Any]:
    """Keep the event as it was written, and what is no event as text, or as base64."""
    if isinstance(line.text, TooLong):
        head = base64.b64encode(line.text.head).decode()
        return {"bytes": line.text.size, "begins_base64": head}
    text = original(line.text.strip())
    try:
        # Within its record the event is one level deeper, and has to be readable there too.
        event, within = (loads(one, mends_halves=True) for one in (text, b"[" + text + b"]"))
        if isinstance(event, dict) and within:
            return {"event": orjson.Fragment(text)}
    except ValueError:
        pass
    try:
        return {"raw": text.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(text).decode()}
