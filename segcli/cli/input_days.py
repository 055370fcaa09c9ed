"""Finds the inputs that the command names, and judges them by their first lines."""

from collections.abc import Sequence

from segcli.cli.options import Files
from segcli.cli.output import say
from segcli.core.plural import count_of
from segcli.core.secret import display_address
from segcli.inputs import Input, Looked, inputs, look
from segcli.inputs.first_event import judge_events
from segcli.inputs.input import is_address
from segcli.inputs.judgement import HeadJudge, accept_all


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
    return look(found, judge_of(options, judge))


def judge_of(options: Files, judge: HeadJudge = judge_events) -> HeadJudge:
    """Return what judges the inputs by their first lines."""
    return accept_all if options.no_first_look else judge


def describe_skipped(left_out: Sequence[Input]) -> str:
    """Return a sentence about the files that are left out; empty if there are none."""
    if not left_out:
        return ""
    size = sum(entry.size or 0 for entry in left_out)
    files = count_of(len(left_out), "file")
    return f"{files} ({size:,} bytes) of days outside --since and --until not read"
