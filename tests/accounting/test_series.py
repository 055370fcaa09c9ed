"""The series of a run: exact counts, few points, and answers by interval."""

from types import SimpleNamespace

import pytest

from segcli.accounting.series import MOST_POINTS, Series, sampled, thinned
from segcli.accounting.tally import Tally, Wait


def series_over(seconds: int) -> tuple[Series, Tally]:
    """Return the series of a run that delivers three lines a second and is sampled each second."""
    clock, tally = SimpleNamespace(now=0.0), Tally()
    series = Series(tally, lambda: clock.now)
    for second in range(1, seconds + 1):
        clock.now = float(second)
        tally.read += 4
        tally.count("delivered", lines=3)
        tally.latencies.add(0.1)
        tally.in_flight = second % 7
        series.sample()
    return series, tally


def test_it_has_a_point_a_second_from_the_beginning_to_the_end() -> None:
    points = series_over(5)[0].points

    assert [point.seconds for point in points] == [0, 1, 2, 3, 4, 5]
    assert [point.states["delivered"] for point in points] == [0, 3, 6, 9, 12, 15]
    assert points[-1].read == 20


def test_a_long_run_has_few_points_and_loses_no_count() -> None:
    series, tally = series_over(3 * MOST_POINTS)
    points = series.points

    assert MOST_POINTS // 2 < len(points) <= MOST_POINTS
    assert series.every == 4
    assert points[-1].states["delivered"] == tally.delivered
    assert sum(point.answered for point in points) == tally.latencies.count
    assert max(point.in_flight for point in points) == 6


@pytest.mark.parametrize("most", [2, 3, 100])
def test_thinned_points_keep_first_last_and_what_happened_between(most: int) -> None:
    points = series_over(500)[0].points
    few = thinned(points, most)

    assert len(few) <= most
    assert (few[0], few[-1].states) == (points[0], points[-1].states)
    assert sum(point.answered for point in few) == 500
    assert thinned(few, most) == few


def test_answers_are_those_of_the_interval() -> None:
    clock, tally = SimpleNamespace(now=0.0), Tally()
    series = Series(tally, lambda: clock.now)
    for seconds, took in ((1.0, 0.1), (2.0, 0.4)):
        clock.now = seconds
        tally.latencies.add(took)
        series.sample()
    none, first, second = (point.quantile(0.5) for point in series.points)

    assert none is None
    assert first == pytest.approx(0.1, rel=0.03)
    assert second == pytest.approx(0.4, rel=0.03)


def test_a_wait_counts_with_its_cause_until_it_ends() -> None:
    clock, tally = SimpleNamespace(now=0.0), Tally()
    series = Series(tally, lambda: clock.now)
    tally.waiting = Wait("HTTP 503: busy", 1.5, "http_503")
    for seconds in (1.0, 2.0, 3.0):
        clock.now = seconds
        series.sample()

    assert [point.waited for point in series.points] == [
        *({}, {"http_503": 1.0}, {"http_503": 0.5}, {})
    ]


def test_the_block_ends_with_a_sample() -> None:
    tally = Tally()
    series = Series(tally)
    with sampled(series):
        tally.read = 9

    assert series.points[-1].read == 9
    assert len(series.points) == 2


def test_without_a_series_nothing_is_sampled() -> None:
    with sampled(None):
        pass
