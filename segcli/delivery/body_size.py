"""What to try with a vendor that closes the connection on a large body, instead of replying."""

from segcli.core.destination import Destination
from segcli.core.settings import Setting, describe
from segcli.errors import Stopped

# The setting of a destination that says how many events share a request.
_BATCH = "batch"
# What no vendor finds too large.
_SMALL = 1_000


def may_be_too_large(size: int, *, largest_answered: int) -> bool:
    """Return whether the size of a body may be why it has no reply; sizes are in bytes."""
    return size > max(_SMALL, largest_answered)


def advise(stopped: Stopped, destination: Destination[object], *, events: int, size: int) -> None:
    """Say of a run that stopped that so many events in a body of so many bytes had no reply.

    Where a setting makes bodies smaller, the command that goes on gets it.
    """
    advice = f"{destination.name} closes the connection on bodies of {_kilobytes(size)}"
    if events == 1:
        advice += ", which is one event."
    elif any(row.is_grouping and row.name == _BATCH for row in _settings(destination)):
        fewer = f"{_BATCH}={max(1, events // 10)}"
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
