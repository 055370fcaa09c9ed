"""The journal as the command line sees it: where it is, what it belongs to, how to resume."""

import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from segcli.cli.options import JobOptions
from segcli.cli.visible_text import shell_quoted
from segcli.core.event import parse_time
from segcli.core.outcome import Job
from segcli.core.secret import Secret, display_address, display_url, hidden
from segcli.core.settings import describe
from segcli.errors import UsageError
from segcli.lines.chunks import Input

if TYPE_CHECKING:
    from segcli.journal.checkpoint import Header
    from segcli.journal.journal import Journal

_OPTIONS = (
    "type",
    "event",
    "since",
    "until",
    "allowed_lateness",
    "user",
    "where",
    "limit",
    "ignore_integrations",
)


class _How(Protocol):
    """The options that concern the journal."""

    @property
    def journal(self) -> Path | None: ...
    @property
    def resume(self) -> bool: ...
    @property
    def restart(self) -> bool: ...


def begin_journal(
    asked: JobOptions, how: _How, *, job: Job, inputs: Sequence[Input], rehearsal: bool
) -> tuple["Journal | None", Job]:
    """Return the run's journal, if it has one, and the job as the run began it.

    A rehearsal and an input that flows in once have a journal only where one is named. Raises
    UsageError, InputError and OutputError, before anything is sent.
    """
    from segcli.journal.resume import Start, begin

    path = journal_path(asked, how, job=job, inputs=inputs, rehearsal=rehearsal)
    if path is None:
        return None, job
    header = _header(asked, job, rehearsal=rehearsal)
    start = Start.RESUME if how.resume else Start.RESTART if how.restart else Start.FRESH
    journal = begin(path, header, inputs, start)
    return journal, _with_moments(job, journal.past.header.moments)


def journal_path(
    asked: JobOptions, how: _How, *, job: Job, inputs: Sequence[Input], rehearsal: bool
) -> Path | None:
    """Return where the run's journal is, if it has one; raises UsageError."""
    from segcli.journal.resume import default_journal

    if how.resume and how.restart:
        raise UsageError("--resume and --restart do not go together", "Type one of them.")
    again = all(entry.can_be_read_again for entry in inputs)
    if how.journal is None and (rehearsal or not again):
        if how.resume or how.restart:
            why = "--sandbox" if rehearsal else "stdin"
            raise UsageError(f"{why} has a journal only if you name one", "Type --journal PATH.")
        return None
    header = _header(asked, job, rehearsal=rehearsal)
    return how.journal or default_journal(Path(click.get_app_dir("segcli")), header)


def how_to_resume(asked: JobOptions, job: Job, more: Sequence[str] = ()) -> str:
    """Return the command that goes on where this one stopped, without any key.

    `more` is an option that it gets, in place of the same one with another value.
    """
    return _command("To go on where it stopped, type:", asked, job, [*more, "--resume"])


def how_to_send_again(asked: JobOptions, job: Job, more: Sequence[str]) -> str:
    """Return the command with one option more, without any key, where there is nothing to resume.

    "" without such an option: it is the command that was typed.
    """
    return _command("To send it, type:", asked, job, more) if more else ""


def _command(title: str, asked: JobOptions, job: Job, more: Sequence[str]) -> str:
    typed = [word for word in sys.argv[1:] if word not in {"--resume", "--restart"}]
    arguments = _without_setting(typed, more)
    shown = [_without_secrets(word, job) for word in arguments]
    # What follows `--` are files.
    end = shown.index("--") if "--" in shown else len(shown)
    command = " ".join(map(shell_quoted, ["segcli", *shown[:end], *more, *shown[end:]]))
    lines = [title, f"  {command}"]
    if shown != arguments:
        lines.append("with what must not be shown here typed as before")
    if "-" in asked.files or not asked.files:
        lines.append("and pipe the same input in")
    return "\n".join(lines)


def _without_setting(words: Sequence[str], more: Sequence[str]) -> list[str]:
    """Return words without the setting that `more` sets, if it sets one."""
    if len(more) < len(("--set", "NAME=VALUE")):
        return list(words)
    option, value, *_ = more
    name = value.partition("=")[0]
    kept: list[str] = []
    for word in words:
        if kept[-1:] == [option] and word.startswith(f"{name}="):
            kept.pop()
        elif not word.startswith(f"{option}={name}="):
            kept.append(word)
    return kept


def _without_secrets(word: str, job: Job) -> str:
    """Return a word as it may be shown; the name of an option, as `--sandbox`, is no secret."""
    if re.fullmatch(r"--[a-z-]+", word):
        return word
    word = hidden(word, job.secrets())
    return re.sub(r"[a-z][a-z0-9+.-]*://\S+", lambda match: display_address(match[0]), word)


def _header(asked: JobOptions, job: Job, *, rehearsal: bool) -> "Header":
    from segcli.journal.checkpoint import Header
    from segcli.journal.resume import names_of

    return Header(
        destination=job.destination.name,
        # Each rehearsal has a sandbox of its own, on another port.
        endpoint="" if rehearsal else display_url(getattr(job.settings, "endpoint", "")),
        inputs=names_of(asked.files),
        options={
            **{f"--{name.replace('_', '-')}": _typed(asked, name) for name in _OPTIONS},
            **_given_settings(job),
        },
        moments={
            name: moment.isoformat()
            for name in ("since", "until")
            if (moment := getattr(job.selection, name))
        },
        revision=job.destination.revision,
    )


def _given_settings(job: Job) -> dict[str, Any]:
    """Return the settings that are not as they are by default, but for keys and the endpoint.

    Which events share a request is no matter of what they become: that may change.
    """
    return {
        f"--set {row.name}": display_url(str(value))
        for row in describe(job.destination.name, job.destination.settings)
        if row.name != "endpoint" and row.kind is not Secret and not row.is_grouping
        if (value := getattr(job.settings, row.name)) != row.default
    }


def _typed(asked: JobOptions, name: str) -> Any:
    """Return a selection option as it was typed: `7d` means another time a day later."""
    value = getattr(asked, name)
    if name in {"since", "until"}:
        return value.text if value else None
    if name == "allowed_lateness":
        return None if value is None else f"{value:g}s"
    if name == "where":
        # In a list, as the options with several values: those are shown letter by letter.
        return [value.text] if value else None
    return list(value) if isinstance(value, tuple) else value


def _with_moments(job: Job, moments: Mapping[str, str]) -> Job:
    """Return the job with the times that `--since` and `--until` meant when the run began."""
    times: dict[str, Any] = {name: parse_time(text) for name, text in moments.items()}
    return dataclasses.replace(job, selection=dataclasses.replace(job.selection, **times))
