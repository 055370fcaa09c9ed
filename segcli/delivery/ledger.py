"""The ledger: every line is opened once and ends once, kept where it has to be, and counted."""

from collections.abc import Sequence

from segcli.delivery.fingerprint import Mark
from segcli.delivery.record import Record
from segcli.delivery.rejects import Rejects
from segcli.delivery.settled import Line, Settled
from segcli.delivery.source import Input
from segcli.delivery.tally import Tally

_KEPT = frozenset({"refused", "rejected"})


class Ledger:
    """Accounts for every line of a run.

    A line that is refused or rejected is in the rejects file, and then in the record, before it
    is counted. What was opened and not settled is unsent.
    """

    def __init__(self, tally: Tally, rejects: Rejects, record: Record | None = None) -> None:
        self._tally = tally
        self._rejects = rejects
        self._record = record
        self._open = 0

    def begin(self, inputs: Sequence[Input]) -> None:
        """Take up the record, before anything is read or sent."""
        if self._record:
            self._record.begin(self._rejects, inputs)

    def open(self, lines: int, place: int = 0, mark: Mark | None = None) -> None:
        """Count lines as read; `mark` is how far their input has been read.

        Raises Stopped where the record has no room left to account for them.
        """
        if self._record:
            self._record.promise(lines)
            if mark:
                self._record.mark(place, mark)
        self._open += lines
        self._tally.read += lines

    def ended(self, place: int, lines: int) -> None:
        """Note that an input has been read to its end, and how many lines it has."""
        if self._record:
            self._record.ended(place, lines)

    async def leaving(self, lines: Sequence[Line]) -> None:
        """Return when these may be sent; raises Stopped where the record cannot say so."""
        if self._record:
            await self._record.leaving(lines)

    @property
    def has_record(self) -> bool:
        """Tell whether what is settled is remembered on disk."""
        return self._record is not None

    async def settle(self, settled: Settled) -> None:
        """End lines in their state; it survives this process. Raises Stopped where it cannot."""
        if settled.state in _KEPT:
            self._rejects.keep(settled)
            if self._record:
                await self._rejects.synced()
        if self._record:
            self._record.settle(settled)
        self._open -= len(settled.lines)
        self._tally.count(settled.state, settled.reason, len(settled.lines))
        self._tally.bytes_settled += sum(line.size for line in settled.lines)

    async def on_disk(self) -> None:
        """Return when all that was settled survives the machine too; raises Stopped."""
        if self._record:
            await self._record.synced()

    def close(self, *, finished: bool) -> None:
        """Count what is still open as unsent; let go of the files."""
        self._tally.count("unsent", lines=self._open)
        self._open = 0
        self._rejects.close()
        if self._record:
            self._record.end(finished=finished)
