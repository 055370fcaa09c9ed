"""Lanes keep a user's order, fill batches without waiting long, and hold only so much."""

import asyncio
from collections.abc import Callable
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sending import clock, item, play

from segcli.delivery.batch import Bounds, Item
from segcli.delivery.brake import Brake
from segcli.delivery.lanes import Lanes
from segcli.errors import Stopped

MANY = 1_000_000


def lanes_of(
    count: int = 1, *, events: int = 1, size: int | None = None, most: int = MANY
) -> tuple[Lanes, Brake]:
    brake = Brake()
    return Lanes(count, most=most, bounds=lambda _route: Bounds(events, size), brake=brake), brake


async def drained(lanes: Lanes, count: int) -> list[list[Item]]:
    """Return what came out of each lane, until all are at their end."""

    async def drain(number: int) -> list[Item]:
        return [item async for batch in lanes.batches(number) for item in batch]

    return await asyncio.gather(*map(drain, range(count)))


@given(st.lists(st.text(max_size=3), max_size=40), st.integers(1, 9), st.integers(1, 5))
def test_a_users_items_leave_by_one_lane_in_the_order_they_came(
    users: list[str], count: int, events: int
) -> None:
    async def story() -> list[list[Item]]:
        lanes, _ = lanes_of(count, events=events)
        for number, user in enumerate(users):
            await lanes.put(item(b"x", user=user, number=number))
        lanes.close()
        return await drained(lanes, count)

    found = play(story())

    for user in set(users):
        places = [[i.line.number for i in lane if i.mapped.user == user] for lane in found]
        came = [number for number, name in enumerate(users) if name == user]
        assert [lane for lane in places if lane] == [came]


def test_many_users_are_spread_over_all_lanes() -> None:
    async def story() -> list[list[Item]]:
        lanes, _ = lanes_of(16)
        for number in range(1600):
            await lanes.put(item(b"x", user=f"user-{number}"))
        lanes.close()
        return await drained(lanes, 16)

    assert all(50 < len(lane) < 200 for lane in play(story()))


def test_what_the_lanes_hold_is_bounded_by_bytes() -> None:
    async def story() -> list[int]:
        lanes, _ = lanes_of(most=1_000)
        put, seen = 0, []

        async def feed() -> None:
            nonlocal put
            for _ in range(100):
                await lanes.put(item(b"x" * 50))
                put += 1
            lanes.close()

        feeding = asyncio.create_task(feed())
        taken = 0
        async for batch in lanes.batches(0):
            await asyncio.sleep(1)
            taken += len(batch)
            seen.append(put + 1 - taken)
        await feeding
        return seen

    held = play(story())
    assert len(held) == 100
    assert 8 <= max(held) <= 10


def test_a_batch_counts_as_held_until_the_next_is_asked_for() -> None:
    async def story() -> tuple[bool, bool]:
        lanes, _ = lanes_of(most=100)
        batches = lanes.batches(0)
        feeding = asyncio.create_task(lanes.put(item(b"x" * 50)))
        await anext(batches)
        await asyncio.sleep(1)
        before = feeding.done()
        lanes.close()
        async for _ in batches:
            pass
        await asyncio.sleep(0)
        return before, feeding.done()

    assert play(story()) == (False, True)


def test_an_item_larger_than_all_lanes_may_hold_still_goes() -> None:
    async def story() -> int:
        lanes, _ = lanes_of(most=10)
        feeding = asyncio.create_task(lanes.put(item(b"x" * 1_000)))
        batch = await anext(lanes.batches(0))
        feeding.cancel()
        return len(batch)

    assert play(story()) == 1


def test_a_batch_that_is_not_full_waits_a_second_for_more() -> None:
    async def story() -> tuple[int, float]:
        lanes, _ = lanes_of(events=10)
        began = clock()
        for wait in (0.0, 0.5, 0.4, 0.2):
            asyncio.get_running_loop().call_later(
                wait, asyncio.ensure_future, lanes.put(item(b"x"))
            )
        return len(await anext(lanes.batches(0))), clock() - began

    assert play(story()) == (4, pytest.approx(1.0))


@pytest.mark.parametrize(
    "reason",
    [
        lambda lanes: [lanes.put(item(b"x")) for _ in range(9)],
        lambda lanes: [lanes.put(item(b"x" * 300)) for _ in range(2)],
        lambda lanes: [lanes.put(item(b"x", route="/other"))],
        lambda lanes: [_closing(lanes)],
    ],
    ids=["full", "full by bytes", "another route follows", "nothing more comes"],
)
def test_a_batch_that_cannot_grow_goes_at_once(
    reason: Callable[[Lanes], list[asyncio.Future[None]]],
) -> None:
    async def story() -> float:
        lanes, _ = lanes_of(events=10, size=500)
        began = clock()
        await lanes.put(item(b"x"))
        for step in reason(lanes):
            await step
        await anext(lanes.batches(0))
        return clock() - began

    assert play(story()) == 0


async def _closing(lanes: Lanes) -> None:
    lanes.close()


def test_nobody_waits_for_a_fuller_batch_while_the_lanes_are_full() -> None:
    async def story() -> float:
        lanes, _ = lanes_of(events=100, most=100)
        began = clock()
        feeding = asyncio.create_task(lanes.put(item(b"x" * 50)))
        await anext(lanes.batches(0))
        feeding.cancel()
        return clock() - began

    assert play(story()) == 0


def test_of_lanes_that_wait_for_more_the_fullest_goes_at_once_where_memory_is_short() -> None:
    small, large = "a", next(user for user in "bcdefgh" if _lane_of(user) != _lane_of("a"))

    async def story() -> tuple[list[str], float]:
        lanes, _ = lanes_of(2, events=100, most=1_000)
        began = clock()
        batches = [asyncio.ensure_future(anext(lanes.batches(number))) for number in (0, 1)]
        await lanes.put(item(b"x" * 10, user=small))
        feeding = asyncio.ensure_future(lanes.put(item(b"x" * 1_000, user=large)))
        done, others = await asyncio.wait(batches, return_when=asyncio.FIRST_COMPLETED)
        for task in (feeding, *others):
            task.cancel()
        return [batch.mapped.user for task in done for batch in task.result()], clock() - began

    gone, waited = play(story())

    assert large in gone
    assert waited == 0


def _lane_of(user: str) -> int:
    return crc32(user.encode()) % 2


def test_a_single_event_a_request_never_waits() -> None:
    async def story() -> float:
        lanes, _ = lanes_of(events=1)
        began = clock()
        await lanes.put(item(b"x"))
        await anext(lanes.batches(0))
        return clock() - began

    assert play(story()) == 0


def test_a_brake_ends_lanes_at_once_with_what_they_hold() -> None:
    async def story() -> tuple[list[list[Item]], float]:
        lanes, brake = lanes_of(3, events=10)
        began = clock()
        await lanes.put(item(b"x"))
        asyncio.get_running_loop().call_later(0.05, brake.pull, Stopped("enough"))
        return await drained(lanes, 3), clock() - began

    assert play(story()) == ([[], [], []], pytest.approx(0.05))


def test_a_brake_frees_whoever_waits_for_room() -> None:
    async def story() -> float:
        lanes, brake = lanes_of(most=100)
        began = clock()
        asyncio.get_running_loop().call_later(7, brake.pull, Stopped("enough"))
        await lanes.put(item(b"x" * 50))
        return clock() - began

    assert play(story()) == pytest.approx(7)
