"""The ledger: counts every line when it is read and once more when it is settled."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from segcli.accounting.reject_samples import RejectSamples
from segcli.accounting.rejects import RejectStore
from segcli.accounting.tally import Tally
from segcli.core.line import Line, Result
from segcli.core.reason import code_of
from segcli.delivery.delivery_log import DeliveryLog
from segcli.delivery.first_delivered import FirstDelivered
from segcli.delivery.open_events import OpenEvents
from segcli.delivery.progress_store import NullProgressStore, ProgressStore
from segcli.errors import Stopped
from segcli.lines.chunks import Input
from segcli.lines.fingerprint import Mark


class Ledger:
    """Accounts for every line of a run.

    A refused or rejected line is written to the rejects file, then to the progress store, and
    only then counted. A line that was read and not settled is unsent. A line that several actions
    take is settled with the last of them; the result of each is in the progress store before.

    samples: keeps a few rejected and refused lines; None if that is not needed.
    first: remembers the first lines that were delivered; None if that is not needed.
    needs_sync: whether a result is durable only after `on_disk`.
    gather_seconds: how long results may wait for more of them before `on_disk`.
    failure: why the result of delivered lines could not be saved; None if it could.
    """

    def __init__(
        self,
        tally: Tally,
        rejects: RejectStore,
        store: ProgressStore | None = None,
        log: DeliveryLog | None = None,
    ) -> None:
        self._log = log
        self._tally = tally
        self.first: FirstDelivered | None = None
        self.samples: RejectSamples | None = None
        self._rejects = rejects
        self._store = store or NullProgressStore()
        self._open = 0
        self._open_actions: Counter[str] = Counter()
        self._events = OpenEvents()
        self._delivered: list[Line] = []
        # Lines whose last action was delivered, and an earlier one was not.
        self._to_keep: list[Result] = []
        self._keeping = asyncio.Lock()
        self.needs_sync = self._store.needs_sync
        self.gather_seconds = self._store.gather_seconds
        self.failure: Stopped | None = None

    def begin(self, inputs: Sequence[Input]) -> None:
        """Prepare the progress store, before anything is read or sent."""
        self._store.begin(self._rejects, inputs)

    def open(self, lines: int, place: int = 0, mark: Mark | None = None) -> None:
        """Count lines as read; `mark` is how far their input has been read.

        Raises Stopped if the progress store has no room left for their results.
        """
        self._store.promise(lines)
        if mark:
            self._store.mark(place, mark)
        self._open += lines
        self._tally.read += lines

    def open_actions(self, actions: Iterable[str]) -> None:
        """Count the action of each event that only one takes, if events are counted by action."""
        self._open_actions.update(actions)

    def open_event(self, line: Line, actions: Sequence[str]) -> Collection[str]:
        """Count an event that several actions take; return the actions that are not settled yet.

        If there are none, it must be ended with `end_event`. Raises Stopped as `open`.
        """
        event = self._events.add(line, actions, self._store.settled_actions(line))
        self._store.promise(len(event.open))
        self._open_actions.update(event.open)
        self._tally.fanned_out += 1
        return frozenset(event.open)

    def settled_actions(self, line: Line) -> Collection[str]:
        """Return the actions of a line that is not settled that an earlier run has settled."""
        return {one.action for one in self._store.settled_actions(line)}

    def is_of_several(self, line: Line) -> bool:
        """Return whether several actions take the event of a line."""
        return self._events.holds(line)

    def end_event(self, line: Line) -> Result:
        """Return the result of an event whose actions an earlier run has settled, to be settled."""
        return self._events.end(line)

    def ended(self, place: int, lines: int) -> None:
        """Save that an input has been read to its end, and its number of lines."""
        self._store.ended(place, lines)

    @property
    def needs_before_send(self) -> bool:
        """Whether `before_send` must be awaited before lines are sent."""
        return self._store.needs_before_send

    async def before_send(self, lines: Sequence[Line]) -> None:
        """Return when these lines may be sent; raises Stopped if they may not."""
        await self._store.before_send(lines)

    def delivered(self, lines: Sequence[Line]) -> None:
        """End lines that the vendor has accepted.

        The progress store gets the result after this iteration of the event loop; it is durable
        once `on_disk` returns. If it cannot be saved, `failure` is set and `on_disk` raises it.
        """
        if self.needs_sync:
            self._end_soon(lines)
            return
        for ended in self._ended_by(Result(lines, "delivered")):
            if ended.state != "delivered":
                self._rejects.keep(ended)
            self._end(ended)

    async def settle(self, settled: Result) -> None:
        """End lines that were not delivered; raises Stopped if the result cannot be saved.

        The progress store has the result when this returns; it is durable once `on_disk` returns.
        """
        await self._keep_and_end(self._ended_by(settled))
        if self._log:
            self._log.settled(settled)

    async def on_disk(self) -> None:
        """Return when every result so far survives a loss of power too; raises Stopped."""
        if not self.try_put_on_disk():
            await self._settle_to_keep()
            await self._store.synced()

    def try_put_on_disk(self) -> bool:
        """Put every result so far on disk if that takes no time; raises Stopped.

        False means that `on_disk` must be awaited.
        """
        self._end_delivered()
        if self.failure:
            raise self.failure
        if self._to_keep or self._keeping.locked():
            return False
        return self._store.try_sync()

    def close(self, *, finished: bool) -> None:
        """Count lines that are still open as unsent, and close the files."""
        self._end_delivered()
        with suppress(Stopped):
            for ended in self._to_keep:
                self._rejects.keep(ended)
                self._end(ended)
        self._tally.count("unsent", lines=self._open)
        for action, events in (+self._open_actions).items():
            self._tally.actions[action, "unsent"] += events
        self._open = 0
        self._rejects.close()
        self._store.end(finished=finished)

    def _end_soon(self, lines: Sequence[Line]) -> None:
        """End lines together with all others delivered in this iteration of the event loop.

        One write for each of them took a fifth of the time of a run (bench_journal.py).
        """
        if not self._delivered:
            asyncio.get_running_loop().call_soon(self._end_delivered)
        self._delivered += lines

    def _end_delivered(self) -> None:
        lines, self._delivered = self._delivered, []
        if not lines:
            return
        try:
            for ended in self._ended_by(Result(lines, "delivered")):
                if ended.state == "delivered":
                    self._end(ended)
                else:
                    self._to_keep.append(ended)
        except Stopped as error:
            self.failure = error

    def _ended_by(self, settled: Result) -> Sequence[Result]:
        """Return the results of the lines that end with this one; save those of their actions."""
        if self._open_actions:
            self._count_actions(settled)
        if not self._events:
            return (settled,)
        whole, parts = self._events.parts_of(settled)
        if parts is None:
            return (settled,)
        self._store.settle_actions(parts)
        return [*([whole] if whole else ()), *self._events.settle(parts)]

    def _count_actions(self, settled: Result) -> None:
        for line in settled.lines:
            if line.action:
                self._open_actions[line.action] -= 1
                self._tally.actions[line.action, settled.state] += 1

    async def _settle_to_keep(self) -> None:
        """Settle the lines that end with a delivered action, but must be in the rejects file.

        One task at a time: each must find the lines settled that another one has taken.
        """
        async with self._keeping:
            to_keep, self._to_keep = self._to_keep, []
            await self._keep_and_end(to_keep)

    async def _keep_and_end(self, results: Sequence[Result]) -> None:
        kept = [settled for settled in results if settled.state in _KEPT]
        for settled in kept:
            self._rejects.keep(settled)
        if kept and self.needs_sync:
            await self._rejects.synced()
        for settled in results:
            self._end(settled)

    def _end(self, settled: Result) -> None:
        self._store.settle(settled)
        self._open -= len(settled.lines)
        code = settled.code
        if settled.reason and not code:
            code = code_of(settled.state, settled.reason, settled.status)
        self._tally.count(settled.state, settled.reason, len(settled.lines), code=code)
        if self.samples is not None and settled.state in _KEPT:
            self.samples.add(settled)
        if self.first and settled.state == "delivered":
            self.first.add(settled.lines)
        if settled.is_answered:
            self._tally.answered_in_part += len(settled.lines)
        if settled.state in _ANSWERED or settled.is_answered:
            self._tally.bytes_answered += sum(line.size for line in settled.lines)


_KEPT = frozenset({"refused", "rejected"})
_ANSWERED = frozenset({"delivered", "refused"})
