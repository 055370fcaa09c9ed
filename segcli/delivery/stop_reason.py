"""Why a run stops that cannot go on: the error with its reason, and what to type next."""

from segcli.core.destination import Destination
from segcli.core.line import Line
from segcli.core.outcome import Job
from segcli.core.settings import Setting, describe, how_to_set
from segcli.errors import Stopped

# The setting for the number of events in a request.
_BATCH_SETTING = "batch"
# A body of this size is never the reason why there is no reply.
_NEVER_TOO_LARGE = 1_000
_LATER = "Nothing is lost: unsent events can be sent later."


def stopped_by(job: Job, reason: str, setting: str) -> Stopped:
    """Return the error for a verdict that stops the run, such as a wrong key.

    `setting` is the setting to check, if the destination has it.
    """
    name = job.destination.name
    known = hasattr(job.settings, setting)
    rows = _settings(job.destination)
    hint = f"Check {setting}. {how_to_set(name, setting, rows)}" if known else ""
    return Stopped(f"{name} {reason}", hint)


def asked_too_long(name: str, reason: str, *, retry_after: float, retry_for: float) -> Stopped:
    """Return the error for a vendor that asks to wait longer than the run may."""
    left = "" if retry_after > retry_for else "what is left of "
    wait = f"{name} asks to wait {retry_after:.0f} s ({reason})"
    return Stopped(f"{wait}, longer than {left}--retry-for {retry_for:g} s", _LATER)


def nothing_taken(name: str, reason: str, *, line: Line, retry_for: float) -> Stopped:
    """Return the error for a vendor that took nothing for so long; `line` is of the last event."""
    return Stopped(
        f"{name} took nothing for {retry_for:g} s; the last answer, at {line.file}:{line.number}, "
        f"was: {reason}",
        _LATER,
    )


def may_be_too_large(size: int, *, largest_answered: int) -> bool:
    """Return True if a body may have no reply because of its size; sizes are in bytes."""
    return size > max(_NEVER_TOO_LARGE, largest_answered)


def advise(stopped: Stopped, destination: Destination[object], *, events: int, size: int) -> None:
    """Add a hint to the error of a run that stopped after a body of `size` bytes had no reply.

    If a setting makes bodies smaller, the command that continues gets it.
    """
    advice = f"{destination.name} closes the connection on bodies of {_kilobytes(size)}"
    if events == 1:
        advice += ", which is one event."
    elif any(row.is_grouping and row.name == _BATCH_SETTING for row in _settings(destination)):
        fewer = f"{_BATCH_SETTING}={max(1, events // 10)}"
        advice += f", {events:,} events. Try smaller ones: --set {fewer}"
        stopped.more = ("--set", fewer)
    elif destination.layout:
        advice += f", {events:,} events. Try smaller ones: fewer events in the [batch] of its file."
    else:
        advice += f", {events:,} events."
    stopped.hint = f"{advice}\n{stopped.hint}"


def _settings(destination: Destination[object]) -> list[Setting]:
    return describe(destination.name, destination.settings)


def _kilobytes(size: int) -> str:
    return f"{size / 1000:,.{0 if size >= 10_000 else 1}f} kB"
