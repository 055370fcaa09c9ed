"""What a reply means for the payloads: the table of `by_status`, and Retry-After."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from segcli.core.reply import (
    EXCERPT,
    Delivered,
    Refused,
    Reply,
    Retry,
    Stop,
    Verdict,
    by_status,
    retry_after,
)

NOW = "Tue, 03 Feb 2026 10:00:00 GMT"
# Parts of valid and invalid dates.
PIECES = [
    *("Tue,", "03", "Feb", "31", "2026", "0001", "9999", "99", "-1", "1e9", "inf", "nan", "9" * 30),
    *("10:00:00", "24:00:00", "00:00:60", "::", "10:00", "AM", "12.5", "٣"),
    *("GMT", "EST", "Z", "-0000", "+0530", "+2400", "-2359", "+9999", "XYZ"),
]


@for_each("status", [200, 201, 202, 204, 299])
def test_status_2xx_is_delivered(status: int) -> None:
    assert by_status(Reply(status, {}, b'{"errors": []}')) == Delivered()


@for_each("status", [408, 423, 425, 429, 500, 502, 503, 504, 505, 511, 529, 599])
def test_temporary_error_status_is_retried(status: int) -> None:
    assert by_status(Reply(status)) == Retry(f"HTTP {status}", None)


def test_retry_has_the_retry_after_of_the_reply() -> None:
    assert by_status(Reply(429, {"retry-after": "7"}, b"")) == Retry("HTTP 429", 7.0)
    assert by_status(Reply(503, {"retry-after": "0"}, b"")) == Retry("HTTP 503", 0.0)


@for_each("status", [-1, 0, 100, 101, 199, 600, 999])
def test_invalid_status_is_retried(status: int) -> None:
    assert isinstance(by_status(Reply(status, {"retry-after": "7"}, b"no")), Retry)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, Delivered()), (503, Retry("HTTP 503")), (422, Refused("HTTP 422"))],
)
def test_truncated_reply_is_judged_by_its_status(status: int, verdict: Verdict) -> None:
    assert by_status(Reply(status, broken="a body that broke off")) == verdict


@pytest.mark.parametrize("status", [401, 403])
def test_status_401_or_403_stops_the_run(status: int) -> None:
    reply = Reply(status, {}, b'{"message": "bad key"}')

    assert by_status(reply) == Stop(f'HTTP {status}: {{"message": "bad key"}}', setting="api_key")


@for_each("status", [301, 302, 303, 307, 308])
def test_redirect_stops_the_run_and_names_its_target(status: int) -> None:
    reply = Reply(status, {"location": "https://other.example/event"})

    assert by_status(reply) == Stop(
        f"HTTP {status}, which points to https://other.example/event", setting="endpoint"
    )


@pytest.mark.parametrize(
    ("headers", "where"),
    [
        ({}, "nowhere"),
        ({"location": "https://me:pw@other.example/?key=sk"}, "https://other.example/?…"),
        ({"location": "https://[other"}, "…"),
        ({"location": "/elsewhere"}, "/elsewhere"),
    ],
)
def test_redirect_target_is_shown_without_secrets(headers: dict[str, str], where: str) -> None:
    verdict = by_status(Reply(302, headers))

    assert verdict == Stop(f"HTTP 302, which points to {where}", setting="endpoint")


@pytest.mark.parametrize("status", [400, 413])
def test_status_400_or_413_is_refused_and_splits_the_batch(status: int) -> None:
    assert by_status(Reply(status, {}, b"no")) == Refused(f"HTTP {status}: no", splits=True)


@for_each("status", [402, 404, 405, 409, 410, 415, 422, 431, 451, 460, 501])
def test_other_4xx_and_501_are_refused_without_splitting(status: int) -> None:
    assert by_status(Reply(status, {}, b"no")) == Refused(f"HTTP {status}: no", splits=False)


def test_a_refusal_keeps_an_excerpt_of_the_reply_on_one_line() -> None:
    reply = Reply(422, {}, b'{\r\n  "errors": [\n    "email"\n  ]\n}')

    assert by_status(reply) == Refused('HTTP 422: { "errors": [ "email" ] }')
    assert by_status(Reply(422)) == Refused("HTTP 422")
    assert by_status(Reply(422, {}, b"\xff\xfe")) == Refused("HTTP 422: \ufffd\ufffd")


@pytest.mark.parametrize("length", [EXCERPT, EXCERPT + 1, 10 * EXCERPT])
def test_an_excerpt_is_bounded(length: int) -> None:
    verdict = by_status(Reply(422, {}, b"x" * length))

    assert isinstance(verdict, Refused)
    excerpt = verdict.reason.removeprefix("HTTP 422: ")
    assert len(excerpt) == EXCERPT
    assert excerpt.endswith("…") == (length > EXCERPT)


@for_each(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("Tue, 03 Feb 2026 10:00:30 GMT", 30.0),
        ("Tuesday, 03-Feb-26 10:01:00 GMT", 60.0),
        ("Tue Feb  3 10:00:05 2026", 5.0),
        ("Tue, 03 Feb 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5.5", None),
        ("²", None),
        ("Mon, 01 Jan 2026 10:00:30 +" + "9" * 30, None),
        ("Mon, 01 Jan " + "9" * 30 + " 10:00:30 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_relative_to_the_date_header(
    value: str, seconds: float | None
) -> None:
    assert retry_after(Reply(429, {"retry-after": value, "date": NOW})) == seconds


@pytest.mark.parametrize(
    ("value", "status", "seconds"),
    [
        ("1770112805", 429, 5.0),
        ("1770112700", 429, 0.0),
        ("1770112805", 503, None),
        ("60", 429, None),
        ("1770112805000", 429, None),
        ("soon", 429, None),
        ("", 429, None),
    ],
)
def test_a_429_may_name_the_time_when_the_rate_is_reset(
    value: str, status: int, seconds: float | None
) -> None:
    headers = {"x-ratelimit-reset": value, "date": NOW}
    assert retry_after(Reply(status, headers)) == seconds
    assert retry_after(Reply(429, headers | {"retry-after": "7"})) == 7
    assert retry_after(Reply(status, {"x-ratelimit-reset": value})) is None


@given(
    asked=st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join) | st.text(max_size=40),
    date=st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join) | st.just(NOW),
)
def test_any_retry_after_is_none_or_not_negative(asked: str, date: str) -> None:
    found = retry_after(Reply(503, {"retry-after": asked, "date": date}))

    assert found is None or found >= 0


def test_a_reply_without_retry_after_asks_for_no_wait() -> None:
    assert retry_after(Reply(503, {"date": NOW})) is None


def test_retry_after_date_without_a_date_header_is_ignored() -> None:
    assert retry_after(Reply(429, {"retry-after": "Tue, 03 Feb 2026 10:00:30 GMT"})) is None
