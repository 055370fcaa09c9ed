"""Segment's archive is read in the order of time, without days outside of the window."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.compression import gz
from support.fakes import Said, report_in, track, written

from segcli.inputs import Days, Input
from segcli.inputs.dated_folder import day_of
from segcli.lines import chunks

Segcli = Callable[..., Said]

DAY = 86_400
FIRST = 1_769_904_000  # 2026-02-01T00:00:00Z


def day(number: int) -> str:
    """Return the folder of a day of February 2026."""
    return str(FIRST + (number - 1) * DAY)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return a week of two sources: one event a day for each, at noon; one comes a day late."""
    archive = tmp_path / "segment-logs"
    for number in range(1, 8):
        for source_id, hour in (("web", "12"), ("app", "13")):
            path = archive / source_id / day(number) / f"{day(number)}{hour}.1.1.gz"
            path.parent.mkdir(parents=True)
            at = f"2026-02-{number:02}T{hour}:00:00.000Z"
            late = (
                f"2026-02-{number - 1:02}T12:00:00.000Z"
                if (number, source_id) == (5, "app")
                else at
            )
            event = track(number, timestamp=late, receivedAt=at, channel=source_id)
            path.write_bytes(gz(written(tmp_path / "plain", [event]).read_bytes()))
    (archive / "dummy-object.txt").touch()
    return archive


def days_and_sources(*names: Path) -> list[tuple[str, str]]:
    found = chunks.inputs([str(name) for name in names])
    return [(Path(entry.name).parts[-2], Path(entry.name).parts[-3]) for entry in found]


def test_days_come_one_after_the_other_and_within_a_day_files_by_their_names(archive: Path) -> None:
    assert days_and_sources(archive) == [
        (day(number), name) for number in range(1, 8) for name in ("web", "app")
    ]


def test_a_source_or_a_day_may_be_named_and_several_keep_the_order_they_are_named_in(
    archive: Path,
) -> None:
    assert days_and_sources(archive / "web") == [(day(n), "web") for n in range(1, 8)]
    assert days_and_sources(archive / "web", archive / "app") == [
        (day(number), name) for name in ("web", "app") for number in range(1, 8)
    ]
    assert days_and_sources(archive / "app" / day(3)) == [(day(3), "app")]


def test_days_in_milliseconds_stand_among_those_in_seconds(archive: Path) -> None:
    for name in ("web", "app"):
        (archive / name / day(4)).rename(archive / name / f"{day(4)}000")

    assert [found for found, _ in days_and_sources(archive)][6:8] == [f"{day(4)}000"] * 2


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (f"web/{FIRST}/a.gz", FIRST),
        (f"/{FIRST}/a.gz", FIRST),
        (f"web/{FIRST}000/a.gz", FIRST),
        (f"web/{FIRST}/hour/a.gz", FIRST),
        (f"web/{FIRST + 1}/a.gz", None),
        (f"web/{FIRST}/{FIRST + 1}/a.gz", FIRST),
        (f"web/{FIRST}001/a.gz", None),
        (f"{FIRST}", None),
        (f"web/{FIRST}.gz", None),
        ("web/20260201/a.gz", None),
        (f"web/{FIRST // 10}/a.gz", None),
        ("web/١٧٦٩٩٠٤٠٠٠/a.gz", None),
    ],
)
def test_a_days_folder_is_a_timestamp_of_the_start_of_a_utc_day(
    path: str, found: int | None
) -> None:
    assert day_of(path) == found


def test_what_lies_in_no_day_comes_first_in_the_order_of_names(archive: Path) -> None:
    for name in ("z.jsonl", "a.jsonl"):
        written(archive / name, [track()])

    assert [Path(entry.name).name for entry in chunks.inputs([str(archive)])][:3] == [
        "a.jsonl",
        "z.jsonl",
        f"{day(1)}12.1.1.gz",
    ]


def mapped(segcli: Segcli, *options: object) -> tuple[int, int, int, str]:
    """Return the numbers of mapped and skipped events and of files left out, and the messages."""
    said = segcli("transform", "-d", "webhook", "--report", "report.json", *options, "segment-logs")
    assert said.code == 0
    report = report_in(Path())
    ledger = report["ledger"]
    return ledger["mapped"], ledger["skipped"], report["files_left_out"], said.err


@pytest.mark.usefixtures("archive")
def test_days_that_end_more_than_a_day_before_since_are_left_out_and_counted(
    segcli: Segcli,
) -> None:
    taken, skipped, left_out, said = mapped(segcli, "--since", "2026-02-04")

    # The late event of the 4th is in the folder of the 5th. The 3rd is read: clocks may be wrong.
    assert (taken, skipped, left_out) == (8, 2, 4)
    assert "4 files (" in said
    assert "of days outside --since and --until not read" in said


@pytest.mark.usefixtures("archive")
def test_days_after_until_are_read_since_events_may_be_late(segcli: Segcli) -> None:
    assert mapped(segcli, "--until", "2026-02-05")[:3] == (9, 5, 0)


@pytest.mark.usefixtures("archive")
def test_days_after_until_are_left_out_where_a_bound_of_lateness_is_given(segcli: Segcli) -> None:
    window = ("--since", "2026-02-04", "--until", "2026-02-05")

    assert mapped(segcli, *window)[:3] == (3, 7, 4)
    assert mapped(segcli, *window, "--allowed-lateness", "1d")[:3] == (3, 3, 8)
    assert mapped(segcli, *window, "--allowed-lateness", "1h")[:3] == (3, 3, 8)
    assert mapped(segcli, *window, "--allowed-lateness", "0s")[:3] == (2, 2, 10)


@pytest.mark.usefixtures("archive")
def test_where_every_day_is_left_out_nothing_is_read_and_that_is_said(segcli: Segcli) -> None:
    taken, skipped, left_out, said = mapped(segcli, "--since", "2026-04-01")

    assert (taken, skipped, left_out) == (0, 0, 14)
    assert "14 files (" in said


def test_a_day_that_is_named_itself_is_read_whatever_the_window(
    archive: Path, segcli: Segcli
) -> None:
    said = segcli("transform", "--since", "2026-04-01", archive / "web" / day(1))

    assert said.code == 0
    assert "1  before --since" in said.err


@pytest.mark.usefixtures("archive")
def test_check_leaves_out_the_same_days_and_says_so(segcli: Segcli) -> None:
    said = segcli("check", "-d", "webhook", "--since", "2026-02-07", "segment-logs")

    assert said.code == 0
    assert "4 lines: 2 mapped, 0 rejected, 2 skipped" in said.out
    assert "10 files (" in said.err
    as_json = segcli(
        "check", "--format", "json", "-d", "webhook", "--since", "2026-02-07", "segment-logs"
    )
    assert json.loads(as_json.out)["files_left_out"] == 10


def test_a_broken_file_of_a_day_that_is_left_out_troubles_nobody(
    archive: Path, segcli: Segcli
) -> None:
    (archive / "web" / day(1) / "broken.gz").write_bytes(b"\x1f\x8b")

    assert segcli("transform", "--since", "2026-02-04", "segment-logs").code == 0
    assert "broken.gz cannot be read" in segcli("transform", "segment-logs").err


def test_lateness_without_until_is_an_error(archive: Path, segcli: Segcli) -> None:
    said = segcli("transform", "--allowed-lateness", "1d", archive)

    assert said.code == 2
    assert "--allowed-lateness needs --until" in said.err


MOMENTS = st.datetimes(datetime(2026, 1, 20), datetime(2026, 2, 20), timezones=st.just(UTC))


@given(
    happened=MOMENTS,
    late=st.timedeltas(timedelta(days=-1), timedelta(days=9)),
    since=st.none() | MOMENTS,
    until=st.none() | MOMENTS,
    lateness=st.none() | st.timedeltas(timedelta(), timedelta(days=9)),
)
def test_no_day_with_an_event_of_the_window_is_left_out(
    happened: datetime,
    late: timedelta,
    since: datetime | None,
    until: datetime | None,
    lateness: timedelta | None,
) -> None:
    received = happened + late
    start = int(received.timestamp()) // DAY * DAY
    entry = Input("a.gz", 1, day=start)
    is_wanted = (since is None or happened >= since) and (until is None or happened < until)
    if is_wanted and (lateness is None or late <= lateness):
        assert Days(since, until, lateness).may_hold(entry)
