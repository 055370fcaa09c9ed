"""Which inputs of a run are read: in an archive, the days that `since` and `until` allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from segcli.core.selection import Selection
from segcli.errors import UsageError
from segcli.inputs import Days, Input, split
from segcli.job_spec import SelectionSpec


@dataclass(frozen=True, slots=True)
class InputChoice:
    """The inputs of a run.

    inputs: those that are read.
    left_out: those whose day cannot hold a selected event.
    """

    inputs: Sequence[Input]
    left_out: Sequence[Input] = ()


def choose(entries: Sequence[Input], spec: SelectionSpec, selection: Selection) -> InputChoice:
    """Leave out the days of an archive that are certainly outside `since` and `until`.

    `selection` is that of the job, whose times may be those of an earlier run. Raises UsageError if
    the options contradict each other.
    """
    lateness = spec.allowed_lateness
    _check_window(spec, selection)
    if lateness is not None and not selection.until:
        raise UsageError("--allowed-lateness needs --until", "Add --until TIME.")
    days = Days(
        since=selection.since,
        until=selection.until,
        lateness=None if lateness is None else timedelta(seconds=lateness),
    )
    return InputChoice(*split(entries, days))


def _check_window(spec: SelectionSpec, selection: Selection) -> None:
    """Raise UsageError if `until` is not later than `since`."""
    since, until = selection.since, selection.until
    if spec.since and spec.until and since and until and since >= until:
        raise UsageError(
            f"--until {spec.until} is not later than --since {spec.since}, "
            "so no event can be between them",
            "Give the earlier time to --since. --until excludes its own time.",
        )
