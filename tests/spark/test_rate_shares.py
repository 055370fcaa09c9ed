"""One rate over all tasks: what each may send, and what that makes by a simulated clock."""

from math import inf

import pytest
from support.simulated_tasks import Cluster, Simulation, figures, share_of
from support.tables import for_each

from segcli.spark.rate_shares import (
    MOST_FASTER,
    RateShares,
    TaskUse,
    fair_shares,
    handed_over,
)


def shares_of(rate: float = 100.0, slots: int = 4) -> RateShares:
    found = RateShares(rate=rate, slots=slots, lost_after=6.0)
    found.begin()
    return found


@for_each(
    ("wanted", "expected"),
    [
        ({1: inf, 2: inf}, {1: 50, 2: 50}),
        ({1: 10, 2: inf, 3: inf}, {1: 10, 2: 45, 3: 45}),
        ({1: 10, 2: 40, 3: inf}, {1: 10, 2: 40, 3: 50}),
        ({1: 10, 2: 20}, {1: 45, 2: 55}),
        ({}, {}),
    ],
)
def test_each_gets_what_it_can_use_and_the_rest_is_equal(
    wanted: dict[int, float], expected: dict[int, float]
) -> None:
    assert fair_shares(100.0, wanted) == pytest.approx(expected)


def test_a_smaller_share_holds_at_once_and_a_larger_one_when_that_is_known() -> None:
    first = handed_over({1: 100, 2: 0}, {1: 50, 2: 50}, 100)
    second = handed_over(first, {1: 50, 2: 50}, 100)

    assert first == {1: 50, 2: 0}
    assert second == {1: 50, 2: 50}
    # A little more is not worth telling.
    assert handed_over({1: 50, 2: 50}, {1: 50.4, 2: 49.6}, 100) == {1: 50, 2: 50}
    assert handed_over({1: 40, 2: 40}, {1: 60, 2: 50}, 95) == pytest.approx({1: 50, 2: 45})


def test_tasks_that_begin_have_equal_shares_and_the_last_one_has_all() -> None:
    shares = shares_of(100.0, slots=2)
    both = {0: TaskUse(1, 0, 0.0), 1: TaskUse(1, 0, 0.0)}

    begun = shares.begin()
    running = shares.turn(both, left=2, sent=0, now=1.0)
    last = shares.turn({1: TaskUse(2, 0, 0.0)}, left=1, sent=0, now=2.0)

    assert (begun.others, running.others) == (50, 0)
    assert running.tasks == {0: 50, 1: 50}
    assert last.tasks == {1: 100}


def test_a_task_that_follows_gets_its_share_from_the_others() -> None:
    shares = shares_of(100.0, slots=2)
    one, both = {0: TaskUse(1, 0, 0.0)}, {0: TaskUse(1, 0, 0.0), 1: TaskUse(1, 0, 0.0)}

    told = [
        shares.turn(found, left=2, sent=0, now=float(now))
        for now, found in enumerate((one, one, both, both))
    ]

    # At first another task may have begun with half of the rate.
    assert [one.tasks for one in told] == [{0: 50}, {0: 100}, {0: 50, 1: 0}, {0: 50, 1: 50}]
    assert [one.others for one in told] == [0, 0, 0, 0]


def test_a_task_that_tells_nothing_for_long_gives_its_share_back() -> None:
    shares = shares_of(100.0, slots=2)
    for number in range(1, 9):
        both = {0: TaskUse(1, 0, 0.0), 1: TaskUse(number, 0, 0.0)}
        told = shares.turn(both, left=2, sent=0, now=float(number))

    assert told.tasks == {1: 100}


def test_a_task_that_cannot_use_its_share_keeps_a_little_more_than_it_uses() -> None:
    shares = shares_of(100.0, slots=2)
    for number in range(1, 40):
        slow = TaskUse(number, 5 * number, 45.0 * number)
        fast = TaskUse(number, 50 * number, 0.0)
        told = shares.turn({0: slow, 1: fast}, left=2, sent=0, now=float(number))

    assert told.tasks[0] == pytest.approx(5.5, rel=0.02)
    assert told.tasks[1] == pytest.approx(94.5, rel=0.02)


def test_what_was_lost_is_made_up_for_a_little_faster() -> None:
    shares = shares_of(100.0, slots=1)
    sent, totals = 0.0, []
    for number in range(1, 200):
        # For ten seconds only half of the share is used.
        share = totals[-1] if totals else 100.0
        sent += share / 4 * (0.5 if number < 40 else 1.0)
        found = {0: TaskUse(number, int(sent), 0.0)}
        told = shares.turn(found, left=1, sent=int(sent), now=number / 4)
        totals.append(told.tasks[0])

    assert max(totals) <= 100 * (1 + MOST_FASTER)
    assert totals[100] == pytest.approx(105)


@pytest.mark.parametrize("every", [0.25, 2.0], ids=["folder", "store"])
@pytest.mark.parametrize("rate", [40, 250])
@pytest.mark.parametrize("buckets", [1, 2, 8])
def test_the_rate_is_held_whole_and_in_the_tail(buckets: int, rate: int, every: float) -> None:
    cluster = Cluster(rate=rate, slots=min(2, buckets), every=every)
    # Tasks last some minutes on a store, as the looks take longer there.
    each = int(rate * 240 * every / 0.25 / 4 / buckets)
    sizes = [int(each * (0.6 + 0.8 * number / buckets)) for number in range(buckets)]

    found = figures(Simulation(cluster, sizes).times)

    assert found.whole == pytest.approx(rate, rel=0.05)
    assert found.tail == pytest.approx(rate, rel=0.05 + 1 / rate)
    # A rate may catch up on 50 ms, too.
    assert found.most <= rate * (1 + MOST_FASTER + 0.05) + 1


def test_the_rate_is_held_beside_tasks_that_cannot_use_their_shares() -> None:
    cluster = Cluster(rate=100, slots=8, fastest=[5.0] * 4 + [inf] * 4)

    times = Simulation(cluster, [300] * 4 + [1000] * 4).times

    within = [one for one in times if 2 < one < 45]
    assert len(within) / 43 == pytest.approx(100, rel=0.05)
    assert figures(times).most <= 111


def test_the_rate_is_held_by_many_short_tasks() -> None:
    found = figures(Simulation(Cluster(rate=100, slots=8), [100] * 64).times)

    assert found.whole == pytest.approx(100, rel=0.05)
    assert found.most <= 111


def test_what_tasks_lose_by_stalls_is_made_up_for() -> None:
    cluster = Cluster(rate=100, slots=2, stalls=(0.04, 0.3))

    found = figures(Simulation(cluster, [2000] * 4).times)

    assert found.whole == pytest.approx(100, rel=0.03)
    assert found.most <= 111


def test_others_have_their_share_until_a_task_is_seen() -> None:
    shares = shares_of(100.0, slots=4)

    told = shares.turn({}, left=3, sent=0, now=1.0)

    assert share_of(told, 7) == pytest.approx(100 / 3)
