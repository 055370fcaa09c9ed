"""One throttle limits all workers: requests in flight, the rate, the pause a vendor asks for."""

import asyncio
from collections.abc import Callable

import pytest
from support.fakes import clock, play

from segcli.delivery.shutdown import StopSignal
from segcli.delivery.throttle import Throttle
from segcli.errors import Stopped


def pace_of(in_flight: int = 1_000, rate: float | None = None) -> tuple[Throttle, StopSignal]:
    stop_signal = StopSignal()
    return Throttle(in_flight=in_flight, rate=rate, stop_signal=stop_signal, now=clock), stop_signal


async def departures(throttle: Throttle, count: int, workers: int = 10) -> list[float]:
    """Return when each request was sent, with several workers and immediate answers."""
    left: list[float] = []

    async def worker(requests: int) -> None:
        for _ in range(requests):
            assert await throttle.acquire()
            left.append(clock())
            throttle.release()

    await asyncio.gather(*(worker(count // workers) for _ in range(workers)))
    return left


def most_within(times: list[float], seconds: float) -> int:
    """Return the largest number of requests in any span of this length."""
    return max(sum(1 for time in times if start <= time < start + seconds) for start in times)


@pytest.mark.parametrize("rate", [0.5, 7, 50, 1_000])
def test_rate_is_never_exceeded_and_fully_used(rate: float) -> None:
    async def story() -> list[float]:
        throttle, _ = pace_of(rate=rate)
        return await departures(throttle, 200)

    times = play(story())

    assert most_within(times, 20 / rate) <= 21 + 0.05 * rate
    assert times[-1] - times[0] == pytest.approx(199 / rate, abs=0.06)


def test_idle_time_is_not_saved_for_a_burst() -> None:
    async def story() -> list[float]:
        throttle, _ = pace_of(rate=50)
        await departures(throttle, 10)
        await asyncio.sleep(60)
        return await departures(throttle, 100)

    assert most_within(play(story()), 0.2) <= 10 + 0.05 * 50 + 1


def test_requests_are_not_delayed_without_a_rate() -> None:
    async def story() -> float:
        throttle, _ = pace_of()
        times = await departures(throttle, 1_000)
        return times[-1] - times[0]

    assert play(story()) == 0


def on_routes(
    rates: dict[str, float], rate: float | None, counts: dict[str, int]
) -> dict[str, list[float]]:
    """Return when the requests of each route were sent, with several workers a route."""

    async def story() -> dict[str, list[float]]:
        throttle = Throttle(
            in_flight=1_000, rate=rate, route_rates=rates, stop_signal=StopSignal(), now=clock
        )
        left: dict[str, list[float]] = {route: [] for route in counts}

        async def worker(route: str) -> None:
            assert await throttle.acquire(route)
            left[route].append(clock())
            throttle.release()

        await asyncio.gather(*(worker(r) for r, count in counts.items() for _ in range(count)))
        return left

    return play(story())


def test_rate_of_a_route_holds_for_its_requests_only() -> None:
    left = on_routes({"/a": 2}, None, {"/a": 21, "/b": 50, "/a {}": 20})
    of_a = sorted(left["/a"] + left["/a {}"])

    assert most_within(of_a, 1) <= 3
    assert of_a[-1] - of_a[0] == pytest.approx(20, abs=0.06)
    assert left["/b"][-1] - of_a[0] == 0


def test_rate_of_a_route_stands_beside_that_of_all_requests() -> None:
    left = on_routes({"/a": 2}, 10, {"/a": 11, "/b": 89})
    times = sorted(left["/a"] + left["/b"])

    assert most_within(left["/a"], 1) <= 3
    assert most_within(times, 1) <= 11
    assert times[-1] - times[0] == pytest.approx(9.9, abs=0.06)


def test_requests_in_flight_are_limited() -> None:
    async def story() -> tuple[bool, int, bool]:
        throttle, _ = pace_of(in_flight=2)
        await throttle.acquire()
        await throttle.acquire()
        third = asyncio.create_task(throttle.acquire())
        await asyncio.sleep(1)
        waited, in_flight = not third.done(), throttle.in_flight
        throttle.release()
        return waited, in_flight, await third

    assert play(story()) == (True, 2, True)


def test_pause_delays_all_workers() -> None:
    async def story() -> list[float]:
        throttle, _ = pace_of()
        began = clock()
        throttle.pause(7)
        return [time - began for time in await departures(throttle, 50)]

    assert set(play(story())) == {7.0}


def test_a_shorter_pause_does_not_shorten_a_longer_one() -> None:
    async def story() -> float:
        throttle, _ = pace_of()
        began = clock()
        throttle.pause(7)
        throttle.pause(1)
        await throttle.acquire()
        return clock() - began

    assert play(story()) == 7


def test_pause_also_delays_workers_that_already_wait() -> None:
    async def story() -> float:
        throttle, _ = pace_of(rate=1)
        await throttle.acquire()
        began = clock()
        asyncio.get_running_loop().call_later(0.5, throttle.pause, 10)
        await throttle.acquire()
        return clock() - began

    assert play(story()) == 10.5


async def release(throttle: Throttle, count: int, overloaded: int) -> list[float]:
    """Send requests at once; the first of them are answered as by an overloaded vendor.

    Return the room in flight after each answer.
    """
    for _ in range(count):
        assert await throttle.acquire()
    sent_at = clock()
    await asyncio.sleep(1)
    found = []
    for number in range(count):
        throttle.release()
        throttle.replied(sent_at, overloaded=number < overloaded)
        if number >= overloaded:
            throttle.grow()
        found.append(throttle.window)
    return found


def test_window_halves_once_for_a_burst_of_overloaded_replies() -> None:
    async def story() -> list[float]:
        throttle, _ = pace_of(in_flight=16)
        return [(await release(throttle, count, count))[-1] for count in (16, 8, 4)]

    assert play(story()) == [8.0, 4.0, 2.0]


def test_requests_in_flight_halve_the_window_once_in_total() -> None:
    async def story() -> list[float]:
        throttle, _ = pace_of(in_flight=16)
        for _ in range(16):
            await throttle.acquire()
        sent_at = clock()
        found = []
        for _ in range(16):
            await asyncio.sleep(1)
            throttle.release()
            throttle.replied(sent_at, overloaded=True)
            found.append(throttle.window)
        return found

    assert play(story()) == [16 - 0.5 * answers for answers in range(1, 17)]


def test_window_never_shrinks_below_one() -> None:
    async def story() -> tuple[float, bool]:
        throttle, _ = pace_of(in_flight=3)
        for _ in range(10):
            await release(throttle, 1, 1)
        return throttle.window, await throttle.acquire()

    assert play(story()) == (1.0, True)


def test_window_grows_by_one_per_round_up_to_its_maximum() -> None:
    async def story() -> list[float]:
        throttle, _ = pace_of(in_flight=16)
        await release(throttle, 16, 16)
        throttle.replied(clock(), overloaded=False)
        rounds = []
        for _ in range(12):
            for _ in range(round(throttle.window)):
                throttle.grow()
            rounds.append(throttle.window)
        return rounds

    rounds = play(story())
    assert rounds[:8] == pytest.approx([9, 10, 11, 12, 13, 14, 15, 16], abs=0.5)
    assert rounds[-1] == 16


def test_shrunk_window_delays_a_waiting_request() -> None:
    async def story() -> tuple[int, int]:
        throttle, _ = pace_of(in_flight=4)
        for _ in range(4):
            await throttle.acquire()
        sent_at = clock()
        waiting = asyncio.create_task(throttle.acquire())
        await asyncio.sleep(1)
        found = []
        for _ in range(4):
            throttle.release()
            throttle.replied(sent_at, overloaded=True)
            await asyncio.sleep(0.1)
            found.append(waiting.done())
        return found.index(True), throttle.in_flight

    # The window is 3.5, 3, 2.5, 2 while 3, 2, 1, 0 are in flight: the second one makes room.
    assert play(story()) == (1, 1)


@pytest.mark.parametrize(
    "hold",
    [
        lambda _pace: None,
        lambda throttle: throttle.pause(3600),
        lambda throttle: throttle.release(),
    ],
    ids=["no room", "a pause", "the rate"],
)
def test_stop_ends_every_wait_without_a_permit(hold: Callable[[Throttle], None]) -> None:
    async def story() -> tuple[bool, float, bool]:
        throttle, stop_signal = pace_of(in_flight=1, rate=0.001)
        await throttle.acquire()
        hold(throttle)
        began = clock()
        asyncio.get_running_loop().call_later(2, stop_signal.stop, Stopped("enough"))
        return await throttle.acquire(), clock() - began, await throttle.acquire()

    assert play(story()) == (False, pytest.approx(2), False)
