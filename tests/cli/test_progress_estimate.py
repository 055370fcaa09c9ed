"""The displayed share is of the events to be sent, and the time left follows it."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segcli.accounting.tally import Tally
from segcli.cli import progress_estimate
from segcli.cli.progress_estimate import DeliveryRate, Goal, TimeLeft, share_done


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(progress_estimate, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


# --- the share


def test_lines_only_read_ahead_do_not_count_as_done() -> None:
    tally = Tally(stored_read=1_000, bytes_to_send=900, bytes_answered=90)

    assert share_done(tally, Goal(total=1_000)) == pytest.approx(0.1)


def test_skipped_lines_do_not_count_as_done() -> None:
    # The limit was reached after 75 of 1,000 bytes; all further lines were skipped at once.
    tally = Tally(delivered=113, stored_read=1_000, bytes_to_send=75, bytes_answered=5)

    assert share_done(tally, Goal(total=1_000, limit=1_500)) == pytest.approx(113 / 1_500)


def test_share_is_of_bytes_if_the_input_ends_before_the_limit() -> None:
    tally = Tally(delivered=9, stored_read=1_000, bytes_to_send=100, bytes_answered=90)

    assert share_done(tally, Goal(total=1_000, limit=1_000_000)) == pytest.approx(0.9)


def test_share_is_of_bytes_read_while_nothing_is_to_send() -> None:
    assert share_done(Tally(stored_read=400), Goal(total=1_000)) == pytest.approx(0.4)


def test_events_of_earlier_runs_count_towards_the_limit() -> None:
    tally = Tally(delivered=5, refused=5)

    assert share_done(tally, Goal(total=None, limit=100, earlier=40)) == pytest.approx(0.5)


def test_share_is_unknown_without_a_size_and_a_limit() -> None:
    assert share_done(Tally(delivered=5), Goal(total=None)) is None
    assert share_done(Tally(delivered=5), Goal(total=0, limit=0)) is None


@given(st.tuples(*[st.integers(0, 10_000)] * 4), st.integers(0, 10_000), st.integers(0, 100))
def test_share_is_between_0_and_1(
    bytes_of: tuple[int, int, int, int], delivered: int, limit: int
) -> None:
    total, read, to_send, answered = bytes_of
    tally = Tally(
        delivered=delivered,
        stored_read=read,
        bytes_to_send=to_send,
        bytes_answered=min(answered, to_send),
    )
    share = share_done(tally, Goal(total=total, limit=limit))

    assert share is None or 0.0 <= share <= 1.0


# --- the time left


def test_time_left_follows_the_growth_of_the_share(clock: SimpleNamespace) -> None:
    left = TimeLeft()
    found = []
    for step in range(5):
        clock.seconds = 100.0 + step
        found.append(left.after(step / 100))

    assert found == [None, *(pytest.approx(100 - step) for step in range(1, 5))]


def test_time_left_adapts_if_the_vendor_becomes_slow(clock: SimpleNamespace) -> None:
    left = TimeLeft()
    for step in range(10):
        clock.seconds = 100.0 + step
        quick = left.after(step / 20)
    for step in range(40):
        clock.seconds = 110.0 + step
        slow = left.after(0.5 + step / 1_000)

    assert quick == pytest.approx(11)
    assert slow == pytest.approx(461)


def test_time_left_is_unknown_if_the_share_does_not_grow(clock: SimpleNamespace) -> None:
    left = TimeLeft()
    for _ in range(100):
        clock.seconds += 1
        found = left.after(0.5)

    assert found is None


def test_time_left_restarts_if_the_share_falls(clock: SimpleNamespace) -> None:
    left = TimeLeft()
    for share in (0.0, 0.9, 0.1, 0.2):
        clock.seconds += 1
        found = left.after(share)

    assert found == pytest.approx(8)


def test_time_left_is_unknown_if_the_share_is() -> None:
    assert TimeLeft().after(None) is None


# --- the rate


def test_rate_counts_delivered_events_only(clock: SimpleNamespace) -> None:
    tally = Tally()
    rate = DeliveryRate(tally)
    for _ in range(20):
        clock.seconds += 1
        tally.read += 5_000
        tally.skipped += 4_000
        tally.delivered += 30
        found = rate.now()

    assert found == pytest.approx(30)


def test_the_rate_is_calm_with_a_vendor_that_answers_429(clock: SimpleNamespace) -> None:
    tally = Tally()
    rate, found = DeliveryRate(tally), []
    for eighth in range(8 * 30):
        clock.seconds += 1 / 8
        # 60 events in half a second, then a wait of one and a half.
        tally.delivered += 15 if eighth % 16 < 4 else 0
        found.append(rate.now())

    assert all(24 <= one <= 36 for one in found[8 * 10 :])


def test_the_rate_falls_to_0_when_nothing_is_delivered(clock: SimpleNamespace) -> None:
    tally = Tally(delivered=500)
    rate = DeliveryRate(tally)
    assert rate.now() == 0
    for _ in range(11):
        clock.seconds += 1
        found = rate.now()

    assert found == 0
