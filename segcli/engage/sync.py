"""The progress store of a sync: its events are the changes of the state."""

import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice

from segcli.accounting.group_commit import GATHER_SECONDS, GroupSync
from segcli.accounting.rejects import RejectStore
from segcli.core.line import Line, Result
from segcli.engage.identify import Computation, identify
from segcli.engage.state import DeliveryState, EngageState, MemberChanges
from segcli.journal.event_parts import SettledAction
from segcli.journal.pending import PendingLines
from segcli.lines.chunks import Input
from segcli.lines.fingerprint import Mark

_LINES = 200


class SyncProgress:
    """The `ProgressStore` of a sync: it stores results in the state, in the order of delivery.

    A change is in doubt, on disk, before it is sent. After an interrupted sync, the next one
    compares again and sends the rest.
    """

    def __init__(
        self, state: EngageState, changes: MemberChanges, computation: Computation, *, at: str
    ) -> None:
        self._state = state
        self._changes = changes
        self._computation = computation
        self._at = at
        # How often each change without a result was sent.
        self._sent: Counter[int] = Counter()
        self._results: deque[tuple[DeliveryState, int]] = deque()
        self._writing = threading.Lock()
        self._sync = GroupSync(-1, to_disk=lambda _: self._write())

    @property
    def earlier_answers(self) -> int:
        """Zero: the results of earlier runs are in the state."""
        return 0

    def begin(self, rejects: RejectStore, inputs: Sequence[Input]) -> None:
        """Do nothing: there is no earlier run to resume."""

    def pending_lines(self, inputs: Sequence[Input], max_line: int) -> Iterator[PendingLines]:  # noqa: ARG002  # it reads the state
        """Yield the bad rows, then an identify event for each change."""
        title = inputs[0].title
        bad = ((Line(title, row.line, row.text), row.problem) for row in self._state.bad_rows())
        while some := list(islice(bad, _LINES)):
            yield PendingLines(0, (), 0, rejected=some)
        lines = self._lines(title)
        while events := list(islice(lines, _LINES)):
            size = sum(line.size for line in events)
            yield PendingLines(0, events, size, stored=size)

    def promise(self, lines: int) -> None:
        """Do nothing: the database allocates its own space."""

    def mark(self, place: int, mark: Mark) -> None:
        """Do nothing: the state holds the whole list."""

    def ended(self, place: int, lines: int) -> None:
        """Do nothing: the state holds the whole list."""

    @property
    def needs_before_send(self) -> bool:
        """True: a change is in doubt once it is sent."""
        return True

    async def before_send(self, lines: Sequence[Line]) -> None:
        """Return when these changes are in doubt on disk; raises Stopped."""
        fresh = [line.place for line in lines if line.place not in self._sent]
        self._sent.update(line.place for line in lines)
        if fresh:
            self._results.extend(("sent", number) for number in fresh)
            self._sync.wrote()
            await self._sync.synced()

    @property
    def gather_seconds(self) -> float:
        """As long as a sync in another thread delays requests."""
        return GATHER_SECONDS

    def settle(self, settled: Result) -> None:
        """Take in a result; it is in the state when `synced` returns.

        A refusal counts only for a change that was sent once: the vendor may have accepted one
        that was sent several times.
        """
        for line in settled.lines:
            times = self._sent.pop(line.place, 0)
            if settled.state == "delivered":
                self._results.append(("delivered", line.place))
            elif settled.state == "refused" and times == 1:
                self._results.append(("refused", line.place))
        self._sync.wrote()

    def settle_actions(self, settled: Result) -> None:
        """Do nothing: a change that only some actions have delivered stays in doubt."""

    def settled_actions(self, line: Line) -> Sequence[SettledAction]:  # noqa: ARG002  # the interface
        """None: after an interrupted sync all actions get a change that is in doubt."""
        return ()

    @property
    def needs_sync(self) -> bool:
        """True: results are durable only after `synced`."""
        return True

    def try_sync(self) -> bool:
        """False: a write to the database takes time."""
        return False

    async def synced(self) -> None:
        """Return when all results so far are in the state, on disk; raises Stopped."""
        await self._sync.synced()

    def end(self, *, finished: bool) -> None:
        """Store the remaining results, and the time of the sync if it has finished."""
        self._write()
        if finished:
            self._state.note_sync(self._changes, self._at)

    def _lines(self, title: str) -> Iterator[Line]:
        for number, line, change in self._state.changes(self._changes):
            event = identify(change, self._computation, timestamp=self._at)
            yield Line(title, line, event, place=number)

    def _write(self) -> None:
        """Store the results that exist now; other threads may add more meanwhile."""
        with self._writing:
            results = [self._results.popleft() for _ in range(len(self._results))]
            if results:
                self._state.note(self._changes, results)
