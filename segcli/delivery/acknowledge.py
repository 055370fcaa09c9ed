"""Release a user's next event once the previous result is durable; one sync for many batches."""

import asyncio

from segcli.accounting.group_commit import GATHER_SECONDS
from segcli.delivery.batch import QueuedPayload
from segcli.delivery.ledger import Ledger
from segcli.delivery.queues import SendQueue
from segcli.delivery.shutdown import StopSignal
from segcli.delivery.throttle import Throttle

# Results wait for more results before a sync, while there are events of other users to send. After
# this many seconds it is checked again whether there are such events.
_LOOKS_EVERY = 0.004
# This many results wait for no more than GATHER_SECONDS, even if the store asks for more: each
# result holds back a user.
_ENOUGH = 32
# A worker without a batch is idle only if all requests that wait for the rate leave in these
# seconds.
_BUSY_SECONDS = 0.25


class Acknowledger:
    """Puts the results of batches on disk, then releases the users of these batches.

    The workers do not wait for it: a worker sends its next batch during the sync. If a sync
    fails, the run stops.
    """

    def __init__(
        self, ledger: Ledger, stop_signal: StopSignal, queue: SendQueue, throttle: Throttle
    ) -> None:
        self._ledger = ledger
        self._throttle = throttle
        self._stop_signal = stop_signal
        self._queue = queue
        self._batches: list[list[QueuedPayload]] = []
        self._running: asyncio.Task[None] | None = None
        self._is_awaited = False

    def add(self, batch: list[QueuedPayload]) -> None:
        """Take a batch that is settled, or that was not finished because the run is stopping."""
        if not self._ledger.needs_sync:
            self._queue.release(batch)
            return
        self._batches.append(batch)
        if self._running is None and not (len(batch) > 1 and self._try_release()):
            self._running = asyncio.create_task(self._put_on_disk())

    async def all_on_disk(self) -> None:
        """Return when everything added so far is on disk, or the run is stopping."""
        self._is_awaited = True
        if self._running:
            await self._running
        self._is_awaited = False

    def _try_release(self) -> bool:
        """Release users at once if a worker waits for a batch and the sync takes no time.

        Only for batches of several events: these are worth a sync of their own.
        """
        try:
            if not (self._are_idle and self._ledger.try_put_on_disk()):
                return False
            for batch in self._batches:
                self._queue.release(batch)
            self._batches = []
        except Exception as error:  # as in _put_on_disk
            self._stop_signal.stop(error)
        return True

    async def _put_on_disk(self) -> None:
        try:
            while self._batches:
                await self._gather()
                batches, self._batches = self._batches, []
                await self._ledger.on_disk()
                for batch in batches:
                    self._queue.release(batch)
        except Exception as error:  # any error stops the run, which raises it at its end
            self._stop_signal.stop(error)
        finally:
            self._running = None

    @property
    def _are_idle(self) -> bool:
        """Whether a worker waits for a batch, and the rate lets it be sent soon."""
        return self._queue.are_idle and self._throttle.busy_for < _BUSY_SECONDS

    async def _gather(self) -> None:
        """Wait for more results, unless a worker waits for these."""
        waited = 0.0
        while waited < self._ledger.gather_seconds:
            if self._is_awaited or self._are_idle or self._stop_signal.is_stopped:
                return
            if waited >= GATHER_SECONDS and sum(map(len, self._batches)) >= _ENOUGH:
                return
            await asyncio.sleep(_LOOKS_EVERY)
            waited += _LOOKS_EVERY
