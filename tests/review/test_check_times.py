"""What `check` warns about times: unreadable, not carried, or without a time zone."""

from pathlib import Path
from typing import Any

import pytest
from support.check_reports import review_of, said
from support.samples import line_of

NEVER_USED = "is not a time that segcli reads, so it is never used"
GOOD = "2026-02-16T09:03:51Z"
EMAIL = {"properties": {"email": "ada@example.com"}}


def remarks(folder: Path, dest: str = "gist", **fields: Any) -> list[str]:
    """Return what is said of such an event; of the first one of a shape and the next the same."""
    plain = {**EMAIL, **fields}
    found = said(review_of(folder, line_of(**plain), line_of(**plain), dest=dest))
    texts = [text for line, text in found if line == 1]
    repeat = "warning: messageId is missing, and the line is the same as"
    assert texts == [text for line, text in found if line == 2 and not text.startswith(repeat)]
    return texts


@pytest.mark.parametrize("dest", ["gist", "pointillist", "segment", "webhook"])
@pytest.mark.parametrize("name", ["originalTimestamp", "receivedAt", "sentAt"])
@pytest.mark.parametrize("bad", ["2021-10-16T16:00:27.029:Z", "1657855059", 1657855059, []])
def test_unreadable_other_time_is_a_warning_if_the_timestamp_is_good(
    tmp_path: Path, dest: str, name: str, bad: object
) -> None:
    found = remarks(tmp_path, dest, timestamp=GOOD, **{name: bad})

    assert f"warning: {name} {NEVER_USED}" in found


def test_time_is_checked_in_an_event_of_a_known_shape(tmp_path: Path) -> None:
    lines = [
        line_of(timestamp=GOOD, sentAt=sent, **EMAIL, messageId=str(n))
        for n, sent in enumerate((GOOD, GOOD, "soon", GOOD))
    ]

    assert said(review_of(tmp_path, *lines)) == [(3, f"warning: sentAt {NEVER_USED}")]


@pytest.mark.parametrize("time", ["2026-02-16T09:03:51", "2026-02-16 09:03:51.123456"])
def test_a_time_without_a_zone_is_a_warning(tmp_path: Path, time: str) -> None:
    said_of_it = "names no zone, so it is read as UTC"

    assert remarks(tmp_path, timestamp=time) == [f"warning: timestamp {said_of_it}"]
    assert remarks(tmp_path, receivedAt=time) == [f"warning: receivedAt {said_of_it}"]
    assert remarks(tmp_path, timestamp=GOOD, receivedAt=time) == []


@pytest.mark.parametrize("time", ["2026-02-16", "2026-02-16 09:03:51 UTC", GOOD, "", None])
def test_date_or_time_with_a_zone_or_no_time_gives_no_warning(tmp_path: Path, time: str) -> None:
    assert remarks(tmp_path, timestamp=time, receivedAt=GOOD) == []


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z"])
def test_time_before_1970_is_a_gist_warning_if_it_is_the_only_one(
    tmp_path: Path, time: str
) -> None:
    lost = "is before 1970, so Gist is sent no time"

    assert remarks(tmp_path, timestamp=time) == [f"warning: timestamp {lost}"]
    assert remarks(tmp_path, sentAt=time) == [f"warning: sentAt {lost}"]
    assert remarks(tmp_path, timestamp=time, receivedAt=time) == [f"warning: timestamp {lost}"]
    assert remarks(tmp_path, timestamp=time, receivedAt=GOOD) == []
    assert remarks(tmp_path, "pointillist", timestamp=time, properties={}) == []


def uncarried(folder: Path, **fields: Any) -> set[str]:
    review = review_of(folder, line_of(**EMAIL, **fields))
    return {one.path for one in review.left_out}


def test_coverage_lists_the_times_that_are_not_carried(tmp_path: Path) -> None:
    zero, other = "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"

    assert uncarried(tmp_path, timestamp=GOOD, receivedAt=GOOD, sentAt=GOOD) == {
        "receivedAt",
        "sentAt",
    }
    assert uncarried(tmp_path, timestamp=zero, receivedAt=GOOD) == {"timestamp"}
    assert uncarried(tmp_path, timestamp=zero, sentAt="soon", receivedAt=GOOD) == {
        "timestamp",
        "sentAt",
    }
    assert uncarried(tmp_path, timestamp=other) == {"timestamp"}
    assert uncarried(tmp_path, originalTimestamp=GOOD) == set()
