"""The rejects file: every refused and rejected event, to be repaired and sent again."""

import base64
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from segcli.delivery.settled import Line, Settled
from segcli.errors import OutputError, Stopped
from segcli.event import original
from segcli.exact_json import loads
from segcli.outcome import TooLong


class Rejects:
    """An NDJSON file, made when the first line is kept, only ever appended to.

    `segcli send` reads such a file as input. Raises OutputError where it could not be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept = 0
        self._file: BinaryIO | None = None
        if not os.access(path if path.exists() else path.parent, os.W_OK) or path.is_dir():
            raise OutputError(
                f"the rejects file {path} cannot be written", "Name another one: --rejects PATH"
            )

    def keep(self, settled: Settled) -> None:
        """Append the lines; they are the operating system's when this returns.

        Raises Stopped where they cannot be written, on a full disk for instance.
        """
        try:
            self._file = self._file or _open(self.path)
            self._file.write(b"".join(_records(settled)))
            self._file.flush()
        except OSError as error:
            raise Stopped(
                f"the rejects file {self.path} cannot be written: {error.strerror}",
                "Nothing was lost: what is not in it counts as unsent.",
            ) from None
        self.kept += len(settled.lines)

    def close(self) -> None:
        """Close the file; it may never have been opened."""
        if self._file:
            self._file.close()


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


def _open(path: Path) -> BinaryIO:
    """Open for appending, on a line of its own: a killed run may have left half a line."""
    file = open(path, "a+b", buffering=0)  # noqa: SIM115  # closed by close()
    if file.tell():
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
    return file


def _records(settled: Settled) -> Iterator[bytes]:
    for line in settled.lines:
        record = {
            "file": line.file,
            "line": line.number,
            "state": settled.state,
            "reason": settled.reason,
            "status": settled.status,
            "attempts": settled.attempts,
            **_content(line),
        }
        yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _content(line: Line) -> dict[str, Any]:
    """Keep the event as it was written, and what is no event as text, or as base64."""
    if isinstance(line.text, TooLong):
        head = base64.b64encode(line.text.head).decode()
        return {"bytes": line.text.size, "begins_base64": head}
    text = original(line.text.strip())
    try:
        if isinstance(loads(text), dict):
            return {"event": orjson.Fragment(text)}
    except ValueError:
        pass
    try:
        return {"raw": text.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(text).decode()}
