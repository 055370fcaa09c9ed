"""Pools: the lanes whose next events go to the same route, and so may share a request."""

import asyncio
from heapq import heappop, heappush
from itertools import count

from segcli.delivery.batch import Batch, Bounds, Item


class Lane:
    """What waits of one user, in order; in a pool while nothing of it is under way."""

    __slots__ = ("bytes", "is_mixed", "items", "pool", "under_way")

    def __init__(self) -> None:
        # A deque would do, but takes half a kilobyte, and most users have one event waiting.
        self.items: list[Item] = []
        self.bytes = 0
        self.is_mixed = False
        self.under_way = False
        self.pool: Pool | None = None

    def put(self, item: Item) -> None:
        """Add an item behind all others."""
        size = len(item.body) + 1
        self.items.append(item)
        self.bytes += size
        self.is_mixed |= item.route != self.items[0].route
        if self.pool:
            self.pool.grow(1, size, hurried=self.is_mixed)

    def take(self) -> Item:
        """Take the first item."""
        item = self.items.pop(0)
        self.bytes -= len(item.body) + 1
        return item


class Pool:
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
        self.going: Place | None = None
        self.lingering: asyncio.TimerHandle | None = None
        self._events = 0
        self._lanes: list[_Entry] = []
        self._tickets = count()

    def __bool__(self) -> bool:
        """Tell whether there is anything in it."""
        return bool(self._lanes)

    @property
    def first(self) -> "Place":
        """Tell where in the input its first item stood."""
        return self._lanes[0][0]

    @property
    def is_full(self) -> bool:
        """Tell whether waiting would not make the next batch any fuller."""
        bounds = self.bounds
        return self._events >= bounds.events or (
            bounds.bytes is not None and self.bytes > bounds.bytes
        )

    def add(self, lane: Lane) -> None:
        """Let a lane take part that has something, and nothing under way."""
        lane.pool = self
        heappush(self._lanes, self._entry(lane))
        self.grow(len(lane.items), lane.bytes, hurried=lane.is_mixed)

    def grow(self, events: int, size: int, *, hurried: bool = False) -> None:
        """Count what came to one of the lanes, or left it."""
        self._events += events
        self.bytes += size
        self.hurried |= hurried

    def take(self) -> list[Item]:
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

    def _leave(self, lane: Lane) -> None:
        lane.pool = None
        lane.under_way = True
        self.grow(-len(lane.items), -lane.bytes)

    def _entry(self, lane: Lane) -> "_Entry":
        first = lane.items[0].line
        return first.place << _BITS_OF_A_LINE | first.number, next(self._tickets), lane


# An input, by its place among the inputs, and a line of it: one number is compared fastest.
Place = int
_BITS_OF_A_LINE = 48
# Where the first item of a lane stood, and what tells any two apart.
_Entry = tuple[Place, int, Lane]


def _first(one: list[_Entry], other: list[_Entry]) -> list[_Entry]:
    """Return the heap whose first entry comes first, or an empty one."""
    if not (one and other):
        return one or other
    return one if one[0] < other[0] else other
