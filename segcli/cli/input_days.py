"""Which inputs a run reads: of an archive only the days that may hold what is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from segcli.cli.options import Files, JobOptions
from segcli.cli.output import say
from segcli.core.outcome import Job
from segcli.core.secret import display_address
from segcli.core.selection import Selection
from segcli.errors import UsageError
from segcli.inputs import Days, Input, Looked, inputs, look, split
from segcli.inputs.first_lines import judge_events
from segcli.inputs.input import is_address
from segcli.inputs.judgement import Judge, take_all


@dataclass(frozen=True, slots=True)
class InputChoice:
    """The inputs that are read, and those whose day cannot hold an event that is asked for."""

    inputs: Sequence[Input]
    left_out: Sequence[Input] = ()


def find_inputs(asked: Files) -> Sequence[Input]:
    """Return the inputs that are named, and say so where it takes a while to look at them."""
    for name in asked.files:
        if is_address(name) and not asked.quiet:
            say(f"Looking at {display_address(name)} …")
    found = inputs(asked.files)
    if not asked.quiet:
        say(*found.notes)
    return found


def first_look(found: Sequence[Input], asked: Files, judge: Judge = judge_events) -> Looked:
    """Look at the inputs before anything is done with them; raises InputError.

    With `--no-first-look` every line is read, whatever an input looks like.
    """
    return look(found, take_all if asked.no_first_look else judge)


def choose(entries: Sequence[Input], asked: JobOptions, job: Job) -> InputChoice:
    """Leave out the days of an archive that lie outside `--since` and `--until` for sure."""
    lateness = asked.allowed_lateness
    _check_window(asked, job.selection)
    if lateness is not None and not job.selection.until:
        raise UsageError("--allowed-lateness means nothing without --until", "Add --until TIME.")
    days = Days(
        since=job.selection.since,
        until=job.selection.until,
        lateness=None if lateness is None else timedelta(seconds=lateness),
    )
    return InputChoice(*split(entries, days))


def _check_window(asked: JobOptions, selection: Selection) -> None:
    """Raise UsageError where no time lies between `--since` and `--until` as the run began."""
    since, until = selection.since, selection.until
    if asked.since and asked.until and since and until and since >= until:
        raise UsageError(
            f"--until {asked.until.text} is not later than --since {asked.since.text}, so no event "
            "can lie between them",
            "Give the earlier time to --since. The time of --until itself is left out.",
        )


def describe_skipped(left_out: Sequence[Input]) -> str:
    """Say how many files are left out; nothing where none is."""
    if not left_out:
        return ""
    size = sum(entry.size or 0 for entry in left_out)
    files = "1 file" if len(left_out) == 1 else f"{len(left_out):,} files"
    return f"{files} ({size:,} bytes) of days outside --since and --until not read"
