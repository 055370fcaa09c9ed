"""Read ahead in another thread, so that a slow disk or pipe does not delay requests."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Generic, TypeVar

_T = TypeVar("_T")

# How many items the thread may read before the first of them is used.
_MAX_AHEAD = 8


async def read_ahead(items: Iterator[_T]) -> AsyncIterator[_T]:
    """Yield the items of an iterator that runs in another thread. Raises what it raises.

    The thread is a daemon: an endless pipe does not keep the process alive.
    """
    reader = _Reader(items)
    threading.Thread(target=reader.run, name="segcli-read", daemon=True).start()
    try:
        while (batch := await reader.queue.get()) is not None:
            if isinstance(batch, Exception):
                raise batch
            reader.room.release()
            yield batch[0]
    finally:
        reader.is_cancelled = True
        reader.room.release()


class _Reader(Generic[_T]):
    """The part that runs in the thread.

    queue: the items, each in a tuple; then None at the end, or the exception.
    room: released by the consumer for each item, so the thread stays at most `_MAX_AHEAD` ahead.
    is_cancelled: set by the consumer if it wants no more items.
    """

    def __init__(self, items: Iterator[_T]) -> None:
        self.queue: asyncio.Queue[tuple[_T] | Exception | None] = asyncio.Queue()
        self.room = threading.Semaphore(_MAX_AHEAD)
        self.is_cancelled = False
        self._items = items
        self._loop = asyncio.get_running_loop()

    def run(self) -> None:
        try:
            for item in self._items:
                self.room.acquire()
                if self.is_cancelled:
                    return
                self._put((item,))
            self._put(None)
        except Exception as error:  # raised again in the consumer
            self._put(error)

    def _put(self, item: tuple[_T] | Exception | None) -> None:
        # The event loop may be closed: then nothing is waiting for the item.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.queue.put_nowait, item)
