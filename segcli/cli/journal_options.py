"""Opens the journal of a `send`: finds its path, describes the run, and says how to resume."""

import dataclasses
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from segcli.cli.configured import options_from_environment
from segcli.cli.options import JobOptions
from segcli.cli.state_folder import check_moved, state_folder
from segcli.cli.visible_text import shell_quoted
from segcli.core.event_time import parse_time
from segcli.core.outcome import Job
from segcli.core.secret import Secret, display_address, display_url, hidden
from segcli.core.settings import BY_DEFAULT, Place, describe
from segcli.errors import UsageError
from segcli.lines.chunks import Input

if TYPE_CHECKING:
    from segcli.journal.checkpoint import Header
    from segcli.journal.journal import Journal

# A pattern may stand for thousands of files.
_MAX_COMMAND = 8 * 1024
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


class JournalOptions(Protocol):
    """The options of the journal."""

    @property
    def journal(self) -> Path | None:
        """Where the journal is, if the user named it."""

    @property
    def resume(self) -> bool:
        """Whether to continue an earlier run."""

    @property
    def restart(self) -> bool:
        """Whether to forget an earlier run."""


def begin_journal(
    options: JobOptions,
    resume_options: JournalOptions,
    *,
    job: Job,
    inputs: Sequence[Input],
    rehearsal: bool,
) -> tuple["Journal | None", Job]:
    """Return the journal of the run, or None, and the job with the times of the first run.

    A rehearsal, or an input that can be read only once, has a journal only if `--journal` names
    one. Raises UsageError, InputError and OutputError, all before anything is sent.
    """
    from segcli.journal.resume import Start, begin

    path = journal_path(options, resume_options, job=job, inputs=inputs, rehearsal=rehearsal)
    if path is None:
        return None, job
    header = _header(options, job, rehearsal=rehearsal)
    start = (
        Start.RESUME
        if resume_options.resume
        else Start.RESTART
        if resume_options.restart
        else Start.FRESH
    )
    journal = begin(path, header, inputs, start)
    return journal, _with_moments(job, journal.past.header.moments)


def journal_path(
    options: JobOptions,
    resume_options: JournalOptions,
    *,
    job: Job,
    inputs: Sequence[Input],
    rehearsal: bool,
) -> Path | None:
    """Return the path of the run's journal, or None if it has none; raises UsageError."""
    if resume_options.resume and resume_options.restart:
        raise UsageError("--resume and --restart exclude each other", "Type one of them.")
    again = all(entry.can_be_read_again for entry in inputs)
    if resume_options.journal is None and (rehearsal or not again):
        if resume_options.resume or resume_options.restart:
            why = "--sandbox" if rehearsal else "stdin"
            raise UsageError(f"{why} has a journal only if you name one", "Add --journal PATH.")
        return None
    header = _header(options, job, rehearsal=rehearsal)
    return resume_options.journal or _default_path(header)


def _default_path(header: "Header") -> Path:
    """Return the default path; raises UsageError if the journal is still at the old place."""
    from segcli.journal.resume import default_journal

    path = default_journal(state_folder(), header)
    check_moved(path)
    return path


def how_to_resume(options: JobOptions, job: Job, more: Sequence[str] = ()) -> str:
    """Return the command that continues where this one stopped; it shows no key.

    `more` is a setting that the command gets, in place of another value of the setting.
    """
    lines = _command(options, job, [*more, "--resume"])
    return "\n".join(["To continue where it stopped, type:", f"  {lines[0]}", *lines[1:]])


def how_to_send_again(options: JobOptions, job: Job, more: Sequence[str]) -> str:
    """Return the command with another setting, for a run that settled nothing; it shows no key.

    "" if there is no such setting: then the command is the one that was typed.
    """
    if not more:
        return ""
    lines = _command(options, job, more)
    return "\n".join(["To try again, type:", f"  {lines[0]}", *lines[1:]])


def _command(options: JobOptions, job: Job, more: Sequence[str]) -> list[str]:
    """Return the typed command with these words, and notes on what it does not show."""
    typed = [word for word in sys.argv[1:] if word not in {"--resume", "--restart"}]
    # Only files follow `--`.
    end = typed.index("--") if "--" in typed else len(typed)
    typed[end:end] = [*_settings_from_environment(job), *_options_from_environment()]
    arguments = _without_setting(typed, more)
    shown = [_without_secrets(word, job) for word in arguments]
    end = shown.index("--") if "--" in shown else len(shown)
    command = " ".join(map(shell_quoted, ["segcli", *shown[:end], *more, *shown[end:]]))
    lines = [command]
    if shown != arguments:
        lines.append(f"repeat the same {_hidden_parts(arguments, shown)} (hidden here)")
    if "-" in options.files or not options.files:
        lines.append("and pipe in the same input")
    return lines


def _options_from_environment() -> list[str]:
    return options_from_environment(click.get_current_context(silent=True))


def _settings_from_environment(job: Job) -> Iterator[str]:
    """Yield the settings that variables set, as words; none that is or holds a key."""
    for row in describe(job.destination.name, job.destination.settings):
        is_from_variable = job.origins.get(row.name, BY_DEFAULT).place is Place.ENVIRONMENT
        if is_from_variable and row.kind is not Secret:
            word = f"{row.name}={_as_text(getattr(job.settings, row.name))}"
            if _without_secrets(word, job) == word:
                yield from ("--set", word)


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _without_setting(words: Sequence[str], more: Sequence[str]) -> list[str]:
    """Return words without the setting that is in `more`, if there is one."""
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


def _hidden_parts(arguments: Sequence[str], shown: Sequence[str]) -> str:
    """Return what the hidden words are: values of `--set`, or addresses too."""
    words = zip(["", *arguments[:-1]], arguments, shown, strict=True)
    is_set = (
        previous == "--set" or word.startswith("--set=")
        for previous, word, text in words
        if word != text
    )
    return "--set values" if all(is_set) else "values and addresses"


def _without_secrets(word: str, job: Job) -> str:
    """Return a word without keys. The name of an option, like `--sandbox`, holds none."""
    if re.fullmatch(r"--[a-z-]+", word):
        return word
    word = hidden(word, job.secrets())
    return re.sub(r"[a-z][a-z0-9+.-]*://\S+", lambda match: display_address(match[0]), word)


def _header(options: JobOptions, job: Job, *, rehearsal: bool) -> "Header":
    from segcli.journal.checkpoint import Header
    from segcli.journal.resume import names_of

    return Header(
        destination=job.destination.name,
        # Each rehearsal has its own sandbox, on another port.
        endpoint="" if rehearsal else display_url(getattr(job.settings, "endpoint", "")),
        inputs=names_of(options.files),
        options={
            **{f"--{name.replace('_', '-')}": _typed(options, name) for name in _OPTIONS},
            **_given_settings(job),
        },
        moments={
            name: moment.isoformat()
            for name in ("since", "until")
            if (moment := getattr(job.selection, name))
        },
        revision=job.destination.revision,
        command=_resuming_anywhere(options, job),
    )


def _resuming_anywhere(options: JobOptions, job: Job) -> list[str]:
    """Return the command that resumes the run from any folder, and notes on it; none if long."""
    command, *notes = _command(options, job, ["--resume"])
    try:
        folder = os.getcwd()
    except OSError:  # it was removed
        return []
    lines = [f"cd {shell_quoted(folder)} && {command}", *notes]
    return lines if len(command) <= _MAX_COMMAND else []


def _given_settings(job: Job) -> dict[str, Any]:
    """Return the settings that differ from their default, without keys and the endpoint.

    Settings that only group events are left out: they may change.
    """
    return {
        f"--set {row.name}": display_url(str(value))
        for row in describe(job.destination.name, job.destination.settings)
        if row.name != "endpoint" and row.kind is not Secret and not row.is_grouping
        if (value := getattr(job.settings, row.name)) != row.default
    }


def _typed(options: JobOptions, name: str) -> Any:
    """Return a selection option as it was typed: `7d` is a different time tomorrow."""
    value = getattr(options, name)
    if name in {"since", "until"}:
        return value.text if value else None
    if name == "allowed_lateness":
        return None if value is None else f"{value:g}s"
    if name == "where":
        # A list, as for options with several values: messages quote their items exactly.
        return [value.text] if value else None
    return list(value) if isinstance(value, tuple) else value


def _with_moments(job: Job, moments: Mapping[str, str]) -> Job:
    """Return the job with the times that `--since` and `--until` had when the run began."""
    times: dict[str, Any] = {name: parse_time(text) for name, text in moments.items()}
    return dataclasses.replace(job, selection=dataclasses.replace(job.selection, **times))
