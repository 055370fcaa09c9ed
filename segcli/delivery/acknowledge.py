"""Answered batches: their users go on once the answers are on disk, many batches at a time."""

import asyncio

from segcli.delivery.batch import QueuedPayload
from segcli.delivery.ledger import Ledger
from segcli.delivery.queues import SendQueue
from segcli.delivery.shutdown import StopSignal

# How long answers wait for one another while there is enough to send without their users: a sync
# of the disk takes a thread, which holds up all requests each time.
_GATHERS = 0.004
_GATHERS_AT_MOST = 6


class Acknowledger:
    """Puts on disk what was settled, and then lets the users of each batch go on.

    Nobody waits here: a place in flight is used again while the disk is at work. Where that fails
    the brake is pulled.
    """

    def __init__(self, ledger: Ledger, stop_signal: StopSignal, queue: SendQueue) -> None:
        self._ledger = ledger
        self._stop_signal = stop_signal
        self._queue = queue
        self._batches: list[list[QueuedPayload]] = []
        self._running: asyncio.Task[None] | None = None
        self._is_awaited = False

    def add(self, batch: list[QueuedPayload]) -> None:
        """Take a batch that is settled, or that the run has stopped with."""
        if not self._ledger.has_record:
            self._queue.release(batch)
            return
        self._batches.append(batch)
        if self._running is None and not (len(batch) > 1 and self._is_over_at_once()):
            self._running = asyncio.create_task(self._put_on_disk())

    async def all_on_disk(self) -> None:
        """Return when everything added so far is on disk, or cannot be."""
        self._is_awaited = True
        if self._running:
            await self._running
        self._is_awaited = False

    def _is_over_at_once(self) -> bool:
        """Let users go on at once where somebody waits for them, and the disk takes no time.

        Many events are worth a sync of their own.
        """
        try:
            if not (self._queue.are_idle and self._ledger.is_on_disk_at_once()):
                return False
            for some in self._batches:
                self._queue.release(some)
            self._batches = []
        except Exception as error:  # as below
            self._stop_signal.stop(error)
        return True

    async def _put_on_disk(self) -> None:
        try:
            while self._batches:
                await self._gather()
                some, self._batches = self._batches, []
                await self._ledger.on_disk()
                for batch in some:
                    self._queue.release(batch)
        except Exception as error:  # whatever it is, it stops the run, and is raised there
            self._stop_signal.stop(error)
        finally:
            self._running = None

    async def _gather(self) -> None:
        for _ in range(_GATHERS_AT_MOST):
            if self._is_awaited or self._queue.are_idle or self._stop_signal.is_stopped:
                return
            await asyncio.sleep(_GATHERS)
