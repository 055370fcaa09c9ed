"""The ledger: every line is opened once and ends once, kept where it has to be, and counted."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Protocol

from segcli.accounting.rejects import Rejects
from segcli.accounting.tally import Tally
from segcli.core.line import Line, Result
from segcli.errors import Stopped
from segcli.journal.pending import PendingLines
from segcli.lines.chunks import Input
from segcli.lines.fingerprint import Mark


class ProgressStore(Protocol):
    """What survives the process. Every method but the last raises Stopped where it cannot."""

    @property
    def earlier_answers(self) -> int:
        """How many events earlier runs have had answers for."""
        ...

    def begin(self, rejects: Rejects, inputs: Sequence[Input]) -> None:
        """Take up the work, before anything is read or sent."""
        ...

    def readings(self, inputs: Sequence[Input], max_line: int) -> Iterator[PendingLines]:
        """Yield what is not settled; called in a thread of its own."""
        ...

    def promise(self, lines: int) -> None:
        """Make sure that so many lines can be remembered once they are settled."""
        ...

    def mark(self, place: int, mark: Mark) -> None:
        """Remember how far an input has been read."""
        ...

    def ended(self, place: int, lines: int) -> None:
        """Remember that an input has been read to its end, and how many lines it has."""
        ...

    @property
    def minds_leaving(self) -> bool:
        """Whether lines have to be remembered before they leave."""
        ...

    async def leaving(self, lines: Sequence[Line]) -> None:
        """Remember, on disk when this returns, that the vendor may know these from now on."""
        ...

    def settle(self, settled: Result) -> None:
        """Remember lines that were promised room; on disk once `synced` returns."""
        ...

    def is_synced_at_once(self) -> bool:
        """Put everything so far on disk if that takes no time; False: it has to be awaited."""
        ...

    async def synced(self) -> None:
        """Return when everything so far is on disk."""
        ...

    def end(self, *, finished: bool) -> None:
        """Let go of the files; `finished` means that nothing is left to do."""
        ...


_KEPT = frozenset({"refused", "rejected"})


class Ledger:
    """Accounts for every line of a run.

    A line that is refused or rejected is in the rejects file, and then in the record, before it
    is counted. What was opened and not settled is unsent. `failure` is why what was delivered could
    not be kept.
    """

    def __init__(self, tally: Tally, rejects: Rejects, record: ProgressStore | None = None) -> None:
        self._tally = tally
        self._rejects = rejects
        self._record = record
        self._open = 0
        self._delivered: list[Line] = []
        self.failure: Stopped | None = None

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

    @property
    def minds_leaving(self) -> bool:
        """Tell whether lines have to be `leaving` before they are sent."""
        return self._record is not None and self._record.minds_leaving

    async def leaving(self, lines: Sequence[Line]) -> None:
        """Return when these may be sent; raises Stopped where the record cannot say so."""
        if self._record:
            await self._record.leaving(lines)

    @property
    def has_record(self) -> bool:
        """Tell whether what is settled is remembered on disk."""
        return self._record is not None

    def delivered(self, lines: Sequence[Line]) -> None:
        """End lines that the vendor has taken.

        That survives this process after this turn of the event loop. Where it cannot be kept
        `failure` and `on_disk` say so.
        """
        if self._record:
            self._end_soon(lines)
        else:
            self._end(Result(lines, "delivered"))

    async def settle(self, settled: Result) -> None:
        """End lines that nothing took. Raises Stopped where that cannot be kept.

        It survives this process when this returns.
        """
        if settled.state in _KEPT:
            self._rejects.keep(settled)
            if self._record:
                await self._rejects.synced()
        self._end(settled)

    async def on_disk(self) -> None:
        """Return when all that was settled survives the machine too; raises Stopped."""
        if not self.is_on_disk_at_once() and self._record:
            await self._record.synced()

    def is_on_disk_at_once(self) -> bool:
        """Let all that was settled survive the machine if that takes no time; raises Stopped.

        False: it has to be awaited.
        """
        self._end_delivered()
        if self.failure:
            raise self.failure
        return self._record is None or self._record.is_synced_at_once()

    def _end_soon(self, lines: Sequence[Line]) -> None:
        """End lines with all others that are delivered in this turn of the event loop.

        Measured: to write each of them on its own took a fifth of the time of a run.
        """
        if not self._delivered:
            asyncio.get_running_loop().call_soon(self._end_delivered)
        self._delivered += lines

    def _end_delivered(self) -> None:
        lines, self._delivered = self._delivered, []
        if not lines:
            return
        try:
            self._end(Result(lines, "delivered"))
        except Stopped as error:
            self.failure = error

    def _end(self, settled: Result) -> None:
        if self._record:
            self._record.settle(settled)
        self._open -= len(settled.lines)
        self._tally.count(settled.state, settled.reason, len(settled.lines))
        self._tally.bytes_settled += sum(line.size for line in settled.lines)

    def close(self, *, finished: bool) -> None:
        """Count what is still open as unsent; let go of the files."""
        self._end_delivered()
        self._tally.count("unsent", lines=self._open)
        self._open = 0
        self._rejects.close()
        if self._record:
            self._record.end(finished=finished)
