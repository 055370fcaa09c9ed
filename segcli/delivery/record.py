"""The record: where a run remembers on disk what is settled, and what is still to be read.

A replay has a `Journal`, a sync of an audience its state; the ledger needs no more of either.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from segcli.accounting.rejects import Rejects
from segcli.core.line import Line, Settled
from segcli.journal.pending import Reading
from segcli.lines.chunks import Input
from segcli.lines.fingerprint import Mark


class Record(Protocol):
    """What survives the process. Every method but the last raises Stopped where it cannot."""

    @property
    def answered(self) -> int:
        """How many events earlier runs have had answers for."""
        ...

    def begin(self, rejects: Rejects, inputs: Sequence[Input]) -> None:
        """Take up the work, before anything is read or sent."""
        ...

    def readings(self, inputs: Sequence[Input], max_line: int) -> Iterator[Reading]:
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

    def settle(self, settled: Settled) -> None:
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
