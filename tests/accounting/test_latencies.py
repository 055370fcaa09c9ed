"""Quantiles of response times: within 5 %, in constant memory."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segcli.accounting.tally import Latencies

SECONDS = st.floats(1e-5, 1e4)


def timed(answers: list[float]) -> Latencies:
    latencies = Latencies()
    for seconds in answers:
        latencies.add(seconds)
    return latencies


@given(st.lists(SECONDS, min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_quantile_is_within_a_few_percent_of_the_exact_one(
    answers: list[float], share: float
) -> None:
    true = sorted(answers)[math.ceil(share * len(answers)) - 1]

    assert timed(answers).quantile(share) == pytest.approx(true, rel=0.026)


def test_quantile_is_zero_without_samples() -> None:
    assert Latencies().quantile(0.99) == 0
    assert Latencies().count == 0


def test_latency_of_zero_is_counted() -> None:
    assert timed([0.0, 0.0]).quantile(0.5) < 1e-5
    assert timed([0.0, 0.0]).count == 2


def test_memory_does_not_grow_with_the_number_of_samples() -> None:
    latencies = timed([0.0, *(1e-6 * 1.01**step for step in range(2_700))])

    assert latencies.count == 2_701
    assert latencies.quantile(1) > 3e5
    assert len(latencies._counts) < 600
