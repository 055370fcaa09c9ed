"""Group commit: one fsync serves all tasks that wait for their bytes to be on disk."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable

# Seconds. A sync that took less last time is done in this thread: a fast disk takes 0.2 ms, but a
# sync in another thread takes 2.5 ms, because that thread then waits for the interpreter lock.
_QUICK = 0.001
# Seconds in which results are gathered for one sync, unless a worker waits for one of them: each
# sync in another thread delays all requests.
GATHER_SECONDS = 0.024


def _fdatasync(descriptor: int) -> None:
    # macOS has no fdatasync.
    getattr(os, "fdatasync", os.fsync)(descriptor)


class GroupSync:
    """Puts what was written to a file on disk.

    Tasks that ask while a sync is running share the next one. So the number of syncs does not grow
    with the number of waiting tasks. `to_disk` does one sync, often in another thread; always
    there if `quick` is 0 seconds.
    """

    def __init__(
        self,
        descriptor: int,
        to_disk: Callable[[int], None] = _fdatasync,
        *,
        quick: float = _QUICK,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._descriptor = descriptor
        self._to_disk = to_disk
        self._quick = quick
        self._now = now
        self._written = 0
        self._synced = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._is_running = False
        self._is_quick = False
        self._after_sync: Callable[[], object] | None = None

    def wrote(self, size: int = 1) -> None:
        """Note that something was written: this many bytes, or other units."""
        self._written += size

    @property
    def on_disk(self) -> int:
        """How much is known to be on disk, in the units of `wrote`."""
        return self._synced

    async def synced(self) -> None:
        """Return when everything written so far is on disk. Raises what `to_disk` raises."""
        if self._synced >= self._written:
            return
        on_disk = asyncio.get_running_loop().create_future()
        self._waiting.append((self._written, on_disk))
        if not self._is_running:
            self._start()
        await on_disk

    def try_sync(self) -> bool:
        """Put everything written so far on disk if the last sync was quick.

        Returns False if it was not: then await `synced`. Raises what `to_disk` raises.
        """
        if self._synced >= self._written:
            return True
        if self._is_running or not self._is_quick:
            return False
        self._sync()
        self._synced = self._written
        return True

    def supersede(self, then: Callable[[], object]) -> None:
        """Note that another file has all of it on disk. Calls `then` once no sync is running."""
        self._synced = self._written
        self._release()
        if self._is_running:
            self._after_sync = then
        else:
            then()

    def _start(self) -> None:
        """Start a sync in another thread.

        A callback handles its end, not a task: a task would need more turns of a busy event loop.
        """
        self._is_running = True
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, self._sync_in_thread, self._written, loop)

    def _sync_in_thread(self, written: int, loop: asyncio.AbstractEventLoop) -> None:
        failure = None
        try:
            self._sync()
        except Exception as error:  # any error is raised in the tasks that wait
            failure = error
        loop.call_soon_threadsafe(self._on_synced, written, failure)

    def _sync(self) -> None:
        began = self._now()
        self._to_disk(self._descriptor)
        self._is_quick = self._now() - began < self._quick

    def _on_synced(self, written: int, error: Exception | None) -> None:
        """Release the tasks that waited for this sync; start another one if more are waiting."""
        self._is_running = False
        if error is None:
            self._synced = max(self._synced, written)
        self._release(error)
        if self._waiting:
            self._start()
        elif self._after_sync:
            self._after_sync()
            self._after_sync = None

    def _release(self, error: Exception | None = None) -> None:
        """Release the tasks whose bytes are on disk; after an error, fail all of them."""
        while self._waiting and (error or self._waiting[0][0] <= self._synced):
            _, on_disk = self._waiting.popleft()
            if on_disk.done():
                continue
            if error:
                on_disk.set_exception(error)
            else:
                on_disk.set_result(None)
