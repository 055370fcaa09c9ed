"""What to try if a vendor closes the connection on a large body instead of replying."""

from segcli.core.destination import Destination
from segcli.core.settings import Setting, describe
from segcli.errors import Stopped

# The setting for the number of events in a request.
_BATCH = "batch"
# A body of this size is never the reason.
_SMALL = 1_000


def may_be_too_large(size: int, *, largest_answered: int) -> bool:
    """Return True if a body may have no reply because of its size; sizes are in bytes."""
    return size > max(_SMALL, largest_answered)


def advise(stopped: Stopped, destination: Destination[object], *, events: int, size: int) -> None:
    """Add a hint to the error of a run that stopped after a body of `size` bytes had no reply.

    If a setting makes bodies smaller, the command that continues gets it.
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
