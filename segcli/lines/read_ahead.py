"""Reading ahead: the input comes from a thread, so that a slow disk or pipe blocks no request."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_AHEAD = 8


async def read_ahead(items: Iterator[T]) -> AsyncIterator[T]:
    """Yield what the iterator yields, a few items behind it; raises what it raises.

    The thread is a daemon: a pipe that never ends does not keep the process alive.
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
        reader.given_up = True
        reader.room.release()


class _Reader(Generic[T]):
    """The thread's side: it hands over one item at a time, at most `_AHEAD` unasked for."""

    def __init__(self, items: Iterator[T]) -> None:
        self.queue: asyncio.Queue[tuple[T] | Exception | None] = asyncio.Queue()
        self.room = threading.Semaphore(_AHEAD)
        self.given_up = False
        self._items = items
        self._loop = asyncio.get_running_loop()

    def run(self) -> None:
        try:
            for item in self._items:
                self.room.acquire()
                if self.given_up:
                    return
                self._hand_over((item,))
            self._hand_over(None)
        except Exception as error:  # raised again where the items are awaited
            self._hand_over(error)

    def _hand_over(self, item: tuple[T] | Exception | None) -> None:
        # The loop may be gone by now, and nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.queue.put_nowait, item)
