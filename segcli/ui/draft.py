"""The destination that the page works on: one of a name, or a file that is being edited."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from segcli.accounting.atomic_write import rewrite
from segcli.core.destination import Destination
from segcli.core.outcome import Job
from segcli.destination_source import (
    DestinationSource,
    edited_source,
    find_source,
    is_path,
    read_text,
)
from segcli.destinations.webhook import WEBHOOK
from segcli.errors import DestinationError, SegcliError, UsageError
from segcli.ui.positions import line_at, lines_of_keys
from segcli.ui.setup import Setup, without_keys

# Stands for a file that has had mistakes from the start.
_NOTHING = replace(WEBHOOK, name="a file with mistakes", types=frozenset())


@dataclass(frozen=True, slots=True)
class DraftProblem:
    """A mistake in the text of a destination file, at a line of it, from 1."""

    line: int
    text: str


class Draft:
    """A destination, and the text of its file if it has one.

    dest: its name, or the path of its file.
    job: its job, without keys. While the text has mistakes, that of the last text without any.
    source, destination: those of the job.
    text: the text of the file; "" without a file.
    problems: the mistakes in the text.
    """

    def __init__(self, dest: str, setup: Setup) -> None:
        """Read the destination; raises UsageError and SettingsError.

        A file with mistakes can be opened to fix them. Until then it takes no event.
        """
        self.dest = dest
        self.text = ""
        self.problems: Sequence[DraftProblem] = ()
        self._setup = setup
        self._on_disk = self._saved = ""
        self._break = "\n"
        self.source: DestinationSource
        self.destination: Destination[Any]
        self.job: Job
        if is_path(dest):
            self._load()
        try:
            self._take(*find_source(dest))
        except DestinationError as error:
            if not self.is_file:
                raise
            self._take_nothing()
            self.problems = self._problems_of(error)

    @property
    def is_file(self) -> bool:
        """Whether there is a text to edit."""
        return is_path(self.dest)

    @property
    def is_saved(self) -> bool:
        """Whether the text is that of the file, as far as the page knows."""
        return self.text == self._saved

    def edit(self, text: str) -> None:
        """Take another text; its mistakes are in `problems`."""
        self.text = text
        self.problems = ()
        try:
            self._take(*edited_source(self.dest, text))
        except SegcliError as error:
            self.problems = self._problems_of(error)

    def save(self) -> None:
        """Write the text to the file; raises UsageError if another text stands there now."""
        try:
            now = read_text(self.dest)
        except ValueError as problem:
            raise UsageError(f"{self.dest} {problem}") from None
        if _digest(now) != self._on_disk:
            raise UsageError(
                f"{self.dest} was changed by another program since it was read here",
                "Load it again, or copy your text first.",
            )
        written = self.text.replace("\n", self._break)
        try:
            rewrite(Path(self.dest), [written.encode()])
        except OSError as error:
            raise UsageError(f"{self.dest} cannot be written: {error.strerror}") from None
        self._saved, self._on_disk = self.text, _digest(written)

    def reload(self) -> None:
        """Take the text of the file; raises UsageError if it cannot be read."""
        self._load()
        self.edit(self.text)

    def _load(self) -> None:
        try:
            found = read_text(self.dest)
        except ValueError as problem:
            raise UsageError(f"{self.dest} {problem}") from None
        if self._setup.redactor.redact(found) != found:
            raise UsageError(
                f"{self.dest} holds a key, so it is not shown in a browser",
                "Move the key to the environment or to a settings file.",
            )
        # The browser has line feeds only; the file keeps its own line breaks.
        self._break = "\r\n" if found.count("\r\n") * 2 > found.count("\n") else "\n"
        self.text = self._saved = found.replace("\r\n", "\n")
        self._on_disk = _digest(found)

    def _problems_of(self, error: SegcliError) -> Sequence[DraftProblem]:
        return _problems(error, self.text, is_json=self.dest.endswith(".json"))

    def _take_nothing(self) -> None:
        """Take the place of a destination that cannot be made."""
        self.source = DestinationSource(self.dest, {self.dest: self.text})
        self.destination = _NOTHING
        self.job = Job(destination=_NOTHING, settings=_NOTHING.settings())

    def _take(self, source: DestinationSource, destination: Destination[Any]) -> None:
        job = without_keys(self._setup.make_job(source, destination))
        self.source, self.destination, self.job = source, destination, job


def _problems(error: SegcliError, text: str, *, is_json: bool) -> list[DraftProblem]:
    mistakes = error.mistakes if isinstance(error, DestinationError) else ()
    if not mistakes:
        return [DraftProblem(1, error.message)]
    lines: Mapping[tuple[str | int, ...], int] = {}
    if any(mistake.path for mistake in mistakes):
        lines = lines_of_keys(text, is_json=is_json)
    return [
        DraftProblem(
            mistake.line or line_at(mistake.path, lines), _worded(mistake.path, mistake.problem)
        )
        for mistake in mistakes
    ]


def _worded(path: Sequence[str | int], problem: str) -> str:
    names = [part for part in path if isinstance(part, str) and not part.isdigit()]
    # Some mistakes name their key themselves.
    return f"{names[-1]}: {problem}" if names and names[-1] not in problem else problem


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
