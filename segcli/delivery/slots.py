"""Slots: how many batches may be under way at once; a batch that waits for a retry has none."""

import asyncio
from collections import deque
from collections.abc import Callable

from segcli.delivery.brake import Brake


class SendSlots:
    """A fixed number of slots, each for one batch that is sent.

    Who takes a batch takes a slot, and releases it when the batch is done. A batch that waits for
    its retry gives its slot away meanwhile, and gets the next one before any new batch does.
    """

    def __init__(self, count: int, brake: Brake) -> None:
        self.free = count
        self._returning: deque[asyncio.Future[None]] = deque()
        self._listener: Callable[[], None] | None = None
        self._brake = brake
        brake.on_pull(self._let_all_go)

    def on_free(self, listener: Callable[[], None]) -> None:
        """Call the listener when a batch that waits has left a slot free."""
        self._listener = listener

    def take(self) -> None:
        """Take a slot; only while one is free."""
        self.free -= 1

    def release(self) -> None:
        """Give a slot back; who has done so looks for the next batch itself."""
        while self._returning:
            returning = self._returning.popleft()
            if not returning.done():
                returning.set_result(None)
                return
        self.free += 1

    async def sleep(self, seconds: float) -> None:
        """Sleep without the slot that the caller has, and return with one.

        Once the run is stopping this returns at once, and slots count no more.
        """
        self.release()
        if self.free and self._listener:
            self._listener()
        await self._brake.sleep(seconds)
        if self._brake.pulled:
            return
        if self.free:
            self.take()
        else:
            returning = asyncio.get_running_loop().create_future()
            self._returning.append(returning)
            await returning
        # As for a new batch: what was answered in this turn is on record in the next one.
        await asyncio.sleep(0)

    def _let_all_go(self) -> None:
        while self._returning:
            returning = self._returning.popleft()
            if not returning.done():
                returning.set_result(None)
