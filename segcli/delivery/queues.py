"""Lanes: a user's events wait in one and leave one after the other; a batch draws from many."""

import asyncio
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from segcli.delivery.batch import Batch, Bounds, QueuedPayload
from segcli.delivery.shutdown import StopSignal
from segcli.delivery.slots import SendSlots


class UserQueue:
    """What waits of one user, in order; in a pool while nothing of it is under way."""

    __slots__ = ("bytes", "is_mixed", "items", "pool", "under_way")

    def __init__(self) -> None:
        # A deque would do, but takes half a kilobyte, and most users have one event waiting.
        self.items: list[QueuedPayload] = []
        self.bytes = 0
        self.is_mixed = False
        self.under_way = False
        self.pool: RouteQueue | None = None

    def put(self, item: QueuedPayload) -> None:
        """Add an item behind all others."""
        size = len(item.body) + 1
        self.items.append(item)
        self.bytes += size
        self.is_mixed |= item.route != self.items[0].route
        if self.pool:
            self.pool.grow(1, size, hurried=self.is_mixed)

    def take(self) -> QueuedPayload:
        """Take the first item."""
        item = self.items.pop(0)
        self.bytes -= len(item.body) + 1
        return item


class RouteQueue:
    """The lanes whose first items go to one route; what was read first leaves first.

    What they hold counts as if it all went there; where something else is among it, that waits
    for what is before, so nothing lingers. `going` says that a batch may leave: it is what was
    first then.
    """

    def __init__(self, route: str, bounds: Bounds) -> None:
        self.route = route
        self.bounds = bounds
        self.bytes = 0
        self.hurried = False
        self.going: Position | None = None
        self.lingering: asyncio.TimerHandle | None = None
        self._events = 0
        self._lanes: list[_Entry] = []
        self._tickets = count()

    def __bool__(self) -> bool:
        """Tell whether there is anything in it."""
        return bool(self._lanes)

    @property
    def first(self) -> "Position":
        """Tell where in the input its first item stood."""
        return self._lanes[0][0]

    @property
    def is_full(self) -> bool:
        """Tell whether waiting would not make the next batch any fuller."""
        bounds = self.bounds
        return self._events >= bounds.events or (
            bounds.bytes is not None and self.bytes > bounds.bytes
        )

    def add(self, lane: UserQueue) -> None:
        """Let a lane take part that has something, and nothing under way."""
        lane.pool = self
        heappush(self._lanes, self._entry(lane))
        self.grow(len(lane.items), lane.bytes, hurried=lane.is_mixed)

    def grow(self, events: int, size: int, *, hurried: bool = False) -> None:
        """Count what came to one of the lanes, or left it."""
        self._events += events
        self.bytes += size
        self.hurried |= hurried

    def take(self) -> list[QueuedPayload]:
        """Take the next batch, in the order of the input; the lanes it is from are under way."""
        if self.bounds.events == 1:
            lane = heappop(self._lanes)[-1]
            self._leave(lane)
            return [lane.take()]
        batch = Batch(self.bounds)
        drawn: list[_Entry] = []
        while not batch.is_full and (heap := _first(self._lanes, drawn)):
            lane = heap[0][-1]
            if not batch.takes(lane.items[0]):
                break
            heappop(heap)
            if not lane.under_way:
                self._leave(lane)
            batch.add(lane.take())
            if lane.items and lane.items[0].route == self.route:
                heappush(drawn, self._entry(lane))
        return batch.items

    def stop_lingering(self) -> None:
        """Do not wake up any more for a batch that is not full."""
        if self.lingering:
            self.lingering.cancel()
            self.lingering = None

    def _leave(self, lane: UserQueue) -> None:
        lane.pool = None
        lane.under_way = True
        self.grow(-len(lane.items), -lane.bytes)

    def _entry(self, lane: UserQueue) -> "_Entry":
        first = lane.items[0].line
        return first.place << _BITS_OF_A_LINE | first.number, next(self._tickets), lane


# An input, by its place among the inputs, and a line of it: one number is compared fastest.
Position = int
_BITS_OF_A_LINE = 48
# Where the first item of a lane stood, and what tells any two apart.
_Entry = tuple[Position, int, UserQueue]


def _first(one: list[_Entry], other: list[_Entry]) -> list[_Entry]:
    """Return the heap whose first entry comes first, or an empty one."""
    if not (one and other):
        return one or other
    return one if one[0] < other[0] else other


# How long a batch that is not full waits for more events, if they may share a request. Whoever
# pipes events in by hand does not wait long.
_LINGER = 1.0


class SendQueue:
    """A lane for each user of whom something waits or is under way, and who may leave next.

    What they hold together is bounded by `most` bytes. `bounds` says what a request of a route
    may hold. A batch takes one of the `slots`, which its worker releases.
    """

    def __init__(
        self,
        *,
        most: int,
        bounds: Callable[[str], Bounds],
        stop_signal: StopSignal,
        slots: SendSlots,
    ) -> None:
        self._lanes: dict[str, UserQueue] = {}
        self._pools: dict[str, RouteQueue] = {}
        self._going: list[tuple[Position, int, RouteQueue]] = []
        self._tickets = count()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._under_way = 0
        self._held = 0
        self._most = most
        self._bounds = bounds
        self._closed = False
        self._room = asyncio.Event()
        self._stop_signal = stop_signal
        self._slots = slots
        stop_signal.on_stop(self._all_change)
        slots.on_free(self._one_change)

    async def put(self, item: QueuedPayload) -> None:
        """Queue an item in its user's lane; waits while the lanes hold too much."""
        user = item.user
        lane = self._lanes.get(user)
        if lane is None:
            lane = self._lanes[user] = UserQueue()
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

    async def next_batch(self) -> list[QueuedPayload]:
        """Return a batch; an empty one when nothing more comes or it is braked.

        Any number of tasks may ask. No user is in two batches at once: one is under way, and
        counts as held, until `release` is called with it.
        """
        while not self._stop_signal.is_stopped:
            if self._slots.free and (pool := self._next_pool()):
                return self._take(pool)
            if self._closed and not self._lanes:
                break
            change = asyncio.get_running_loop().create_future()
            self._idle.append(change)
            await change
        return []

    def release(self, batch: list[QueuedPayload]) -> None:
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

    def _next_pool(self) -> RouteQueue | None:
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

    def _take(self, pool: RouteQueue) -> list[QueuedPayload]:
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

    def _ready(self, lane: UserQueue) -> None:
        """Let a lane's first items leave with the next batch of their route."""
        route = lane.items[0].route
        pool = self._pools.get(route)
        if pool is None:
            pool = self._pools[route] = RouteQueue(route, self._bounds(route))
            self._linger(pool)
        pool.add(lane)
        self._consider(pool)

    def _consider(self, pool: RouteQueue) -> None:
        """Let a batch of this route leave if waiting would not make it any better."""
        may_go = self._closed or pool.is_full or pool.hurried
        if may_go and (pool.going is None or pool.first < pool.going):
            pool.going = pool.first
            heappush(self._going, (pool.going, next(self._tickets), pool))
            self._one_change()

    def _linger(self, pool: RouteQueue) -> None:
        """Let a batch that is still not full leave in a while."""
        pool.stop_lingering()
        if pool.bounds.events > 1:
            loop = asyncio.get_running_loop()
            pool.lingering = loop.call_later(_LINGER, self._hurry, pool)

    def _hurry(self, pool: RouteQueue) -> None:
        pool.hurried = True
        self._consider(pool)

    async def _wait_for_room(self) -> None:
        while self._held >= self._most and not self._stop_signal.is_stopped:
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
