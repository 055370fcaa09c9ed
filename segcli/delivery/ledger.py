"""The ledger: every line is opened once and ends once, kept where it has to be, and counted."""

from collections.abc import Sequence

from segcli.delivery.fingerprint import Mark
from segcli.delivery.journal import Journal
from segcli.delivery.rejects import Rejects
from segcli.delivery.settled import Settled
from segcli.delivery.source import Input
from segcli.delivery.tally import Tally

_KEPT = frozenset({"refused", "rejected"})


class Ledger:
    """Accounts for every line of a run.

    A line that is refused or rejected is in the rejects file, and then in the journal, before it
    is counted. What was opened and not settled is unsent.
    """

    def __init__(self, tally: Tally, rejects: Rejects, journal: Journal | None = None) -> None:
        self._tally = tally
        self._rejects = rejects
        self._journal = journal
        self._open = 0

    def begin(self, inputs: Sequence[Input]) -> None:
        """Find out which lines a killed run has kept without getting to say so in the journal."""
        if self._journal is None:
            return
        past = self._journal.past
        places = {entry.title: entry.place for entry in inputs}
        since = self._journal.rejects_since(self._rejects.path)
        self._rejects.leave_out_kept(
            since, lambda file, line: not past.is_settled(places.get(file, -1), line)
        )

    def open(self, lines: int, place: int = 0, mark: Mark | None = None) -> None:
        """Count lines as read; `mark` is how far their input has been read.

        Raises Stopped where the journal has no room left to account for them.
        """
        if self._journal:
            self._journal.promise(lines)
            if mark:
                self._journal.mark(place, mark)
        self._open += lines
        self._tally.read += lines

    async def settle(self, settled: Settled) -> None:
        """End lines in their state, on disk when this returns; raises Stopped where it cannot be.

        Skipped lines alone do not wait for the disk: the next run would skip them again.
        """
        if settled.state in _KEPT:
            self._rejects.keep(settled)
            if self._journal:
                await self._rejects.synced()
        if self._journal:
            self._journal.settle(settled)
        self._open -= len(settled.lines)
        self._tally.count(settled.state, settled.reason, len(settled.lines))
        self._tally.bytes_settled += sum(line.size for line in settled.lines)
        if self._journal and settled.state != "skipped":
            await self._journal.synced()

    def close(self, *, finished: bool) -> None:
        """Count what is still open as unsent; remove a journal that there is no use for."""
        self._tally.count("unsent", lines=self._open)
        self._open = 0
        self._rejects.close()
        if self._journal is None:
            return
        if finished or not self._journal.past.is_worth_resuming:
            self._journal.remove()
        else:
            self._journal.close()
