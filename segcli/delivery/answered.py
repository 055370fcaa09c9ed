"""Answered batches: their users go on once the answers are on disk, many batches at a time."""

import asyncio
from collections.abc import Callable

from segcli.delivery.batch import Item
from segcli.delivery.brake import Brake
from segcli.delivery.ledger import Ledger

# How long answers that come thick and fast wait for one another. A sync of the disk takes a
# thread, and each time that thread holds up all requests; one answer alone does not wait.
_GATHERS = 0.004


class Answered:
    """Puts on disk what was settled, and then calls `over` with each batch.

    Nobody waits here: a place in flight is used again as soon as a batch is added. Where the disk
    fails the brake is pulled.
    """

    def __init__(self, ledger: Ledger, brake: Brake, over: Callable[[list[Item]], None]) -> None:
        self._ledger = ledger
        self._brake = brake
        self._over = over
        self._batches: list[list[Item]] = []
        self._running: asyncio.Task[None] | None = None

    def add(self, batch: list[Item]) -> None:
        """Take a batch that is settled, or that the run has stopped with."""
        if not self._ledger.has_record:
            self._over(batch)
            return
        self._batches.append(batch)
        if self._running is None:
            self._running = asyncio.create_task(self._put_on_disk())

    async def all_on_disk(self) -> None:
        """Return when everything added so far is on disk, or cannot be."""
        if self._running:
            await self._running

    async def _put_on_disk(self) -> None:
        try:
            while self._batches:
                if len(self._batches) > 1:
                    await asyncio.sleep(_GATHERS)
                some, self._batches = self._batches, []
                await self._ledger.on_disk()
                for batch in some:
                    self._over(batch)
        except Exception as error:  # whatever it is, it stops the run, and is raised there
            self._brake.pull(error)
        finally:
            self._running = None
