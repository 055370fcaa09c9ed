"""Queues keep the order per user, fill batches without long waits, and are bounded."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.fakes import clock, item, play
from support.tables import for_each

from segcli.delivery.batch import Bounds, QueuedPayload
from segcli.delivery.queues import SendQueue
from segcli.delivery.shutdown import StopSignal
from segcli.delivery.slots import SendSlots
from segcli.errors import Stopped

MANY = 10_000_000
WEIGHT = item(b"x" * 50).weight


@dataclass(frozen=True, slots=True)
class BoundedQueue:
    """A send queue whose items all have the same bounds."""

    queue: SendQueue
    bounds: Bounds

    async def put(self, item: QueuedPayload) -> None:
        await self.queue.put(replace(item, bounds=self.bounds))

    def close(self) -> None:
        self.queue.close()

    async def next_batch(self) -> list[QueuedPayload]:
        return await self.queue.next_batch()

    def release(self, batch: list[QueuedPayload]) -> None:
        self.queue.release(batch)


def queue_of(
    *, events: int = 1, size: int | None = None, most: int = MANY
) -> tuple[BoundedQueue, StopSignal]:
    stop_signal = StopSignal()
    slots = SendSlots(MANY, stop_signal)
    queue = SendQueue(most=most, stop_signal=stop_signal, slots=slots)
    return BoundedQueue(queue, Bounds(events, size)), stop_signal


async def drained(
    queue: BoundedQueue, workers: int, *, each: float = 0.0
) -> list[list[QueuedPayload]]:
    """Return the batches in the order of sending, with this many slow workers."""
    found: list[list[QueuedPayload]] = []

    async def drain() -> None:
        while batch := await queue.next_batch():
            found.append(batch)
            await asyncio.sleep(each)
            queue.release(batch)

    await asyncio.gather(*(drain() for _ in range(workers)))
    return found


def numbers(batches: Sequence[Sequence[QueuedPayload]]) -> list[list[int]]:
    return [[item.line.number for item in batch] for batch in batches]


USERS = st.lists(st.tuples(st.text(max_size=2), st.sampled_from(["/a", "/b"])), max_size=40)


@given(USERS, st.integers(1, 9), st.integers(1, 5), st.booleans())
def test_items_of_a_user_keep_order_and_are_in_one_batch_at_a_time(
    came: list[tuple[str, str]], workers: int, events: int, late: bool
) -> None:
    async def story() -> list[QueuedPayload]:
        queue, _ = queue_of(events=events)
        in_progress: set[str] = set()
        found: list[QueuedPayload] = []

        async def work() -> None:
            while batch := await queue.next_batch():
                users = {item.user for item in batch}
                assert len(batch) <= events
                assert len({item.route for item in batch}) == 1
                assert not users & in_progress
                in_progress.update(users)
                await asyncio.sleep(len(batch[0].user))
                in_progress.difference_update(users)
                found.extend(batch)
                queue.release(batch)

        working = [asyncio.create_task(work()) for _ in range(workers)]
        for number, (user, route) in enumerate(came):
            await queue.put(item(b"x", user=user, route=route, number=number))
            await asyncio.sleep(1 if late else 0)
        queue.close()
        await asyncio.gather(*working)
        return found

    found = play(story())

    assert sorted(item.line.number for item in found) == list(range(len(came)))
    for user in {user for user, _ in came}:
        places = [item.line.number for item in found if item.user == user]
        assert places == sorted(places)


@given(USERS, st.integers(1, 5))
def test_single_worker_sends_batches_in_input_order(
    came: list[tuple[str, str]], events: int
) -> None:
    async def story() -> list[list[QueuedPayload]]:
        queue, _ = queue_of(events=events)
        for number, (user, route) in enumerate(came):
            await queue.put(item(b"x", user=user, route=route, number=number))
        queue.close()
        return await drained(queue, 1)

    found = numbers(play(story()))

    assert all(batch == sorted(batch) for batch in found)
    assert [batch[0] for batch in found] == sorted(batch[0] for batch in found)
    if events == 1:
        assert found == [[number] for number in range(len(came))]


def test_no_worker_is_idle_while_a_user_has_an_item_ready() -> None:
    """If users shared a few queues, they would wait for one another."""

    async def story() -> float:
        queue, _ = queue_of()
        began = clock()
        for number in range(1000):
            await queue.put(item(b"x", user=f"user-{number % 20}", number=number))
        queue.close()
        await drained(queue, 20, each=1.0)
        return clock() - began

    assert play(story()) == pytest.approx(50)


def test_batch_is_filled_from_all_users_in_input_order() -> None:
    async def story() -> list[list[QueuedPayload]]:
        queue, _ = queue_of(events=4)
        for number in range(10):
            await queue.put(item(b"x", user=f"user-{number % 3}", number=number))
        queue.close()
        return await drained(queue, 1)

    assert numbers(play(story())) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_batch_with_several_events_per_user_keeps_input_order() -> None:
    async def story() -> list[list[QueuedPayload]]:
        queue, _ = queue_of(events=6)
        for number, user in enumerate("aabbcc"):
            await queue.put(item(b"x", user=user, number=number))
        queue.close()
        return await drained(queue, 1)

    assert numbers(play(story())) == [[0, 1, 2, 3, 4, 5]]


def test_blocked_put_resumes_when_a_quarter_of_the_queue_is_free() -> None:
    async def story() -> list[int]:
        queue, _ = queue_of(most=20 * WEIGHT)
        woken = []

        async def feed() -> None:
            for number in range(40):
                await queue.put(item(b"x" * 50, user=f"user-{number}", number=number))
            queue.close()

        feeding = asyncio.create_task(feed())
        taken = 0
        while batch := await queue.next_batch():
            taken += len(batch)
            held = queue.queue._held
            queue.release(batch)
            freed = queue.queue._held
            await asyncio.sleep(0)
            if queue.queue._held > freed:
                woken.append(held - WEIGHT)
        await feeding
        assert taken == 40
        return woken

    woken = play(story())
    # Items are added again in groups as large as those taken, not one by one.
    assert 1 < len(woken) <= 5
    assert all(held < 15 * WEIGHT for held in woken)


def test_queues_are_bounded_by_bytes() -> None:
    async def story() -> list[int]:
        queue, _ = queue_of(most=10 * WEIGHT)
        put, seen = 0, []

        async def feed() -> None:
            nonlocal put
            for _ in range(100):
                await queue.put(item(b"x" * 50))
                put += 1
            queue.close()

        feeding = asyncio.create_task(feed())
        taken = 0
        while batch := await queue.next_batch():
            await asyncio.sleep(1)
            taken += len(batch)
            seen.append(put + 1 - taken)
            queue.release(batch)
        await feeding
        return seen

    held = play(story())
    assert len(held) == 100
    assert 8 <= max(held) <= 10


def test_batch_counts_against_the_bound_until_released() -> None:
    async def story() -> tuple[bool, bool]:
        queue, _ = queue_of(most=WEIGHT)
        feeding = asyncio.create_task(queue.put(item(b"x" * 50)))
        batch = await queue.next_batch()
        await asyncio.sleep(1)
        before = feeding.done()
        queue.release(batch)
        await asyncio.sleep(0)
        return before, feeding.done()

    assert play(story()) == (False, True)


def test_item_larger_than_the_queue_bound_is_still_sent() -> None:
    async def story() -> int:
        queue, _ = queue_of(most=10)
        feeding = asyncio.create_task(queue.put(item(b"x" * 1_000)))
        batch = await queue.next_batch()
        feeding.cancel()
        return len(batch)

    assert play(story()) == 1


def test_batch_that_is_not_full_waits_one_second_for_more_items() -> None:
    async def story() -> tuple[int, float]:
        queue, _ = queue_of(events=10)
        began = clock()
        for wait in (0.0, 0.5, 0.4, 0.2):
            asyncio.get_running_loop().call_later(
                wait, asyncio.ensure_future, queue.put(item(b"x"))
            )
        return len(await queue.next_batch()), clock() - began

    assert play(story()) == (4, pytest.approx(1.0))


def test_item_left_over_from_a_full_batch_waits_its_own_second() -> None:
    async def story() -> list[tuple[int, float]]:
        queue, _ = queue_of(events=3)
        began = clock()
        for number in range(4):
            await queue.put(item(b"x", user=f"user-{number}", number=number))
        return [(len(await queue.next_batch()), clock() - began) for _ in range(2)]

    assert play(story()) == [(3, 0.0), (1, pytest.approx(1.0))]


@for_each(
    "reason",
    [
        lambda queue: [queue.put(item(b"x")) for _ in range(9)],
        lambda queue: [queue.put(item(b"x", user=f"user-{n}")) for n in range(9)],
        lambda queue: [queue.put(item(b"x" * 300)) for _ in range(2)],
        lambda queue: [queue.put(item(b"x", route="/other"))],
        lambda queue: [_closing(queue)],
    ],
)
def test_batch_that_cannot_grow_is_sent_at_once(
    reason: Callable[[BoundedQueue], list[asyncio.Future[None]]],
) -> None:
    async def story() -> float:
        queue, _ = queue_of(events=10, size=500)
        began = clock()
        await queue.put(item(b"x"))
        for step in reason(queue):
            await step
        await queue.next_batch()
        return clock() - began

    assert play(story()) == 0


async def _closing(queue: BoundedQueue) -> None:
    queue.close()


def test_smaller_item_does_not_overtake_one_that_does_not_fit() -> None:
    async def story() -> list[list[QueuedPayload]]:
        queue, _ = queue_of(events=10, size=500)
        for number, size in enumerate((300, 300, 10)):
            await queue.put(item(b"x" * size, user=f"user-{number}", number=number))
        queue.close()
        return await drained(queue, 1)

    assert numbers(play(story())) == [[0], [1, 2]]


def test_fullest_batch_is_sent_at_once_if_memory_is_full_and_idle() -> None:
    async def story() -> tuple[str, float]:
        queue, _ = queue_of(events=100, most=3 * WEIGHT)
        began = clock()
        batches = asyncio.ensure_future(queue.next_batch())
        await queue.put(item(b"x" * 10, user="a", route="/small"))
        feeding = asyncio.ensure_future(queue.put(item(b"x" * 2_000, user="b", route="/large")))
        (first, *_) = await batches
        feeding.cancel()
        return first.route, clock() - began

    assert play(story()) == ("/large", 0)


def test_batch_waits_for_batches_in_progress_if_memory_is_full() -> None:
    async def story() -> list[int]:
        queue, _ = queue_of(events=4, most=6 * WEIGHT)

        async def feed() -> None:
            for number in range(12):
                await queue.put(item(b"x" * 50, user=f"user-{number}", number=number))
            queue.close()

        feeding = asyncio.create_task(feed())
        found = await drained(queue, 5, each=0.5)
        await feeding
        return [len(batch) for batch in found]

    assert play(story()) == [4, 4, 4]


def test_one_event_per_request_never_waits() -> None:
    async def story() -> float:
        queue, _ = queue_of(events=1)
        began = clock()
        await queue.put(item(b"x"))
        await queue.next_batch()
        return clock() - began

    assert play(story()) == 0


def test_stop_ends_the_queues_at_once_with_unsent_items() -> None:
    async def story() -> tuple[list[list[QueuedPayload]], float]:
        queue, stop_signal = queue_of(events=10)
        began = clock()
        await queue.put(item(b"x"))
        asyncio.get_running_loop().call_later(0.05, stop_signal.stop, Stopped("enough"))
        return await drained(queue, 3), clock() - began

    assert play(story()) == ([], pytest.approx(0.05))


def test_stop_releases_a_put_that_waits_for_space() -> None:
    async def story() -> float:
        queue, stop_signal = queue_of(most=WEIGHT)
        began = clock()
        asyncio.get_running_loop().call_later(7, stop_signal.stop, Stopped("enough"))
        await queue.put(item(b"x" * 50))
        return clock() - began

    assert play(story()) == pytest.approx(7)
