"""Writes the log of a run as lines: to a file, to stderr, or above the progress display."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segcli.accounting.atomic_write import open_to_append, write_all
from segcli.cli.output import print_above, say, say_as_json
from segcli.core.visible_text import visible_json, visible_line
from segcli.logs import FIELDS

if TYPE_CHECKING:
    from rich.console import Console


class LogHandler(logging.Handler):
    """Writes each record as one line, with one write: a kill can only cut the last line.

    path: the file, which the first record creates for the user alone; None for stderr.
    as_json: write objects.

    If the file cannot be written, that is said once, and the run goes on without a log.
    """

    def __init__(self, path: Path | None, *, as_json: bool) -> None:
        super().__init__()
        self._path = path
        self._as_json = as_json
        self._file: FileIO | None = None
        self._has_failed = False
        self._console: Console | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a bug here stops no delivery, Python prints it."""
        try:
            self._write(json_line(record) if self._as_json else text_line(record))
        except Exception:  # as all handlers of logging do
            self.handleError(record)

    @contextmanager
    def above(self, console: "Console") -> Iterator[None]:
        """Print lines above the live display of this console during the block."""
        self._console = console
        try:
            yield
        finally:
            self._console = None

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None
        super().close()

    def _write(self, line: str) -> None:
        if self._path is None:
            self._print(line)
        elif not self._has_failed:
            try:
                self._append(self._path, line)
            except OSError as error:
                self._has_failed = True
                why = f"the log {self._path} cannot be written: {error.strerror}"
                self._print(f"{why}; the run goes on without it")

    def _append(self, path: Path, line: str) -> None:
        data = f"{line}\n".encode(errors="backslashreplace")
        if self._file is None:
            self._file = open_to_append(path)
            if _is_torn(self._file):
                data = b"\n" + data
        write_all(self._file.fileno(), data)

    def _print(self, line: str) -> None:
        if self._console:
            print_above(self._console, line)
        elif self._as_json and line.startswith("{"):
            say_as_json(line)
        else:
            say(line)


def text_line(record: logging.LogRecord) -> str:
    """Return a record as a line for people, with control characters as escapes."""
    return visible_line(f"{_time(record)} {record.levelname:<7} {record.getMessage()}")


def json_line(record: logging.LogRecord) -> str:
    """Return a record as an object on one line, in ASCII where a terminal would act on it."""
    facts = record.__dict__
    content: dict[str, Any] = {
        "time": _time(record),
        "level": record.levelname.lower(),
        "logger": record.name,
        **{name: facts[name] for name in FIELDS if name in facts},
        # The body is a fact already.
        "message": record.getMessage().removesuffix(f": {facts.get('body')}"),
    }
    return visible_json(json.dumps(content, ensure_ascii=False, separators=(",", ":")))


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_torn(file: FileIO) -> bool:
    """True if the file ends within a line: an earlier run met a full disk there."""
    if not file.readable() or not file.seek(0, 2):
        return False
    file.seek(-1, 2)
    return file.read(1) != b"\n"
