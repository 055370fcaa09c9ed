"""Texts are dates if Node's `Date` reads them, and at the same point in time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from segcli.mapping.javascript_date import read_date, usual_time

# What Node 20 makes of each, in a process whose zone is UTC.
READ = {
    "2026": "2026-01-01T00:00:00",
    "2026-02": "2026-02-01T00:00:00",
    "2026-1-8": "2026-01-08T00:00:00",
    "2026-01-08T14:02:14.0199Z": "2026-01-08T14:02:14.019",
    "2026-01-08T14:02:14+0130": "2026-01-08T12:32:14",
    "2026-01-08T24:00:00Z": "2026-01-09T00:00:00",
    "2026-02-30": "2026-03-02T00:00:00",
    "2026-01-08 1:02:03": "2026-01-08T01:02:03",
    "2026-01-08 14:02:14 EST": "2026-01-08T19:02:14",
    "2026-01-08 2:02 PM": "2026-01-08T14:02:00",
    "1/8/26": "2026-01-08T00:00:00",
    "8 Sept, 1999 10:20:30.5": "1999-09-08T10:20:30.500",
    "Thu Jan 08 2026 14:02:14 GMT+0100 (CET)": "2026-01-08T13:02:14",
    "Jan 8": "2001-01-08T00:00:00",
    "order 7": "2001-07-01T00:00:00",
    "26-Feb 10:60 GMT": "1960-02-26T10:00:00",
    "-5": "2001-05-01T00:00:00",
    "[] 3\u00a0Feb] 2026": "2026-02-03T00:00:00",
}
NOT_READ = (
    *("", "tomorrow", "v86", "2026-13-01", "2026-01-32", "2026-1-8T01:02:03Z", "2026-W05"),
    *("2026-01-08T14:02:14+0160", "2026-01-08T14:02:14+24:00"),
    *("2026-01-08T25:00:00Z", "2026-01-08T14:02:14 +01:00", "2026-01-08T14:02:14+01", "1 2 3 4"),
    *("13:00 PM 1/2/2026", "Jan", "x" * 200, "1 Feb 2026 EST-05:00"),
    *("[1]", "http://[::1]/", "1]", "_7", "\u00e97", "7 \u00e9", "{7}", "a|1", "3^2"),
)


@for_each("text", READ)
def test_a_text_is_the_point_in_time_that_node_reads(text: str) -> None:
    assert read_date(text) == datetime.fromisoformat(READ[text]).replace(tzinfo=UTC)


@for_each("text", NOT_READ)
def test_a_text_that_node_does_not_read_is_no_date(text: str) -> None:
    assert read_date(text) is None


@given(
    st.text(max_size=120)
    | st.lists(
        st.sampled_from(["1", "12", "2026", "99999999999", ":", "-", "+", "/", " ", ".", "(", ")"])
        | st.sampled_from(["Jan", "PM", "GMT", "Z", "T", "x"]),
        max_size=14,
    ).map("".join)
)
def test_any_text_is_a_date_or_not(text: str) -> None:
    found = read_date(text)

    assert found is None or found.tzinfo is UTC


USUAL = (
    *("2026-01-31T12:00:00.123Z", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123456Z"),
    *("2026-01-31T12:00:00.5-05:30", "1969-12-31T23:59:59.9999+14:00"),
)


@given(
    st.sampled_from(USUAL),
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from("059:.,-+TZtzW \uff11")), max_size=2),
)
def test_the_fast_path_reads_nothing_in_another_way(
    text: str, changes: list[tuple[int, str]]
) -> None:
    for at, new in changes:
        text = text[:at] + new + text[at + 1 :]
    found, expected = usual_time(text), read_date(text)

    if found is not None:
        assert expected is not None
        assert abs(found - expected) < timedelta(milliseconds=1)
    assert changes or found is not None
