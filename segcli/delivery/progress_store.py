"""Progress stores: what a run saves so that a later run can continue."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from segcli.accounting.rejects import RejectStore
from segcli.core.line import Line, Result
from segcli.journal.event_parts import SettledAction
from segcli.journal.pending import PendingLines, all_lines
from segcli.lines.chunks import Input
from segcli.lines.fingerprint import Mark


class ProgressStore(Protocol):
    """What survives the process. A method raises Stopped if it cannot write."""

    @property
    def earlier_answers(self) -> int:
        """The number of events that the vendor answered in earlier runs."""
        ...

    def begin(self, rejects: RejectStore, inputs: Sequence[Input]) -> None:
        """Prepare the store, before anything is read or sent."""
        ...

    def pending_lines(self, inputs: Sequence[Input], max_line: int) -> Iterator[PendingLines]:
        """Yield the lines that are not settled; called in a separate thread."""
        ...

    def promise(self, lines: int) -> None:
        """Reserve room for the results of this many lines, or actions of lines."""
        ...

    def mark(self, place: int, mark: Mark) -> None:
        """Save how far an input has been read."""
        ...

    def ended(self, place: int, lines: int) -> None:
        """Save that an input has been read to its end, and its number of lines."""
        ...

    @property
    def needs_before_send(self) -> bool:
        """Whether `before_send` must be awaited before lines are sent."""
        ...

    async def before_send(self, lines: Sequence[Line]) -> None:
        """Return when these lines may be sent; raises Stopped if they may not.

        A store may first save that the vendor may have received them, or check that this run still
        owns the journal.
        """
        ...

    @property
    def needs_sync(self) -> bool:
        """Whether a result is durable only after `synced`; False if nothing is saved."""
        ...

    @property
    def gather_seconds(self) -> float:
        """How many seconds results may wait for more before a sync, while no worker needs them."""
        ...

    def settle(self, settled: Result) -> None:
        """Save the result of lines that have reserved room; on disk once `synced` returns."""
        ...

    def settle_actions(self, settled: Result) -> None:
        """Save the result of an action of each line, of which other actions may be open.

        Each has reserved room of its own. `settle` follows once all actions of a line are settled.
        """
        ...

    def settled_actions(self, line: Line) -> Sequence[SettledAction]:
        """Return the actions of a line that earlier runs have settled."""
        ...

    def try_sync(self) -> bool:
        """Put everything on disk if that is quick; False means `synced` must be awaited."""
        ...

    async def synced(self) -> None:
        """Return when everything so far is on disk."""
        ...

    def end(self, *, finished: bool) -> None:
        """Close the files; `finished` means that nothing is left to do."""
        ...


class NullProgressStore:
    """A progress store that saves nothing: the run reads every line and cannot be resumed."""

    @property
    def earlier_answers(self) -> int:
        """No earlier run is known."""
        return 0

    def begin(self, rejects: RejectStore, inputs: Sequence[Input]) -> None:
        """Nothing has to be prepared."""

    def pending_lines(self, inputs: Sequence[Input], max_line: int) -> Iterator[PendingLines]:
        """Yield all lines."""
        return all_lines(inputs, max_line)

    def promise(self, lines: int) -> None:
        """No room is needed."""

    def mark(self, place: int, mark: Mark) -> None:
        """Nothing is saved."""

    def ended(self, place: int, lines: int) -> None:
        """Nothing is saved."""

    @property
    def needs_before_send(self) -> bool:
        """Lines are sent without being saved first."""
        return False

    async def before_send(self, lines: Sequence[Line]) -> None:
        """Nothing is saved."""

    @property
    def needs_sync(self) -> bool:
        """Results end at once: nothing has to reach a disk."""
        return False

    @property
    def gather_seconds(self) -> float:
        """Nothing has to reach a disk."""
        return 0.0

    def settle(self, settled: Result) -> None:
        """Nothing is saved."""

    def settle_actions(self, settled: Result) -> None:
        """Nothing is saved."""

    def settled_actions(self, line: Line) -> Sequence[SettledAction]:  # noqa: ARG002  # the interface
        """No earlier run is known."""
        return ()

    def try_sync(self) -> bool:
        """There is nothing to put on disk."""
        return True

    async def synced(self) -> None:
        """There is nothing to wait for."""

    def end(self, *, finished: bool) -> None:
        """There is nothing to close."""
