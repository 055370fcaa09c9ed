"""Group commit: one fsync for all who wait for their bytes to be on disk."""

import asyncio
import os
from collections import deque
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
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._running: asyncio.Task[None] | None = None

    def wrote(self) -> None:
        """Say that something was written."""
        self._written += 1

    async def synced(self) -> None:
        """Return when everything written so far is on disk; raises what `to_disk` raises."""
        if self._synced >= self._written:
            return
        on_disk = asyncio.get_running_loop().create_future()
        self._waiting.append((self._written, on_disk))
        if self._running is None:
            self._running = asyncio.create_task(self._sync())
        await on_disk

    def supersede(self, then: Callable[[], object]) -> None:
        """Say that all of it is on disk in another file; call `then` once no sync is running."""
        self._synced = self._written
        self._release()
        if self._running is None:
            then()
        else:
            self._running.add_done_callback(lambda _: then())

    async def _sync(self) -> None:
        """Sync as long as somebody waits for it."""
        try:
            while self._waiting:
                written = self._written
                await asyncio.to_thread(self._to_disk, self._descriptor)
                self._synced = max(self._synced, written)
                self._release()
        except Exception as error:  # whatever it is, it is raised where somebody waits
            self._release(error)
        finally:
            self._running = None

    def _release(self, error: Exception | None = None) -> None:
        """Let go whoever waited for what is on disk now, or everybody with an error."""
        while self._waiting and (error or self._waiting[0][0] <= self._synced):
            _, on_disk = self._waiting.popleft()
            if on_disk.done():
                continue
            if error:
                on_disk.set_exception(error)
            else:
                on_disk.set_result(None)
