"""Queues: the events of a user are sent one after the other; a batch has events of many users.

A route queue is for one batch key: a route, and the group of events that may share its requests.
"""

import asyncio
from collections import deque
from heapq import heappop, heappush
from itertools import count

from segcli.delivery.batch import Batch, Bounds, QueuedPayload
from segcli.delivery.shutdown import StopSignal
from segcli.delivery.slots import SendSlots
from segcli.delivery.user_throttle import UserThrottle

# A line of an input, with the place of the input in the high bits: integers compare fastest.
Position = int

_LINE_BITS = 48
# Seconds that a batch that is not full waits for more events. Short, for events typed by hand.
_LINGER = 1.0


class UserQueue:
    """The waiting events of one user, in order.

    It is in a route queue while none of its events is being sent.

    parked: the timer after which a user at the vendor's limit for one user may send again.
    """

    __slots__ = ("bytes", "in_progress", "is_mixed", "items", "parked", "route_queue")

    def __init__(self) -> None:
        # Not a deque: it takes half a kilobyte, and most users have one waiting event.
        self.items: list[QueuedPayload] = []
        self.bytes = 0
        self.is_mixed = False
        self.in_progress = False
        self.parked: asyncio.TimerHandle | None = None
        self.route_queue: RouteQueue | None = None

    def put(self, item: QueuedPayload) -> None:
        """Add an item at the end."""
        size = len(item.body) + 1
        self.items.append(item)
        self.bytes += size
        self.is_mixed |= item.batch_key != self.items[0].batch_key
        if self.route_queue:
            self.route_queue.grow(1, size, hurried=self.is_mixed)

    def take(self) -> QueuedPayload:
        """Take the first item."""
        item = self.items.pop(0)
        self.bytes -= len(item.body) + 1
        return item


class RouteQueue:
    """The users whose next event goes to one route; what was read first is sent first.

    All events of these users count as events of this route. If some go to another route, they wait
    for those before them, so the next batch is sent without lingering.

    bounds: what one request of the route may hold.
    bytes: the size of all waiting events.
    hurried: until the queue is empty, send batches even if they are not full.
    going: the first position when the next batch became ready to be sent; None if it is not.
    lingering: the timer that sends a batch that is not full.
    """

    def __init__(self, batch_key: str, bounds: Bounds, user_throttle: UserThrottle | None) -> None:
        self.batch_key = batch_key
        self.bounds = bounds
        self._user_throttle = user_throttle
        self.bytes = 0
        self.hurried = False
        self.going: Position | None = None
        self.lingering: asyncio.TimerHandle | None = None
        self._events = 0
        self._waiting: list[_Entry] = []
        self._tickets = count()

    def __bool__(self) -> bool:
        """True if any user has a waiting event."""
        return bool(self._waiting)

    @property
    def first(self) -> "Position":
        """The position of its first item in the input."""
        return self._waiting[0][0]

    @property
    def is_full(self) -> bool:
        """True if the next batch is full."""
        bounds = self.bounds
        return self._events >= bounds.events or (
            bounds.bytes is not None and self.bytes > bounds.bytes
        )

    def add(self, user_queue: UserQueue) -> None:
        """Add a user who has waiting events, none of which is being sent."""
        user_queue.route_queue = self
        heappush(self._waiting, self._entry(user_queue))
        self.grow(len(user_queue.items), user_queue.bytes, hurried=user_queue.is_mixed)

    def grow(self, events: int, size: int, *, hurried: bool = False) -> None:
        """Count events that were added to or taken from one of the users."""
        self._events += events
        self.bytes += size
        self.hurried |= hurried

    def take(self) -> list[QueuedPayload]:
        """Take the next batch, in the order of the input; its users are then being sent."""
        if self.bounds.events == 1:
            user_queue = heappop(self._waiting)[-1]
            self._leave(user_queue)
            self._may_take(user_queue)
            return [user_queue.take()]
        batch = Batch(self.bounds)
        taken: list[_Entry] = []
        while not batch.is_full and (heap := _first(self._waiting, taken)):
            user_queue = heap[0][-1]
            if not batch.takes(user_queue.items[0]):
                break
            heappop(heap)
            may_go = self._may_take(user_queue)
            if not user_queue.in_progress:
                self._leave(user_queue)
            elif not may_go:
                # The rest of this user waits until the batch is done.
                continue
            batch.add(user_queue.take())
            if user_queue.items and user_queue.items[0].batch_key == self.batch_key:
                heappush(taken, self._entry(user_queue))
        return batch.items

    def _may_take(self, user_queue: UserQueue) -> bool:
        """Count an event of a user; False if the vendor takes no more of this user now."""
        user, together = user_queue.items[0].user, self.bounds.events
        return self._user_throttle is None or self._user_throttle.try_take(user, together)

    def stop_lingering(self) -> None:
        """Cancel the timer for a batch that is not full."""
        if self.lingering:
            self.lingering.cancel()
            self.lingering = None

    def _leave(self, user_queue: UserQueue) -> None:
        user_queue.route_queue = None
        user_queue.in_progress = True
        self.grow(-len(user_queue.items), -user_queue.bytes)

    def _entry(self, user_queue: UserQueue) -> "_Entry":
        first = user_queue.items[0].line
        return first.place << _LINE_BITS | first.number, next(self._tickets), user_queue


class SendQueue:
    """The queues of all users with waiting events or a batch in progress, and which batch is next.

    All payloads together take at most `most` bytes. A batch takes one of the `slots`, which its
    worker releases. `user_throttle` has the limits of single users.
    """

    def __init__(
        self,
        *,
        most: int,
        stop_signal: StopSignal,
        slots: SendSlots,
        user_throttle: UserThrottle | None = None,
    ) -> None:
        self._user_throttle = user_throttle
        self._done_for_today = 0
        self._users: dict[str, UserQueue] = {}
        self._routes: dict[str, RouteQueue] = {}
        self._going: list[tuple[Position, int, RouteQueue]] = []
        self._tickets = count()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._in_progress = 0
        self._held = 0
        self._most = most
        self._closed = False
        self._room = asyncio.Event()
        self._stop_signal = stop_signal
        self._slots = slots
        stop_signal.on_stop(self._wake_all)
        slots.on_free(self._wake_one)

    async def put(self, item: QueuedPayload) -> None:
        """Add an item to its user's queue; waits while all queues together hold too much."""
        user = item.user
        user_queue = self._users.get(user)
        if user_queue is None:
            user_queue = self._users[user] = UserQueue()
        user_queue.put(item)
        if user_queue.route_queue:
            self._consider(user_queue.route_queue)
        elif not (user_queue.in_progress or user_queue.parked):
            self._ready(user_queue)
        self._held += item.weight
        if self._held >= self._most:
            await self._wait_for_room()

    def close(self) -> None:
        """Declare that no more items will be added."""
        self._closed = True
        for route_queue in self._routes.values():
            self._consider(route_queue)
        self._wake_all()
        self._stop_if_done_for_today()

    @property
    def are_idle(self) -> bool:
        """Whether a worker waits for a batch and could send it at once."""
        return self._slots.free > 0 and bool(self._idle)

    async def next_batch(self) -> list[QueuedPayload]:
        """Return a batch; an empty one when nothing is left or the run is stopping.

        Any number of tasks may wait here. A user is never in two batches at once. A batch counts
        against the memory limit until `release` is called with it.
        """
        while not self._stop_signal.is_stopped:
            if self._slots.free and (route_queue := self._next_route()):
                return self._take(route_queue)
            if self._closed and not self._users:
                break
            change = asyncio.get_running_loop().create_future()
            self._idle.append(change)
            await change
        return []

    def release(self, batch: list[QueuedPayload]) -> None:
        """Free the memory of a batch, and let the next events of its users be sent."""
        self._in_progress -= 1
        for user in {item.user for item in batch}:
            user_queue = self._users[user]
            user_queue.in_progress = False
            if user_queue.items:
                self._ready(user_queue)
            else:
                del self._users[user]
        self._held -= sum(item.weight for item in batch)
        # Wake the feeder once for many items, not for each one.
        if self._held < self._most * 3 // 4 or not (self._can_go or self._in_progress):
            self._room.set()
        if self._closed and not self._users:
            self._wake_all()
        self._stop_if_done_for_today()

    def _next_route(self) -> RouteQueue | None:
        """Return the route whose batch is next: the one of the ready routes that was read first."""
        if not self._can_go:
            return None
        route_queue = heappop(self._going)[-1]
        route_queue.going = None
        return route_queue

    @property
    def _can_go(self) -> bool:
        """True if a batch may be sent. Drops outdated entries of routes that were added twice."""
        while self._going and self._going[0][-1].going != self._going[0][0]:
            heappop(self._going)
        return bool(self._going)

    def _take(self, route_queue: RouteQueue) -> list[QueuedPayload]:
        batch = route_queue.take()
        self._slots.take()
        self._in_progress += 1
        if route_queue:
            self._linger(route_queue)
            self._consider(route_queue)
        else:
            route_queue.stop_lingering()
            del self._routes[route_queue.batch_key]
        self._wake_one()
        return batch

    def _ready(self, user_queue: UserQueue) -> None:
        """Let a user's first items be sent with the next batch of their route."""
        first = user_queue.items[0]
        if self._user_throttle and self._parks(user_queue, self._user_throttle):
            return
        route_queue = self._routes.get(first.batch_key)
        if route_queue is None:
            route_queue = RouteQueue(first.batch_key, first.bounds, self._user_throttle)
            self._routes[first.batch_key] = route_queue
            self._linger(route_queue)
        route_queue.add(user_queue)
        self._consider(route_queue)

    def _parks(self, user_queue: UserQueue, user_throttle: UserThrottle) -> bool:
        """Make a user at the vendor's limit for one user wait; False if the user may send."""
        first, waiting = user_queue.items[0], len(user_queue.items)
        wait = user_throttle.wait(first.user, min(waiting, first.bounds.events))
        if wait <= 0:
            return False
        is_done = user_throttle.is_done_for_today(first.user)
        loop = asyncio.get_running_loop()
        user_queue.parked = loop.call_later(wait, self._unpark, user_queue, is_done)
        self._done_for_today += is_done
        return True

    def _unpark(self, user_queue: UserQueue, was_done: bool) -> None:
        user_queue.parked = None
        self._done_for_today -= was_done
        self._ready(user_queue)

    def _stop_if_done_for_today(self) -> None:
        """Stop the run if all users that are left have sent what the vendor takes in a day."""
        is_stuck = self._closed or self._held >= self._most
        if not (self._user_throttle and self._done_for_today and is_stuck):
            return
        if self._done_for_today == len(self._users):
            self._stop_signal.stop(self._user_throttle.stopped(self._users))

    def _consider(self, route_queue: RouteQueue) -> None:
        """Let a batch of this route be sent if waiting would not make it fuller."""
        may_go = self._closed or route_queue.is_full or route_queue.hurried
        if may_go and (route_queue.going is None or route_queue.first < route_queue.going):
            route_queue.going = route_queue.first
            heappush(self._going, (route_queue.going, next(self._tickets), route_queue))
            self._wake_one()

    def _linger(self, route_queue: RouteQueue) -> None:
        """Send a batch that is still not full after a while."""
        route_queue.stop_lingering()
        if route_queue.bounds.events > 1:
            loop = asyncio.get_running_loop()
            route_queue.lingering = loop.call_later(_LINGER, self._hurry, route_queue)

    def _hurry(self, route_queue: RouteQueue) -> None:
        route_queue.hurried = True
        self._consider(route_queue)

    async def _wait_for_room(self) -> None:
        self._stop_if_done_for_today()
        while self._held >= self._most and not self._stop_signal.is_stopped:
            if self._routes and not (self._can_go or self._in_progress):
                # Only sending a batch that is not full can free memory.
                self._hurry(max(self._routes.values(), key=lambda route_queue: route_queue.bytes))
            self._room.clear()
            await self._room.wait()

    def _wake_one(self) -> None:
        """Wake one task that waits for a batch if one may be taken; that task wakes the next."""
        while self._idle and self._slots.free and self._can_go:
            change = self._idle.popleft()
            if not change.done():
                change.set_result(None)
                return

    def _wake_all(self) -> None:
        self._room.set()
        while self._idle:
            change = self._idle.popleft()
            if not change.done():
                change.set_result(None)


# The position of a user's first item, a number that makes entries unique, and the user.
_Entry = tuple[Position, int, UserQueue]


def _first(one: list[_Entry], other: list[_Entry]) -> list[_Entry]:
    """Return the heap with the lower first entry; an empty one if both are empty."""
    if not (one and other):
        return one or other
    return one if one[0] < other[0] else other
