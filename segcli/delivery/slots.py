"""Slots: how many batches may be sent at once; a batch that waits for a retry needs none."""

import asyncio
from collections import deque
from collections.abc import Callable

from segcli.delivery.shutdown import StopSignal


class SendSlots:
    """A fixed number of slots, each for one batch that is sent.

    A worker takes a slot with its batch, and releases it when the batch is done. While the batch
    waits for a retry others may use the slot; after that it gets the next free one, before any
    new batch does.
    """

    def __init__(self, count: int, stop_signal: StopSignal) -> None:
        self.free = count
        self._returning: deque[asyncio.Future[None]] = deque()
        self._listener: Callable[[], None] | None = None
        self._stop_signal = stop_signal
        stop_signal.on_stop(self._let_all_go)

    def on_free(self, listener: Callable[[], None]) -> None:
        """Call the listener when a batch that waits for a retry has freed its slot."""
        self._listener = listener

    def take(self) -> None:
        """Take a slot; only allowed while one is free."""
        self.free -= 1

    def release(self) -> None:
        """Return a slot. The listener is not called: the caller asks for a batch next."""
        while self._returning:
            returning = self._returning.popleft()
            if not returning.done():
                returning.set_result(None)
                return
        self.free += 1

    async def sleep(self, seconds: float) -> None:
        """Sleep without the slot that the caller has, and return with one.

        Once the run is stopping this returns at once, without one.
        """
        self.release()
        if self.free and self._listener:
            self._listener()
        await self._stop_signal.sleep(seconds)
        if self._stop_signal.is_stopped:
            return
        if self.free:
            self.take()
        else:
            returning = asyncio.get_running_loop().create_future()
            self._returning.append(returning)
            await returning
        # A result is saved in the iteration of the event loop after its reply: do not use its slot
        # before that.
        await asyncio.sleep(0)

    def _let_all_go(self) -> None:
        while self._returning:
            returning = self._returning.popleft()
            if not returning.done():
                returning.set_result(None)
