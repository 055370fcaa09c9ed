"""The pace is one for all lanes: room in flight, the rate, the pause that a vendor asked for."""

import asyncio
from collections.abc import Callable

import pytest
from sending import clock, play

from segcli.delivery.shutdown import Brake
from segcli.delivery.throttle import Pace
from segcli.errors import Stopped


def pace_of(in_flight: int = 1_000, rate: float | None = None) -> tuple[Pace, Brake]:
    brake = Brake()
    return Pace(in_flight=in_flight, rate=rate, brake=brake, now=clock), brake


async def departures(pace: Pace, count: int, lanes: int = 10) -> list[float]:
    """Return when each of so many requests left, sent from several lanes and answered at once."""
    left: list[float] = []

    async def lane(requests: int) -> None:
        for _ in range(requests):
            assert await pace.turn()
            left.append(clock())
            pace.answered()

    await asyncio.gather(*(lane(count // lanes) for _ in range(lanes)))
    return left


def most_within(times: list[float], seconds: float) -> int:
    """Return the most departures that any span of that length saw."""
    return max(sum(1 for time in times if start <= time < start + seconds) for start in times)


@pytest.mark.parametrize("rate", [0.5, 7, 50, 1_000])
def test_a_rate_is_never_exceeded_and_is_used_up(rate: float) -> None:
    async def story() -> list[float]:
        pace, _ = pace_of(rate=rate)
        return await departures(pace, 200)

    times = play(story())

    assert most_within(times, 20 / rate) <= 21 + 0.05 * rate
    assert times[-1] - times[0] == pytest.approx(199 / rate, abs=0.06)


def test_a_rest_is_not_saved_up_for_a_burst() -> None:
    async def story() -> list[float]:
        pace, _ = pace_of(rate=50)
        await departures(pace, 10)
        await asyncio.sleep(60)
        return await departures(pace, 100)

    assert most_within(play(story()), 0.2) <= 10 + 0.05 * 50 + 1


def test_without_a_rate_nothing_is_held_back() -> None:
    async def story() -> float:
        pace, _ = pace_of()
        times = await departures(pace, 1_000)
        return times[-1] - times[0]

    assert play(story()) == 0


def test_no_more_leave_than_there_is_room_for() -> None:
    async def story() -> tuple[bool, int, bool]:
        pace, _ = pace_of(in_flight=2)
        await pace.turn()
        await pace.turn()
        third = asyncio.create_task(pace.turn())
        await asyncio.sleep(1)
        waited, in_flight = not third.done(), pace.in_flight
        pace.answered()
        return waited, in_flight, await third

    assert play(story()) == (True, 2, True)


def test_a_pause_is_felt_by_every_lane() -> None:
    async def story() -> list[float]:
        pace, _ = pace_of()
        began = clock()
        pace.pause(7)
        return [time - began for time in await departures(pace, 50)]

    assert set(play(story())) == {7.0}


def test_a_shorter_pause_does_not_shorten_a_longer_one() -> None:
    async def story() -> float:
        pace, _ = pace_of()
        began = clock()
        pace.pause(7)
        pace.pause(1)
        await pace.turn()
        return clock() - began

    assert play(story()) == 7


def test_a_pause_that_begins_while_others_wait_holds_them_too() -> None:
    async def story() -> float:
        pace, _ = pace_of(rate=1)
        await pace.turn()
        began = clock()
        asyncio.get_running_loop().call_later(0.5, pace.pause, 10)
        await pace.turn()
        return clock() - began

    assert play(story()) == 10.5


async def answered(pace: Pace, count: int, overloaded: int) -> list[float]:
    """Have requests leave at once, of which the first are answered as by an overloaded vendor.

    Return the room in flight after each answer.
    """
    for _ in range(count):
        assert await pace.turn()
    sent_at = clock()
    await asyncio.sleep(1)
    found = []
    for number in range(count):
        pace.answered()
        pace.replied(sent_at, overloaded=number < overloaded)
        if number >= overloaded:
            pace.grow()
        found.append(pace.window)
    return found


def test_room_halves_once_for_a_burst_of_replies() -> None:
    async def story() -> list[float]:
        pace, _ = pace_of(in_flight=16)
        return [(await answered(pace, count, count))[-1] for count in (16, 8, 4)]

    assert play(story()) == [8.0, 4.0, 2.0]


def test_what_was_in_flight_when_the_room_began_to_shrink_halves_it_once() -> None:
    async def story() -> list[float]:
        pace, _ = pace_of(in_flight=16)
        for _ in range(16):
            await pace.turn()
        sent_at = clock()
        found = []
        for _ in range(16):
            await asyncio.sleep(1)
            pace.answered()
            pace.replied(sent_at, overloaded=True)
            found.append(pace.window)
        return found

    assert play(story()) == [16 - 0.5 * answers for answers in range(1, 17)]


def test_room_never_halves_below_one_request() -> None:
    async def story() -> tuple[float, bool]:
        pace, _ = pace_of(in_flight=3)
        for _ in range(10):
            await answered(pace, 1, 1)
        return pace.window, await pace.turn()

    assert play(story()) == (1.0, True)


def test_room_grows_back_by_one_for_each_round_of_answers_up_to_what_it_was() -> None:
    async def story() -> list[float]:
        pace, _ = pace_of(in_flight=16)
        await answered(pace, 16, 16)
        pace.replied(clock(), overloaded=False)
        rounds = []
        for _ in range(12):
            for _ in range(round(pace.window)):
                pace.grow()
            rounds.append(pace.window)
        return rounds

    rounds = play(story())
    assert rounds[:8] == pytest.approx([9, 10, 11, 12, 13, 14, 15, 16], abs=0.5)
    assert rounds[-1] == 16


def test_room_that_shrinks_holds_back_what_was_free_to_go() -> None:
    async def story() -> tuple[int, int]:
        pace, _ = pace_of(in_flight=4)
        for _ in range(4):
            await pace.turn()
        sent_at = clock()
        waiting = asyncio.create_task(pace.turn())
        await asyncio.sleep(1)
        found = []
        for _ in range(4):
            pace.answered()
            pace.replied(sent_at, overloaded=True)
            await asyncio.sleep(0.1)
            found.append(waiting.done())
        return found.index(True), pace.in_flight

    # There is room for 3.5, 3, 2.5 and 2, and 3, 2, 1 and none are out: the second makes room.
    assert play(story()) == (1, 1)


@pytest.mark.parametrize(
    "hold",
    [lambda _pace: None, lambda pace: pace.pause(3600), lambda pace: pace.answered()],
    ids=["no room", "a pause", "the rate"],
)
def test_a_brake_ends_every_wait_with_a_no(hold: Callable[[Pace], None]) -> None:
    async def story() -> tuple[bool, float, bool]:
        pace, brake = pace_of(in_flight=1, rate=0.001)
        await pace.turn()
        hold(pace)
        began = clock()
        asyncio.get_running_loop().call_later(2, brake.pull, Stopped("enough"))
        return await pace.turn(), clock() - began, await pace.turn()

    assert play(story()) == (False, pytest.approx(2), False)
