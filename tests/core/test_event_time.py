"""Which texts are a time: one rule for every place that reads a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import event_of, job_for, line_of, payload_of
from support.tables import for_each
from support.time_forms import FORMS, READ, UNREAD, TimeForm

from segcli.core import event_time
from segcli.core.event_time import is_time, lacks_zone, parse_time
from segcli.core.outcome import Decision, Mapped, make_mapper, outcome_of
from segcli.core.partial_event import partial_parser
from segcli.core.quantities import moment

UNREADABLE = "timestamp is not a time that segcli reads"

each_form = for_each("form", FORMS)


def seconds_of(text: str) -> int | None:
    try:
        return int(parse_time(text).timestamp() // 1)
    except ValueError:
        return None


def occurred_at(outcome: Decision) -> Any:
    """Return the time that Gist gets; the reason where it gets nothing."""
    if not isinstance(outcome, Mapped):
        return str(outcome)
    _, _, tail = outcome.body.partition(b'"occurred_at":')
    return int(tail.removesuffix(b"}")) if tail else None


def test_table_has_enough_time_forms() -> None:
    assert len(READ) + len(UNREAD) >= 60
    assert len({form.text for form in FORMS}) > 100


@each_form
def test_time_form_is_read_as_the_table_says(form: TimeForm) -> None:
    assert seconds_of(form.text) == form.seconds
    assert is_time(form.text) == (form.seconds is not None)


@each_form
@for_each("name", ["pointillist", "plotline", "gist", "segment", "webhook"])
def test_every_destination_reads_a_timestamp_as_the_table_says(name: str, form: TimeForm) -> None:
    job, line = job_for(name), line_of(timestamp=form.text)

    found = make_mapper(job)([line])[0]

    assert repr(found) == repr(outcome_of(line, job))
    assert isinstance(found, Mapped) == (form.seconds is not None)
    assert form.seconds is not None or str(found) == UNREADABLE


@each_form
def test_other_time_field_is_used_if_it_is_a_time(form: TimeForm) -> None:
    job = job_for("gist")
    line = line_of(timestamp=None, originalTimestamp=form.text, sentAt="2020-01-01T00:00:00Z")

    taken = form.seconds if form.seconds is not None and form.seconds >= 0 else 1_577_836_800
    assert occurred_at(make_mapper(job)([line])[0]) == taken


@each_form
def test_created_at_and_since_are_read_as_the_table_says(form: TimeForm) -> None:
    traits = {"email": "ada@example.com", "createdAt": form.text}
    body = payload_of("gist", event_of(type="identify", traits=traits)).body
    assert isinstance(body, dict)
    # Digits alone are seconds or milliseconds there, and only there.
    digits = form.text in ("1771232631", "1771232631123")
    expected = 1_771_232_631 if digits else form.seconds

    assert body.get("signed_up_at") == (expected if expected and expected >= 0 else None)
    if form.seconds is None:
        with pytest.raises(ValueError, match=r"is not a time|^$"):
            moment(form.text, datetime.now(UTC))
    else:
        assert int(moment(form.text, datetime.now(UTC)).timestamp() // 1) == form.seconds


@for_each("value", [1771232631, 1771232631.5, True, None, ["2026-02-16"], {}, b"x"])
def test_a_value_that_is_not_text_is_not_a_time(value: object) -> None:
    assert not is_time(value)


@for_each("value", [1771232631, 1771232631123, 0, False, [], {}])
def test_timestamp_that_is_not_text_is_unreadable(value: object) -> None:
    job = job_for("gist")

    assert str(outcome_of(line_of(timestamp=value), job)) == UNREADABLE


@pytest.mark.parametrize("empty", [None, "", ...])
def test_absent_null_or_empty_timestamp_falls_back_to_the_next_time(empty: Any) -> None:
    line = line_of(timestamp=empty, receivedAt="2026-02-16T09:03:51Z")

    for name in ("gist", "segment", "pointillist"):
        assert isinstance(make_mapper(job_for(name))([line])[0], Mapped)
    assert occurred_at(outcome_of(line, job_for("gist"))) == 1_771_232_631


def test_fraction_is_truncated_to_microseconds() -> None:
    assert parse_time("2026-02-16 09:03:51.123456789 UTC").microsecond == 123_456
    assert parse_time("2026-02-16T09:03:51.9+00:00").microsecond == 900_000
    assert parse_time("2026-02-16T09:03:51.000000009 Z").microsecond == 0


@for_each(
    ("text", "lacks"),
    [
        ("2026-02-16T09:03:51", True),
        ("2026-02-16 09:03:51.123456", True),
        ("2026-02-16", False),
        ("2026-02-16T09:03:51Z", False),
        ("2026-02-16 09:03:51 UTC", False),
        ("2026-02-16 09:03:51-08", False),
        ("soon", False),
    ],
)
def test_time_with_hours_and_no_zone_lacks_a_zone(text: str, lacks: bool) -> None:
    assert lacks_zone(text) is lacks


TIMES = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59)


@given(
    time=TIMES, offset=OFFSETS, colon=st.sampled_from([":", ""]), space=st.sampled_from(["", " "])
)
def test_time_with_an_offset_is_converted_to_utc(
    time: datetime, offset: int, colon: str, space: str
) -> None:
    hours, minutes = divmod(abs(offset), 60)
    sign = "-" if offset < 0 else "+"
    text = f"{time.isoformat(' ', 'microseconds')}{space}{sign}{hours:02}{colon}{minutes:02}"

    assert parse_time(text) == time.replace(tzinfo=UTC) - timedelta(minutes=offset)


BENT = st.tuples(
    st.sampled_from([form.text for form in FORMS]),
    st.integers(0, 35),
    st.integers(0, 3),
    st.text("0123456789TtZz:+-. ,;W", max_size=3),
).map(lambda bent: bent[0][: bent[1]] + bent[3] + bent[0][bent[1] + bent[2] :])


@given(text=BENT)
def test_fast_time_parser_accepts_exactly_what_the_rule_accepts(text: str) -> None:
    try:
        by_rule = event_time._by_rule(text)
    except ValueError:
        assert not is_time(text)
    else:
        assert parse_time(text) == by_rule


@given(text=BENT)
def test_partial_and_full_parsing_read_a_time_alike(text: str) -> None:
    line = line_of(timestamp=text, receivedAt="2020-01-01T00:00:00Z")
    for name in ("gist", "pointillist"):
        job = job_for(name)
        assert repr(make_mapper(job)([line])[0]) == repr(outcome_of(line, job))


@for_each("form", READ)
def test_partial_parser_reads_every_time_form(form: TimeForm) -> None:
    [event] = partial_parser([])([line_of(timestamp=form.text, sentAt="soon")])

    assert event
    assert list(event.times()) == [(form.text, parse_time(form.text))]
