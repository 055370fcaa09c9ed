"""A sync of an audience or trait: the record of a run whose events are changes of a state."""

from collections.abc import Iterator, Sequence
from itertools import islice

from segcli.delivery.fingerprint import Mark
from segcli.delivery.reading import Reading
from segcli.delivery.rejects import Rejects
from segcli.delivery.settled import Line, Settled
from segcli.delivery.source import Input
from segcli.delivery.state import Difference, State
from segcli.delivery.sync import GroupSync
from segcli.engage import Computation, identify

_LINES = 200


class Syncing:
    """What the vendor was told becomes the state only as it is delivered, in that order.

    An interrupted sync leaves the rest to be told; the next one makes the difference anew.
    """

    def __init__(
        self, state: State, difference: Difference, computation: Computation, *, at: str
    ) -> None:
        self._state = state
        self._difference = difference
        self._computation = computation
        self._at = at
        self._delivered: list[int] = []
        self._sync = GroupSync(-1, to_disk=self._tell)

    @property
    def answered(self) -> int:
        """No earlier run counts: what it told is in the state."""
        return 0

    def begin(self, rejects: Rejects, inputs: Sequence[Input]) -> None:
        """Nothing has to be taken up."""

    def readings(self, inputs: Sequence[Input], max_line: int) -> Iterator[Reading]:  # noqa: ARG002  # the state is what is read
        """Yield the bad rows, then an identify event for each change."""
        title = inputs[0].title
        bad = (
            (Line(title, row.line, row.text.encode()), row.problem)
            for row in self._state.bad_rows()
        )
        while some := list(islice(bad, _LINES)):
            yield Reading(0, (), 0, rejected=some)
        lines = self._lines(title)
        while events := list(islice(lines, _LINES)):
            yield Reading(0, events, sum(line.size for line in events))

    def promise(self, lines: int) -> None:
        """The database makes its own room."""

    def mark(self, place: int, mark: Mark) -> None:
        """The members are staged in the state as a whole."""

    def settle(self, settled: Settled) -> None:
        """Note what was delivered; it is the state's once `synced` returns."""
        if settled.state == "delivered":
            self._delivered.extend(line.place for line in settled.lines)
            self._sync.wrote()

    async def synced(self) -> None:
        """Return when everything delivered so far is in the state, on disk; raises Stopped."""
        await self._sync.synced()

    def end(self, *, finished: bool) -> None:
        """Put what is left in the state; note the sync if it reached its end."""
        self._tell(-1)
        if finished:
            self._state.note_sync(self._difference, self._at)

    def _lines(self, title: str) -> Iterator[Line]:
        for number, line, change in self._state.changes(self._difference):
            event = identify(change, self._computation, timestamp=self._at)
            yield Line(title, line, event, place=number)

    def _tell(self, _: int) -> None:
        # Lines may be settled while the database writes: only those taken here are told.
        count = len(self._delivered)
        if count:
            self._state.tell(self._difference, self._delivered[:count])
            del self._delivered[:count]
