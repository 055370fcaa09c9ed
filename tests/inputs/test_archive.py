"""Segment's archive is read in order of time, without days outside the time window."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.compression import gz
from support.fakes import CommandResult, report_in, track, write_events
from support.tables import for_each

from segcli.inputs import Days, Input
from segcli.inputs.dated_folder import day_of
from segcli.lines import chunks

Segcli = Callable[..., CommandResult]

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
            path.write_bytes(gz(write_events(tmp_path / "plain", [event]).read_bytes()))
    (archive / "dummy-object.txt").touch()
    return archive


def days_and_sources(*names: Path) -> list[tuple[str, str]]:
    found = chunks.inputs([str(name) for name in names])
    return [(Path(entry.name).parts[-2], Path(entry.name).parts[-3]) for entry in found]


def test_days_are_read_in_order_and_files_of_a_day_by_name(archive: Path) -> None:
    assert days_and_sources(archive) == [
        (day(number), name) for number in range(1, 8) for name in ("web", "app")
    ]


def test_sources_and_days_can_be_named_and_keep_the_given_order(
    archive: Path,
) -> None:
    assert days_and_sources(archive / "web") == [(day(n), "web") for n in range(1, 8)]
    assert days_and_sources(archive / "web", archive / "app") == [
        (day(number), name) for name in ("web", "app") for number in range(1, 8)
    ]
    assert days_and_sources(archive / "app" / day(3)) == [(day(3), "app")]


def test_days_in_milliseconds_are_ordered_with_days_in_seconds(archive: Path) -> None:
    for name in ("web", "app"):
        (archive / name / day(4)).rename(archive / name / f"{day(4)}000")

    assert [found for found, _ in days_and_sources(archive)][6:8] == [f"{day(4)}000"] * 2


@for_each(
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
def test_day_folder_is_the_timestamp_of_the_start_of_a_utc_day(
    path: str, found: int | None
) -> None:
    assert day_of(path) == found


def test_files_outside_day_folders_are_read_first_by_name(archive: Path) -> None:
    for name in ("z.jsonl", "a.jsonl"):
        write_events(archive / name, [track()])

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
def test_days_that_end_over_a_day_before_since_are_not_read_but_counted(
    segcli: Segcli,
) -> None:
    taken, skipped, left_out, said = mapped(segcli, "--since", "2026-02-04")

    # The late event of the 4th is in the folder of the 5th. The 3rd is read: clocks may be wrong.
    assert (taken, skipped, left_out) == (8, 2, 4)
    assert "4 files (" in said
    assert "of days outside --since and --until not read" in said


@pytest.mark.usefixtures("archive")
def test_days_after_until_are_read_for_late_events(segcli: Segcli) -> None:
    assert mapped(segcli, "--until", "2026-02-05")[:3] == (9, 5, 0)


@pytest.mark.usefixtures("archive")
def test_days_after_until_are_not_read_beyond_allowed_lateness(segcli: Segcli) -> None:
    window = ("--since", "2026-02-04", "--until", "2026-02-05")

    assert mapped(segcli, *window)[:3] == (3, 7, 4)
    assert mapped(segcli, *window, "--allowed-lateness", "1d")[:3] == (3, 3, 8)
    assert mapped(segcli, *window, "--allowed-lateness", "1h")[:3] == (3, 3, 8)
    assert mapped(segcli, *window, "--allowed-lateness", "0s")[:3] == (2, 2, 10)


@pytest.mark.usefixtures("archive")
def test_window_without_any_day_reads_nothing_and_says_so(segcli: Segcli) -> None:
    taken, skipped, left_out, said = mapped(segcli, "--since", "2026-04-01")

    assert (taken, skipped, left_out) == (0, 0, 14)
    assert "14 files (" in said


def test_explicitly_named_day_is_always_read(archive: Path, segcli: Segcli) -> None:
    said = segcli("transform", "--since", "2026-04-01", archive / "web" / day(1))

    assert said.code == 0
    assert "1  before --since" in said.err


@pytest.mark.usefixtures("archive")
def test_check_does_not_read_days_outside_the_window_and_says_so(segcli: Segcli) -> None:
    said = segcli("check", "-d", "webhook", "--since", "2026-02-07", "segment-logs")

    assert said.code == 0
    assert "4 lines: 2 mapped, 0 rejected, 2 skipped" in said.out
    assert "10 files (" in said.err
    as_json = segcli(
        "check", "--format", "json", "-d", "webhook", "--since", "2026-02-07", "segment-logs"
    )
    assert json.loads(as_json.out)["files_left_out"] == 10


def test_broken_file_of_an_unread_day_is_ignored(archive: Path, segcli: Segcli) -> None:
    (archive / "web" / day(1) / "broken.gz").write_bytes(b"\x1f\x8b")

    assert segcli("transform", "--since", "2026-02-04", "segment-logs").code == 0
    assert "broken.gz cannot be read" in segcli("transform", "segment-logs").err


def test_allowed_lateness_without_until_is_an_error(archive: Path, segcli: Segcli) -> None:
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
def test_every_day_with_an_event_of_the_window_is_read(
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
