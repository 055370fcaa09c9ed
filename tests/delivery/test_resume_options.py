"""A resumed run selects the same events as the run that it continues."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.fakes import report_in, track, tracks, write_events
from support.resuming import JOURNAL, LimitedVendor, Segcli, Serve, to_webhook

from segcli.cli import job


@pytest.fixture
def command(limited_vendor: LimitedVendor, vendor: Serve, tmp_path: Path) -> list[str]:
    return to_webhook(
        vendor(limited_vendor).url, write_events(tmp_path / "events.jsonl", tracks(12))
    )


OPTIONS = [
    ("--type", "track", "identify"),
    ("--event", "Tested", "T*"),
    ("--since", "2026-01-01", "2026-01-02"),
    ("--since", "2026-01-01", "300d"),
    ("--until", "2027-01-01", "2028-01-01"),
    ("--limit", "11", "10"),
]


@pytest.mark.parametrize(("option", "before", "now"), OPTIONS)
def test_changed_selection_option_is_an_error_that_shows_both_values(
    option: str,
    before: str,
    now: str,
    limited_vendor: LimitedVendor,
    command: list[str],
    segcli: Segcli,
) -> None:
    limited_vendor.left = 5
    assert segcli(*command, option, before).code == 3
    limited_vendor.accept_all()
    said = segcli(*command, option, now, "--resume")
    assert said.code == 2
    assert f"the run to resume had {option} {before}; this one has {option} {now}\n" in said.err
    assert "Give the same selection options and settings, or --restart." in said.err
    assert len(limited_vendor.taken) == 5
    assert segcli(*command, option, before, "--resume").code == 0


def test_changed_setting_is_an_error_but_a_changed_key_is_not(
    limited_vendor: LimitedVendor, command: list[str], segcli: Segcli
) -> None:
    limited_vendor.left = 5
    assert segcli(*command, "--set", "label=Acme", "--set", "api_key=one-key").code == 3
    limited_vendor.accept_all()
    other = segcli(*command, "--set", "label=Other", "--resume")
    assert other.code == 2
    assert "the run to resume had --set label Acme; this one has --set label Other\n" in other.err
    assert "had --set label Acme; this one has no --set label\n" in segcli(*command, "--resume").err
    assert len(limited_vendor.taken) == 5
    again = [*command, "--set", "label=Acme", "--set", "api_key=new-key"]
    assert segcli(*again, "--resume").code == 0


@pytest.mark.parametrize(
    "words", [["--type", "track"], ["--user", "u1"], ["--limit", "9"], ["--ignore-integrations"]]
)
def test_added_or_removed_selection_option_is_an_error(
    words: list[str], limited_vendor: LimitedVendor, command: list[str], segcli: Segcli
) -> None:
    limited_vendor.left = 3
    segcli(*command)
    option = " ".join(words)
    more = segcli(*command, *words, "--resume").err
    assert f"the run to resume had no {words[0]}; this one has {option}\n" in more
    limited_vendor.left = 3
    segcli(*command, *words, "--restart")
    less = segcli(*command, "--resume").err
    assert f"the run to resume had {option}; this one has no {words[0]}\n" in less
    assert len(limited_vendor.taken) == 6


def test_delivery_options_may_change_on_resume(
    limited_vendor: LimitedVendor, command: list[str], segcli: Segcli
) -> None:
    limited_vendor.left = 5
    segcli(*command)
    limited_vendor.accept_all()
    how = ["--concurrency", "4", "--rate", "1000/s", "--timeout", "5s", "--retry-for", "1min"]
    assert segcli(*command, *how, "--resume").code == 0
    assert sorted(limited_vendor.taken) == sorted(f"m{number}" for number in range(12))


class _ClockAnHourAhead(datetime):
    @classmethod
    def now(cls, tz: object = None) -> datetime:
        assert tz is UTC
        return datetime.now(UTC) + timedelta(hours=1)


def test_relative_since_is_measured_from_the_first_run(
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = datetime.now(UTC) - timedelta(days=7)
    times = [begun + timedelta(minutes=minutes) for minutes in (-30, 10, 20, 30, 90)]
    lines = [track(n, timestamp=time.isoformat()) for n, time in enumerate(times)]
    events = write_events(tmp_path / "events.jsonl", lines)
    command = to_webhook(vendor(limited_vendor).url, "--since", "7d", events)
    limited_vendor.left = 1
    segcli(*command)
    limited_vendor.accept_all()
    monkeypatch.setattr(job, "datetime", _ClockAnHourAhead)
    assert segcli(*command, "--resume").code == 0
    assert limited_vendor.taken == ["m1", "m2", "m3", "m4"]
    assert report_in(tmp_path)["ledger_over_all_runs"]["skipped"] == 1


def test_resume_accepts_a_window_that_has_closed_since_the_first_run(
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = datetime.now(UTC) - timedelta(days=7)
    times = [begun + timedelta(minutes=minutes) for minutes in (10, 20)]
    lines = [track(n, timestamp=time.isoformat()) for n, time in enumerate(times)]
    events = write_events(tmp_path / "events.jsonl", lines)
    until = (begun + timedelta(minutes=30)).isoformat()
    command = to_webhook(vendor(limited_vendor).url, "--since", "7d", "--until", until, events)
    limited_vendor.left = 1
    segcli(*command)
    limited_vendor.accept_all()
    monkeypatch.setattr(job, "datetime", _ClockAnHourAhead)
    assert segcli(*command, "--resume").code == 0
    assert limited_vendor.taken == ["m0", "m1"]


def test_empty_time_window_is_refused_and_leaves_no_journal(
    limited_vendor: LimitedVendor, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    command = to_webhook(
        vendor(limited_vendor).url, write_events(tmp_path / "events.jsonl", [track()])
    )
    for since, until in (("2026-02-04", "2026-02-03"), ("2026-02-03", "2026-02-03")):
        said = segcli(*command, "--since", since, "--until", until)
        assert said.code == 2
        assert f"--until {until} is not later than --since {since}" in said.err
        assert not (tmp_path / JOURNAL).exists()


def test_restart_measures_a_relative_since_from_now(
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = datetime.now(UTC) - timedelta(days=7)
    times = [begun + timedelta(minutes=minutes) for minutes in (10, 90, 100)]
    lines = [track(n, timestamp=time.isoformat()) for n, time in enumerate(times)]
    command = to_webhook(
        vendor(limited_vendor).url, "--since", "7d", write_events(tmp_path / "events.jsonl", lines)
    )
    limited_vendor.left = 1
    segcli(*command)
    limited_vendor.accept_all()
    monkeypatch.setattr(job, "datetime", _ClockAnHourAhead)
    assert segcli(*command, "--restart").code == 0
    assert limited_vendor.taken == ["m0", "m1", "m2"]


@pytest.mark.parametrize("stops", [[1], [4], [6, 1], [3, 2, 2]], ids=str)
def test_limit_counts_events_of_all_runs(
    stops: list[int], limited_vendor: LimitedVendor, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    lines = [*tracks(3), b"no JSON", track(3, note="POISON"), *tracks(20)[4:]]
    events = write_events(tmp_path / "events.jsonl", lines)
    command = to_webhook(vendor(limited_vendor).url, "--limit", "8", events)
    for count, left in enumerate(stops):
        limited_vendor.left = left
        assert segcli(*command, *(["--resume"] if count else [])).code == 3
    limited_vendor.accept_all()
    segcli(*command, "--resume")

    assert limited_vendor.taken == [f"m{number}" for number in range(8) if number != 3]
    assert report_in(tmp_path)["ledger_over_all_runs"] == {
        "delivered": 7,
        "refused": 1,
        "rejected": 1,
        "skipped": 12,
        "unsent": 0,
    }
    assert not (tmp_path / JOURNAL).exists()


def test_limit_counts_events_sent_before_the_input_grew(
    limited_vendor: LimitedVendor, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    lines = [*tracks(3), track(3, note="POISON"), track(4)]
    events = write_events(tmp_path / "events.jsonl", lines)
    command = to_webhook(vendor(limited_vendor).url, "--limit", "8", events)
    limited_vendor.left = 4
    assert segcli(*command).code == 3
    limited_vendor.accept_all()
    write_events(events, [*lines, *tracks(30)[5:]])
    segcli(*command, "--resume")
    assert limited_vendor.taken == ["m0", "m1", "m2", "m4", "m5", "m6", "m7"]
