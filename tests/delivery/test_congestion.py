"""The congestion window follows the share of replies that say the vendor is overloaded."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import clock, item, play
from support.pipelines import Pipeline, pipeline
from support.tables import for_each

from segcli.core.reply import Reply
from segcli.delivery.throttle import CongestionWindow

YES, OVERLOADED = False, True


async def round_trip(window: CongestionWindow, replies: Sequence[bool]) -> float:
    """Send requests together and let their replies come a second later; return the window."""
    sent_at = clock()
    await asyncio.sleep(1)
    for done, overloaded in enumerate(replies):
        window.replied(sent_at, in_flight=len(replies) - done, overloaded=overloaded)
        if not overloaded:
            window.grow()
    return window.size


def after(*rounds: Sequence[bool], most: int = 32) -> float:
    async def story() -> float:
        window = CongestionWindow(most, now=clock)
        for replies in rounds:
            await round_trip(window, replies)
        return window.size

    return play(story())


@for_each(
    ("overloaded", "size"), [(32, 16.0), (24, 20.0), (16, 24.0), (8, 28.0), (1, 31.5), (0, 32.0)]
)
def test_window_shrinks_by_half_the_share_of_overloaded_replies(
    overloaded: int, size: float
) -> None:
    assert after([OVERLOADED] * overloaded + [YES] * (32 - overloaded)) == size


@pytest.mark.parametrize("quiet", [0, 1, 10, 1_000])
def test_only_overloaded_replies_halve_the_window_after_any_quiet_time(
    quiet: int,
) -> None:
    assert after(*[[YES] * 32] * quiet, [OVERLOADED] * 32) == 16


def test_window_does_not_grow_in_a_round_with_an_overloaded_reply() -> None:
    assert after([OVERLOADED, *[YES] * 31]) == 31.5
    assert after([OVERLOADED, *[YES] * 31], [YES] * 31) == pytest.approx(32, abs=0.5)


def test_overload_share_is_smoothed_over_recent_rounds() -> None:
    bad, stray = [OVERLOADED] * 32, [OVERLOADED, *[YES] * 31]
    alone = after(stray, most=1_000)
    first = after(*[bad] * 4, stray, most=1_000) / after(*[bad] * 4, most=1_000)
    later = after(*[bad] * 4, *[[YES] * 32] * 100, stray, most=1_000)
    later /= after(*[bad] * 4, *[[YES] * 32] * 100, most=1_000)

    assert alone / 1_000 == pytest.approx(1 - 1 / 64)
    # Three of the rounds count by then: the share is 1 - (15/16) ** 4.
    assert first == pytest.approx(1 - (1 - (15 / 16) ** 4) / 2)
    assert later == pytest.approx(1 - 1 / 64)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=30))
def test_window_stays_between_one_and_the_configured_maximum(
    rounds: list[tuple[int, int]],
) -> None:
    async def story() -> None:
        window = CongestionWindow(32, now=clock)
        for bad, good in rounds:
            await round_trip(window, [OVERLOADED] * bad + [YES] * good)
            assert 1 <= window.size <= 32

    play(story())


# --- whole runs against an overloaded vendor


def taken_in(found: Pipeline, events: int, answers: "Vendor") -> float:
    """Return how many seconds a run with this many users takes."""

    async def story() -> float:
        began = clock()
        items = [item(b"%d" % number, user=f"u{number}", number=number) for number in range(events)]
        await found.send(items, answers)
        return clock() - began

    seconds = play(story())
    assert found.tally.delivered == events
    return seconds


class Vendor:
    """A vendor that takes about 20 ms, fails at random, and refuses too many requests at once."""

    def __init__(self, *, share: float = 0.0, at_once: int = 1_000, status: int = 503) -> None:
        self._share = share
        self._at_once = at_once
        self._status = status
        self._serving = 0
        self._dice = random.Random(5)

    async def __call__(self, _bodies: list[bytes]) -> Reply:
        if self._serving >= self._at_once:
            await asyncio.sleep(0.001)
            return Reply(self._status)
        self._serving += 1
        await asyncio.sleep(self._dice.uniform(0.015, 0.025))
        self._serving -= 1
        return Reply(self._status if self._dice.random() < self._share else 200)


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> float:
    """The seconds of a run without failures."""
    folder = tmp_path_factory.mktemp("well")
    return taken_in(pipeline(folder, concurrency=32), 8_000, Vendor())


@pytest.mark.parametrize(
    ("share", "status", "least"), [(0.01, 503, 0.85), (0.03, 503, 0.7), (0.03, 500, 0.85)]
)
def test_few_failures_cost_little_throughput(
    share: float, status: int, least: float, well: float, tmp_path: Path
) -> None:
    chance = random.Random(5).random
    failing = pipeline(tmp_path, concurrency=32, chance=chance)

    assert well == pytest.approx(5, rel=0.02)
    assert well / taken_in(failing, 8_000, Vendor(share=share, status=status)) >= least


@pytest.mark.parametrize("status", [429, 503])
def test_window_settles_near_the_capacity_of_the_vendor(status: int, tmp_path: Path) -> None:
    found = pipeline(tmp_path, concurrency=32, chance=random.Random(5).random)
    seconds = taken_in(found, 4_000, Vendor(at_once=8, status=status))

    assert 1 - 4_000 / found.tally.requests <= 0.15
    assert (4_000 / 8 * 0.02) / seconds >= 0.6
