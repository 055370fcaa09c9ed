"""The journal of a `send`: where it is, and what to type to resume the run."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import click

from segcli.cli.configured import options_from_environment
from segcli.cli.options import JobOptions
from segcli.cli.state_folder import state_folder
from segcli.core.outcome import Job
from segcli.core.redaction import Redactor
from segcli.core.secret import Secret, display_address
from segcli.core.settings import BY_DEFAULT, Place, describe
from segcli.core.visible_text import shell_quoted
from segcli.errors import UsageError
from segcli.runs.send_start import (
    SendPlan,
    check_start,
    journal_at,
    journal_header,
)

if TYPE_CHECKING:
    from segcli.runs.send_start import JournalPlace

# A pattern may stand for thousands of files.
_MAX_COMMAND = 8 * 1024


class JournalOptions(Protocol):
    """The options of the journal."""

    @property
    def journal(self) -> str | None:
        """Where the journal is, if the user named it."""

    @property
    def resume(self) -> bool:
        """Whether to continue an earlier run."""

    @property
    def restart(self) -> bool:
        """Whether to forget an earlier run."""


def place_of_journal(plan: SendPlan, resume_options: JournalOptions) -> "JournalPlace | None":
    """Return the place of the run's journal, or None if it has none; raises UsageError."""
    check_start(resume=resume_options.resume, restart=resume_options.restart)
    again = all(entry.can_be_read_again for entry in plan.inputs)
    if resume_options.journal is not None:
        return journal_at(resume_options.journal, plan.names)
    if plan.rehearsal or not again:
        if resume_options.resume or resume_options.restart:
            why = "--sandbox" if plan.rehearsal else "stdin"
            raise UsageError(f"{why} has a journal only if you name one", "Add --journal PATH.")
        return None
    from segcli.journal.resume import default_journal

    return default_journal(state_folder(), journal_header(plan))


def how_to_resume(options: JobOptions, job: Job, more: Sequence[str] = ()) -> str:
    """Return the command that continues where this one stopped; it shows no key.

    `more` is a setting that the command gets, in place of another value of the setting.
    """
    lines = _command(options, job, [*more, "--resume"])
    return "\n".join(["To continue where it stopped, type:", f"  {lines[0]}", *lines[1:]])


def how_to_send_again(options: JobOptions, job: Job, more: Sequence[str] = ()) -> str:
    """Return the command that sends everything, for a run that settled nothing; it shows no key.

    `more` is as for `how_to_resume`.
    """
    lines = _command(options, job, more)
    why = "Nothing was settled, so there is nothing to resume."
    return "\n".join([why, "To try again, type:", f"  {lines[0]}", *lines[1:]])


def _command(options: JobOptions, job: Job, more: Sequence[str]) -> list[str]:
    """Return the typed command with these words, and notes on what it does not show."""
    typed = [word for word in sys.argv[1:] if word not in {"--resume", "--restart"}]
    # Only files follow `--`.
    end = typed.index("--") if "--" in typed else len(typed)
    redactor = redactor_of_words(typed[:end], job)
    typed[end:end] = [*_settings_from_environment(job, redactor), *_options_from_environment()]
    arguments = _without_setting(typed, more)
    shown = [without_secrets(word, redactor) for word in arguments]
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


def _settings_from_environment(job: Job, redactor: Redactor) -> Iterator[str]:
    """Yield the settings that variables set, as words; none that is or holds a key."""
    for row in describe(job.destination.name, job.destination.settings):
        is_from_variable = job.origins.get(row.name, BY_DEFAULT).place is Place.ENVIRONMENT
        if is_from_variable and row.kind is not Secret:
            word = f"{row.name}={_as_text(getattr(job.settings, row.name))}"
            if without_secrets(word, redactor) == word:
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


def redactor_of_words(words: Sequence[str], job: Job) -> Redactor:
    """Return what hides the keys of a job in the words of a command line.

    Keys typed with --set are hidden also where the job has others: a sandbox has a key of its own.
    """
    rows = describe(job.destination.name, job.destination.settings)
    keys = {row.name for row in rows if row.kind is Secret or row.name == "api_key"}
    typed = (value for name, value in _typed_settings(words) if name in keys)
    return Redactor([*job.secrets(), *(form for key in typed for form in Secret(key).forms())])


def _typed_settings(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the names and values of `--set NAME=VALUE` and `--set=NAME=VALUE`."""
    for previous, word in zip(["", *words], words, strict=False):
        setting = word if previous == "--set" else word.removeprefix("--set=")
        if setting is not word or previous == "--set":
            name, _, value = setting.partition("=")
            yield name.strip(), value.strip()


def without_secrets(word: str, redactor: Redactor) -> str:
    """Return a word without keys. The name of an option, like `--sandbox`, holds none."""
    if re.fullmatch(r"--[a-z-]+", word):
        return word
    word = redactor.redact(word)
    return re.sub(r"[a-z][a-z0-9+.-]*://\S+", lambda match: display_address(match[0]), word)


def resuming_anywhere(options: JobOptions, job: Job) -> list[str]:
    """Return the command that resumes the run from any folder, and notes on it; none if long."""
    command, *notes = _command(options, job, ["--resume"])
    try:
        folder = os.getcwd()
    except OSError:  # it was removed
        return []
    lines = [f"cd {shell_quoted(folder)} && {command}", *notes]
    return lines if len(command) <= _MAX_COMMAND else []
