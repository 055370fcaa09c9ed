"""A sync of an audience or trait: the record of a run whose events are changes of a state."""

import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice

from segcli.accounting.group_commit import GroupSync
from segcli.accounting.rejects import Rejects
from segcli.core.line import Line, Result
from segcli.engage.identify import Computation, identify
from segcli.engage.state import DeliveryState, EngageState, MemberChanges
from segcli.journal.pending import PendingLines
from segcli.lines.chunks import Input
from segcli.lines.fingerprint import Mark

_LINES = 200


class SyncProgress:
    """What the vendor was told becomes the state only as it is delivered, in that order.

    What may be with the vendor is in doubt on disk before it leaves. An interrupted sync leaves
    the rest to be told; the next one makes the difference anew.
    """

    def __init__(
        self, state: EngageState, difference: MemberChanges, computation: Computation, *, at: str
    ) -> None:
        self._state = state
        self._difference = difference
        self._computation = computation
        self._at = at
        # How often each change has left that has no answer yet.
        self._out: Counter[int] = Counter()
        self._fates: deque[tuple[DeliveryState, int]] = deque()
        self._writing = threading.Lock()
        self._sync = GroupSync(-1, to_disk=lambda _: self._write())

    @property
    def earlier_answers(self) -> int:
        """No earlier run counts: what it told is in the state."""
        return 0

    def begin(self, rejects: Rejects, inputs: Sequence[Input]) -> None:
        """Nothing has to be taken up."""

    def readings(self, inputs: Sequence[Input], max_line: int) -> Iterator[PendingLines]:  # noqa: ARG002  # the state is what is read
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
        """The database makes its own room."""

    def mark(self, place: int, mark: Mark) -> None:
        """The members are staged in the state as a whole."""

    def ended(self, place: int, lines: int) -> None:
        """The members are staged in the state as a whole."""

    @property
    def minds_leaving(self) -> bool:
        """What may be with the vendor is in doubt."""
        return True

    async def leaving(self, lines: Sequence[Line]) -> None:
        """Return when it is on disk that the vendor may know these changes; raises Stopped."""
        fresh = [line.place for line in lines if line.place not in self._out]
        self._out.update(line.place for line in lines)
        if fresh:
            self._fates.extend(("sent", number) for number in fresh)
            self._sync.wrote()
            await self._sync.synced()

    def settle(self, settled: Result) -> None:
        """Note what was delivered, or surely not; it is the state's once `synced` returns.

        What left more than once may have been taken before it was refused.
        """
        for line in settled.lines:
            times = self._out.pop(line.place, 0)
            if settled.state == "delivered":
                self._fates.append(("delivered", line.place))
            elif settled.state == "refused" and times == 1:
                self._fates.append(("refused", line.place))
        self._sync.wrote()

    @property
    def needs_sync(self) -> bool:
        """Results are durable only after `synced`."""
        return True

    def is_synced_at_once(self) -> bool:
        """A database takes its time."""
        return False

    async def synced(self) -> None:
        """Return when everything delivered so far is in the state, on disk; raises Stopped."""
        await self._sync.synced()

    def end(self, *, finished: bool) -> None:
        """Put what is left in the state; note the sync if it reached its end."""
        self._write()
        if finished:
            self._state.note_sync(self._difference, self._at)

    def _lines(self, title: str) -> Iterator[Line]:
        for number, line, change in self._state.changes(self._difference):
            event = identify(change, self._computation, timestamp=self._at)
            yield Line(title, line, event, place=number)

    def _write(self) -> None:
        """Put in the state what there is at this moment; more may come meanwhile."""
        with self._writing:
            fates = [self._fates.popleft() for _ in range(len(self._fates))]
            if fates:
                self._state.note(self._difference, fates)
