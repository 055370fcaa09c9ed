"""The rejects file: every refused and rejected event, to be repaired and sent again."""

import base64
import os
from collections.abc import Callable, Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from segcli.delivery.settled import Line, Settled
from segcli.errors import OutputError, Stopped
from segcli.exact_json import loads
from segcli.kept import original
from segcli.outcome import TooLong

if TYPE_CHECKING:
    from segcli.delivery.journal.sync import GroupSync


class Rejects:
    """An NDJSON file, made when the first line is kept, only ever appended to.

    `segcli send` reads such a file as input. Raises OutputError where it could not be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None
        self._sync: GroupSync | None = None
        self._kept_before: set[tuple[str, int]] = set()
        check_writable(path)

    def leave_out_kept(self, since: int, is_open: Callable[[str, int], bool]) -> None:
        """Do not keep again what stands behind that position and `is_open` tells of.

        A killed run may have kept lines, and half of one, that no journal knows of.
        """
        if not self.path.exists():
            return
        with self.path.open("r+b") as file:
            end = file.seek(since)
            for text in file:
                if not text.endswith(b"\n"):
                    file.truncate(end)
                    return
                end += len(text)
                key = _key(text)
                if key and is_open(*key):
                    self._kept_before.add(key)

    def keep(self, settled: Settled) -> None:
        """Append the lines; they survive this process when this returns.

        Raises Stopped where they cannot be written, on a full disk for instance.
        """
        lines = [line for line in settled.lines if not self._is_kept(line)]
        if not lines:
            return
        try:
            if self._file is None:
                self._file = _open(self.path)
            _write(self._file, b"".join(_record(line, settled) for line in lines))
        except OSError as error:
            raise self._failed(error) from None

    async def synced(self) -> None:
        """Return when everything kept so far is on disk; raises Stopped where it cannot be."""
        # `transform` keeps rejects too, and needs no event loop.
        from segcli.delivery.journal.sync import GroupSync  # noqa: PLC0415

        if self._file is None:
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
        key = (line.file, line.number)
        known = key in self._kept_before
        self._kept_before.discard(key)
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


def default_path(destination: str, taken: Sequence[str]) -> Path:
    """Return `<dest>.rejects.ndjson`, or the next such name that is not an input of this run."""
    paths = (Path(f"{destination}.rejects{number}.ndjson") for number in _numbers())
    inputs = {Path(name).resolve() for name in taken}
    return next(path for path in paths if path.resolve() not in inputs)


def _numbers() -> Iterator[str]:
    yield ""
    number = 2
    while True:
        yield f".{number}"
        number += 1


def _open(path: Path) -> FileIO:
    """Open for appending, on a line of its own: a killed run may have left half a line."""
    file = FileIO(path, "a+")
    if file.tell():
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            _write(file, b"\n")
    return file


def _write(file: FileIO, data: bytes) -> None:
    """Write all of it; a disk that is nearly full takes a part without an error."""
    while data:
        data = data[file.write(data) or 0 :]


def _record(line: Line, settled: Settled) -> bytes:
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


def _key(text: bytes) -> tuple[str, int] | None:
    """Return the file and line that a record is of; None for what is none."""
    try:
        record = orjson.loads(text)
        return str(record["file"]), int(record["line"])
    except (ValueError, KeyError, TypeError):
        return None


def _content(line: Line) -> dict[str, Any]:
    """Keep the event as it was written, and what is no event as text, or as base64."""
    if isinstance(line.text, TooLong):
        head = base64.b64encode(line.text.head).decode()
        return {"bytes": line.text.size, "begins_base64": head}
    text = original(line.text.strip())
    try:
        # Within its record the event is one level deeper, and has to be readable there too.
        if isinstance(loads(text), dict) and loads(b"[" + text + b"]"):
            return {"event": orjson.Fragment(text)}
    except ValueError:
        pass
    try:
        return {"raw": text.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(text).decode()}
