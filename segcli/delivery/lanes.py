"""Lanes: queues whose requests go out one after another. A user's events share one lane."""

import asyncio
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from segcli.delivery.batch import Bounds, Item, take
from segcli.delivery.brake import Brake

# How long a batch that is not full waits for more events, if they may share a request. Many lanes
# with little memory fill slowly; whoever pipes events in by hand does not wait long.
_LINGER = 1.0


class Lanes:
    """A fixed number of lanes; what they hold together is bounded by `most` bytes.

    `bounds` says what a request of a route may hold.
    """

    def __init__(
        self, count: int, *, most: int, bounds: Callable[[str], Bounds], brake: Brake
    ) -> None:
        self._held = 0
        self._most = most
        self._brake = brake
        self._room = asyncio.Event()
        self._lanes = [_Lane(bounds, brake, idle=self._room.set) for _ in range(count)]
        brake.on_pull(self._room.set)

    async def put(self, item: Item) -> None:
        """Queue an item in its user's lane; waits while the lanes hold too much."""
        key = zlib.crc32(item.mapped.user.encode(errors="surrogatepass"))
        self._lanes[key % len(self._lanes)].put(item)
        self._held += item.weight
        if self._held < self._most:
            return
        while self._held >= self._most and not self._brake.pulled:
            fullest = max(self._lanes, key=_Lane.waiting)
            if fullest.waiting():
                fullest.hurry()
            self._room.clear()
            await self._room.wait()

    def close(self) -> None:
        """Say that nothing more will come."""
        for lane in self._lanes:
            lane.close()

    async def batches(self, number: int) -> AsyncIterator[list[Item]]:
        """Yield the batches of one lane, in order, until nothing more comes or it is braked.

        A batch counts as held until the next one is asked for.
        """
        while batch := await self._lanes[number].next_batch():
            weight = sum(item.weight for item in batch)
            yield batch
            self._held -= weight
            self._room.set()


class _Lane:
    """One queue, read by one task; it says `idle` when it begins to wait for a fuller batch."""

    def __init__(
        self, bounds: Callable[[str], Bounds], brake: Brake, *, idle: Callable[[], None]
    ) -> None:
        self._idle = idle
        self._bounds = bounds
        self._brake = brake
        self._queue: deque[Item] = deque()
        self._bytes = 0
        self._closed = False
        self._hurry = False
        self._under_way = False
        self._changed = asyncio.Event()
        brake.on_pull(self._changed.set)

    def put(self, item: Item) -> None:
        self._queue.append(item)
        self._bytes += len(item.mapped.body) + 1
        if len(self._queue) == 1 or self._is_full(self._bounds_of_head()):
            self._changed.set()

    def waiting(self) -> int:
        """Return the bytes that wait here for a fuller batch; none where one is under way."""
        return 0 if self._under_way else self._bytes

    def hurry(self) -> None:
        """Do not wait for a fuller batch: whoever fills the lanes is waiting itself."""
        self._hurry = True
        self._changed.set()

    def close(self) -> None:
        self._closed = True
        self._changed.set()

    async def next_batch(self) -> list[Item]:
        """Return the next batch; an empty one when there will be none.

        It is under way until the next one is asked for.
        """
        self._under_way = False
        while not (self._queue or self._ended):
            await self._change()
        if self._queue:
            await self._fill()
        if self._brake.pulled or not self._queue:
            return []
        bounds = self._bounds_of_head()
        batch = take(self._queue, bounds)
        self._bytes -= sum(len(item.mapped.body) + 1 for item in batch)
        self._hurry = False
        self._under_way = True
        return batch

    @property
    def _ended(self) -> bool:
        return self._closed or self._brake.pulled

    def _bounds_of_head(self) -> Bounds:
        return self._bounds(self._queue[0].mapped.route)

    def _is_full(self, bounds: Bounds) -> bool:
        """Tell whether waiting cannot make the next batch any fuller."""
        return (
            len(self._queue) >= bounds.events
            or (bounds.bytes is not None and self._bytes > bounds.bytes)
            or self._queue[-1].mapped.route != self._queue[0].mapped.route
        )

    async def _fill(self) -> None:
        """Wait for a fuller batch, as long as that is worth it."""
        bounds = self._bounds_of_head()
        deadline = asyncio.get_running_loop().time() + _LINGER
        self._idle()
        with suppress(TimeoutError):
            while not (self._ended or self._hurry or self._is_full(bounds)):
                async with asyncio.timeout_at(deadline):
                    await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
