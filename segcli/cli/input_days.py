"""Selects the inputs of a run; in an archive, the days that `--since` and `--until` allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from segcli.cli.options import Files, JobOptions
from segcli.cli.output import say
from segcli.core.plural import count_of
from segcli.core.secret import display_address
from segcli.core.selection import Selection
from segcli.errors import UsageError
from segcli.inputs import Days, Input, Looked, inputs, look, split
from segcli.inputs.first_event import judge_events
from segcli.inputs.input import is_address
from segcli.inputs.judgement import HeadJudge, accept_all


@dataclass(frozen=True, slots=True)
class InputChoice:
    """The inputs of a run.

    inputs: those that are read
    left_out: those whose day cannot hold a selected event
    """

    inputs: Sequence[Input]
    left_out: Sequence[Input] = ()


def find_inputs(options: Files) -> Sequence[Input]:
    """Return the inputs that are named. Looking at an address takes time, so announce it."""
    for name in options.files:
        if is_address(name) and not options.quiet:
            say(f"Looking at {display_address(name)} …")
    found = inputs(options.files)
    if not options.quiet:
        say(*found.notes)
    return found


def first_look(found: Sequence[Input], options: Files, judge: HeadJudge = judge_events) -> Looked:
    """Judge the inputs by their first lines. Raises InputError if one must be converted.

    With `--no-first-look` every input is accepted.
    """
    return look(found, accept_all if options.no_first_look else judge)


def choose(entries: Sequence[Input], options: JobOptions, selection: Selection) -> InputChoice:
    """Leave out the days of an archive that are certainly outside `--since` and `--until`.

    Raises UsageError if these options contradict each other.
    """
    lateness = options.allowed_lateness
    _check_window(options, selection)
    if lateness is not None and not selection.until:
        raise UsageError("--allowed-lateness needs --until", "Add --until TIME.")
    days = Days(
        since=selection.since,
        until=selection.until,
        lateness=None if lateness is None else timedelta(seconds=lateness),
    )
    return InputChoice(*split(entries, days))


def _check_window(options: JobOptions, selection: Selection) -> None:
    """Raise UsageError if `--until` is not later than `--since`."""
    since, until = selection.since, selection.until
    if options.since and options.until and since and until and since >= until:
        raise UsageError(
            f"--until {options.until} is not later than --since {options.since}, "
            "so no event can be between them",
            "Give the earlier time to --since. --until excludes its own time.",
        )


def describe_skipped(left_out: Sequence[Input]) -> str:
    """Return a sentence about the files that are left out; empty if there are none."""
    if not left_out:
        return ""
    size = sum(entry.size or 0 for entry in left_out)
    files = count_of(len(left_out), "file")
    return f"{files} ({size:,} bytes) of days outside --since and --until not read"
