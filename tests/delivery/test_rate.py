"""A share of a rate: it changes, counts what it loses, and holds in every second."""

import asyncio

import pytest
from support.fakes import clock, play

from segcli.delivery.rate import SharedRate
from segcli.delivery.shutdown import StopSignal
from segcli.delivery.throttle import Throttle


def test_a_share_that_changes_counts_the_time_so_far() -> None:
    rate = SharedRate(2.0)
    rate.begin(100.0)
    assert rate.due == 100.5
    # Half of the wait is over.
    rate.change(10.0, 100.25)
    assert rate.due == pytest.approx(100.3)
    rate.change(0.0, 100.26)
    assert rate.due == float("inf")
    rate.change(10.0, 200.0)
    assert rate.due == pytest.approx(200.1)
    assert rate.lost(200.0) == 0


def test_a_share_counts_what_it_could_have_sent() -> None:
    rate = SharedRate(10.0)
    rate.begin(100.0)
    for at in (100.1, 100.2, 101.25):
        rate.take(at)
    # The third was due at 100.3, and half a second may be caught up on.
    assert (rate.sent, rate.lost(101.25)) == (3, pytest.approx(4.5))
    rate.pause(103.0)
    assert rate.due == 103.0
    rate.take(103.0)
    assert rate.lost(103.0) == pytest.approx(4.5)
    rate.change(20.0, 104.15)
    assert rate.lost(104.15) == pytest.approx(10.0)
    assert rate.due == pytest.approx(103.9)


def sent_until(rate: SharedRate, now: float, until: float, *, at_most: int = 1000) -> list[float]:
    """Send what is due, every 5 ms; return the times."""
    times = []
    while now < until:
        for _ in range(at_most):
            if rate.due > now:
                break
            rate.take(now)
            times.append(now)
        now += 0.005
    return times


def test_a_share_catches_up_on_a_delay_within_what_a_second_may_have() -> None:
    rate = SharedRate(100.0)
    rate.begin(0.0)
    times = sent_until(rate, 0.0, 2.0)
    for second in range(2, 20):
        # Each second has a delay of 400 ms.
        times += sent_until(rate, second + 0.4, second + 1.0)

    in_any_second = [sum(one <= time < one + 1.0 for time in times) for one in times]
    assert len(times) == pytest.approx(2000, rel=0.02)
    assert max(in_any_second) <= 106


def test_a_share_that_was_long_not_used_is_not_saved_for_a_burst() -> None:
    rate = SharedRate(100.0)
    rate.begin(0.0)

    times = sent_until(rate, 60.0, 62.0)

    assert sum(time < 61.0 for time in times) <= 106
    assert len(times) <= 252


def test_shares_that_change_send_no_more_in_a_second_than_they_were() -> None:
    one, other = SharedRate(100.0), SharedRate(0.0)
    one.begin(0.0)
    other.begin(0.0)
    times = sent_until(one, 0.0, 5.0)
    one.change(20.0, 5.0)
    other.change(80.0, 5.0)
    times += sent_until(one, 5.0, 8.0) + sent_until(other, 5.0, 8.0)

    in_any_second = [sum(one <= time < one + 1.0 for time in times) for one in times]
    assert len(times) == pytest.approx(800, rel=0.01)
    assert max(in_any_second) <= 107


async def departures(throttle: Throttle, count: int) -> list[float]:
    """Return when each request was sent."""
    left: list[float] = []
    for _ in range(count):
        assert await throttle.acquire()
        left.append(clock())
        throttle.release()
    return left


def test_a_share_is_used_from_when_it_is_told() -> None:
    async def story() -> tuple[int, float, list[float]]:
        rate = SharedRate(0.0, in_flight=2)
        throttle = Throttle(in_flight=9, rate=rate, stop_signal=StopSignal(), now=clock)
        began = clock()
        rate.begin(began)
        waiting = asyncio.create_task(departures(throttle, 10))
        await asyncio.sleep(5)
        sent = rate.sent
        rate.change(10.0, clock())
        times = await waiting
        return sent, times[0] - began, times

    sent, first, times = play(story())

    assert sent == 0
    assert first == pytest.approx(5.1, abs=0.06)
    assert times[-1] - times[0] == pytest.approx(0.9, abs=0.06)


def test_a_share_limits_the_requests_in_flight() -> None:
    async def story() -> tuple[bool, bool]:
        rate = SharedRate(None, in_flight=1)
        throttle = Throttle(in_flight=9, rate=rate, stop_signal=StopSignal(), now=clock)
        taken = throttle.try_acquire(), throttle.try_acquire()
        assert taken == (True, False)
        rate.in_flight = 2
        return throttle.try_acquire(), throttle.try_acquire()

    assert play(story()) == (True, False)
