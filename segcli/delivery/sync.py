"""Group commit: one fsync for all who wait for their bytes to be on disk."""

import asyncio
import os
from collections.abc import Callable


def _to_disk(descriptor: int) -> None:
    # macOS has no fdatasync.
    getattr(os, "fdatasync", os.fsync)(descriptor)


class GroupSync:
    """Waits until what was written to a file is on its disk.

    Whoever asks while a sync is running shares the next one, so the number of syncs does not
    grow with the number of those who wait. `to_disk` is what is done in a thread.
    """

    def __init__(self, descriptor: int, to_disk: Callable[[int], None] = _to_disk) -> None:
        self._descriptor = descriptor
        self._to_disk = to_disk
        self._written = 0
        self._synced = 0
        self._running: asyncio.Task[None] | None = None

    def wrote(self) -> None:
        """Say that something was written."""
        self._written += 1

    async def synced(self) -> None:
        """Return when everything written so far is on disk; raises OSError where it cannot be."""
        target = self._written
        while self._synced < target:
            if self._running is None:
                self._running = asyncio.create_task(self._sync())
            await asyncio.shield(self._running)

    def supersede(self, then: Callable[[], object]) -> None:
        """Say that all of it is on disk in another file; call `then` once no sync is running."""
        self._synced = self._written
        if self._running is None:
            then()
        else:
            self._running.add_done_callback(lambda _: then())

    async def _sync(self) -> None:
        written = self._written
        try:
            await asyncio.to_thread(self._to_disk, self._descriptor)
            self._synced = max(self._synced, written)
        finally:
            self._running = None
