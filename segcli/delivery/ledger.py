"""The ledger: every line is opened once and ends once, kept where it has to be, and counted."""

from segcli.delivery.rejects import Rejects
from segcli.delivery.settled import Settled
from segcli.delivery.tally import Tally


class Ledger:
    """Accounts for every line of a run.

    A line that is refused or rejected is in the rejects file before it is counted. What was
    opened and not settled is unsent.
    """

    def __init__(self, tally: Tally, rejects: Rejects | None) -> None:
        self._tally = tally
        self._rejects = rejects
        self._open = 0

    def open(self, lines: int = 1) -> None:
        """Count lines as read."""
        self._open += lines
        self._tally.read += lines

    async def settle(self, settled: Settled) -> None:
        """End lines in their state; raises Stopped where a line cannot be kept."""
        if self._rejects and settled.state in {"refused", "rejected"}:
            self._rejects.keep(settled)
        self._open -= len(settled.lines)
        self._tally.count(settled.state, settled.reason, len(settled.lines))

    def close(self) -> None:
        """Count what is still open as unsent and close the rejects file."""
        self._tally.count("unsent", lines=self._open)
        self._open = 0
        if self._rejects:
            self._rejects.close()
