"""Lanes: a user's events wait in one and leave one after the other; a batch draws from many."""

import asyncio
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from segcli.delivery.batch import Bounds, Item
from segcli.delivery.brake import Brake
from segcli.delivery.pool import Lane, Place, Pool
from segcli.delivery.slots import SendSlots

# How long a batch that is not full waits for more events, if they may share a request. Whoever
# pipes events in by hand does not wait long.
_LINGER = 1.0


class Lanes:
    """A lane for each user of whom something waits or is under way, and who may leave next.

    What they hold together is bounded by `most` bytes. `bounds` says what a request of a route
    may hold. A batch takes one of the `slots`, which its worker releases.
    """

    def __init__(
        self, *, most: int, bounds: Callable[[str], Bounds], brake: Brake, slots: SendSlots
    ) -> None:
        self._lanes: dict[str, Lane] = {}
        self._pools: dict[str, Pool] = {}
        self._going: list[tuple[Place, int, Pool]] = []
        self._tickets = count()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._under_way = 0
        self._held = 0
        self._most = most
        self._bounds = bounds
        self._closed = False
        self._room = asyncio.Event()
        self._brake = brake
        self._slots = slots
        brake.on_pull(self._all_change)
        slots.on_free(self._one_change)

    async def put(self, item: Item) -> None:
        """Queue an item in its user's lane; waits while the lanes hold too much."""
        user = item.user
        lane = self._lanes.get(user)
        if lane is None:
            lane = self._lanes[user] = Lane()
        lane.put(item)
        if lane.pool:
            self._consider(lane.pool)
        elif not lane.under_way:
            self._ready(lane)
        self._held += item.weight
        if self._held >= self._most:
            await self._wait_for_room()

    def close(self) -> None:
        """Say that nothing more will come."""
        self._closed = True
        for pool in self._pools.values():
            self._consider(pool)
        self._all_change()

    @property
    def are_idle(self) -> bool:
        """Tell whether somebody waits for a batch who could send it at once."""
        return self._slots.free > 0 and bool(self._idle)

    async def next_batch(self) -> list[Item]:
        """Return a batch; an empty one when nothing more comes or it is braked.

        Any number of tasks may ask. No user is in two batches at once: one is under way, and
        counts as held, until `over` is called with it.
        """
        while not self._brake.pulled:
            if self._slots.free and (pool := self._next_pool()):
                return self._take(pool)
            if self._closed and not self._lanes:
                break
            change = asyncio.get_running_loop().create_future()
            self._idle.append(change)
            await change
        return []

    def over(self, batch: list[Item]) -> None:
        """Let the users of a batch go on."""
        self._under_way -= 1
        for user in {item.user for item in batch}:
            lane = self._lanes[user]
            lane.under_way = False
            if lane.items:
                self._ready(lane)
            else:
                del self._lanes[user]
        self._held -= sum(item.weight for item in batch)
        # The feeder is not woken for every item, but for many.
        if self._held < self._most * 3 // 4 or not (self._can_go or self._under_way):
            self._room.set()
        if self._closed and not self._lanes:
            self._all_change()

    def _next_pool(self) -> Pool | None:
        """Return the pool, of those a batch may leave from, with what was read first."""
        if not self._can_go:
            return None
        pool = heappop(self._going)[-1]
        pool.going = None
        return pool

    @property
    def _can_go(self) -> bool:
        """Tell whether a batch may leave; a pool may stand here again, and counts once."""
        while self._going and self._going[0][-1].going != self._going[0][0]:
            heappop(self._going)
        return bool(self._going)

    def _take(self, pool: Pool) -> list[Item]:
        batch = pool.take()
        self._slots.take()
        self._under_way += 1
        if pool:
            self._linger(pool)
            self._consider(pool)
        else:
            pool.stop_lingering()
            del self._pools[pool.route]
        self._one_change()
        return batch

    def _ready(self, lane: Lane) -> None:
        """Let a lane's first items leave with the next batch of their route."""
        route = lane.items[0].route
        pool = self._pools.get(route)
        if pool is None:
            pool = self._pools[route] = Pool(route, self._bounds(route))
            self._linger(pool)
        pool.add(lane)
        self._consider(pool)

    def _consider(self, pool: Pool) -> None:
        """Let a batch of this route leave if waiting would not make it any better."""
        may_go = self._closed or pool.is_full or pool.hurried
        if may_go and (pool.going is None or pool.first < pool.going):
            pool.going = pool.first
            heappush(self._going, (pool.going, next(self._tickets), pool))
            self._one_change()

    def _linger(self, pool: Pool) -> None:
        """Let a batch that is still not full leave in a while."""
        pool.stop_lingering()
        if pool.bounds.events > 1:
            loop = asyncio.get_running_loop()
            pool.lingering = loop.call_later(_LINGER, self._hurry, pool)

    def _hurry(self, pool: Pool) -> None:
        pool.hurried = True
        self._consider(pool)

    async def _wait_for_room(self) -> None:
        while self._held >= self._most and not self._brake.pulled:
            if self._pools and not (self._can_go or self._under_way):
                # Nothing will make room but a batch that is not full.
                self._hurry(max(self._pools.values(), key=lambda pool: pool.bytes))
            self._room.clear()
            await self._room.wait()

    def _one_change(self) -> None:
        """Wake one who waits for a batch, if one may be taken; that one wakes the next."""
        while self._idle and self._slots.free and self._can_go:
            change = self._idle.popleft()
            if not change.done():
                change.set_result(None)
                return

    def _all_change(self) -> None:
        self._room.set()
        while self._idle:
            change = self._idle.popleft()
            if not change.done():
                change.set_result(None)
