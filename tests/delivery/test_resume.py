"""A stopped run continues where it stopped, but only with --resume."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult, records, report_in, track, tracks, write_events
from support.resuming import JOURNAL, LimitedVendor, Segcli, Serve, settled_lines, to_webhook

from segcli.journal.checkpoint import encode


@pytest.fixture
def command(limited_vendor: LimitedVendor, vendor: Serve, tmp_path: Path) -> list[str]:
    """Return the command that sends twelve events, one after the other."""
    return to_webhook(
        vendor(limited_vendor).url, write_events(tmp_path / "events.jsonl", tracks(12))
    )


ALL = [f"m{number}" for number in range(12)]


def test_resume_continues_where_the_run_stopped(
    limited_vendor: LimitedVendor, command: list[str], segcli: Segcli, tmp_path: Path
) -> None:
    limited_vendor.left = 5
    assert segcli(*command).code == 3
    assert limited_vendor.taken == ALL[:5]
    limited_vendor.accept_all()
    assert segcli(*command, "--resume").code == 0
    assert limited_vendor.taken == ALL
    assert not (tmp_path / JOURNAL).exists()


def test_report_has_counts_of_this_run_and_totals_of_all_runs(
    limited_vendor: LimitedVendor, segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    lines = [*tracks(6), b"no JSON", track(6, note="POISON"), b"", *tracks(12)[6:]]
    events = write_events(tmp_path / "events.jsonl", lines)
    command = to_webhook(vendor(limited_vendor).url, events)
    ledgers = []
    for left, how in ((3, "--quiet"), (2, "--resume"), (4, "--resume"), (99, "--resume")):
        limited_vendor.left = left
        said = segcli(*command, how)
        report = report_in(tmp_path)
        ledgers.append(report["ledger"])
        over_all = report["ledger_over_all_runs"]
        assert report["resumed"] == (how == "--resume")
        assert sum(report["ledger"].values()) == report["read"]
        assert sum(over_all.values()) == report["read_over_all_runs"] == 15
        for state in ("delivered", "refused", "rejected", "skipped"):
            assert over_all[state] == sum(ledger[state] for ledger in ledgers)

    assert ledgers[-1]["refused"] == ledgers[-1]["rejected"] == 0
    assert said.code == report["exit_code"] == 1
    assert "rejects: webhook.rejects.ndjson" in said.err
    assert over_all == {
        "delivered": 12,
        "refused": 1,
        "rejected": 1,
        "skipped": 1,
        "unsent": 0,
    }
    assert "15 over all runs" in said.err
    assert "12 over all runs" in said.err


def test_unfinished_run_needs_resume_or_restart(
    limited_vendor: LimitedVendor, command: list[str], segcli: Segcli, tmp_path: Path
) -> None:
    limited_vendor.left = 5
    segcli(*command)
    limited_vendor.accept_all()
    before = settled_lines(tmp_path / JOURNAL)
    said = segcli(*command)

    assert said.code == 2
    assert (
        f"an earlier run of {tmp_path}/events.jsonl to webhook was not finished (5 delivered); "
        f"its journal is {JOURNAL}\n"
    ) in said.err
    assert "Add --resume to continue where it stopped, or --restart to send everything" in said.err
    assert limited_vendor.taken == ALL[:5]
    assert settled_lines(tmp_path / JOURNAL) == before


def test_default_journal_is_found_by_destination_and_inputs(
    limited_vendor: LimitedVendor, segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(12))
    others = write_events(tmp_path / "others.jsonl", tracks(2))
    url = vendor(limited_vendor).url
    command = ["send", "-d", "webhook", "--endpoint", url, "--concurrency", "1"]
    limited_vendor.left = 5
    assert segcli(*command, events).code == 3
    (journal,) = (tmp_path / "state" / "segcli").iterdir()
    assert journal.name.startswith("webhook-")
    assert journal.stat().st_mode & 0o077 == 0

    limited_vendor.accept_all()
    assert str(journal) in segcli(*command, events).err
    assert segcli(*command, others).code == 0
    to_plotline = ["send", "-d", "plotline", "--set=api_key=k", *command[3:]]
    assert segcli(*to_plotline, others).code == 0
    assert segcli(*command, "events.jsonl", "--resume").code == 0
    assert limited_vendor.taken == [*ALL[:5], "m0", "m1", "m0", "m1", *ALL[5:]]
    assert not list((tmp_path / "state" / "segcli").iterdir())


def test_restart_sends_everything_again(
    limited_vendor: LimitedVendor, command: list[str], segcli: Segcli, tmp_path: Path
) -> None:
    limited_vendor.left = 5
    segcli(*command)
    limited_vendor.left = 2
    segcli(*command, "--restart")
    assert report_in(tmp_path)["resumed"] is False
    assert len(settled_lines(tmp_path / JOURNAL)) == 2
    limited_vendor.accept_all()
    assert segcli(*command, "--restart").code == 0
    assert limited_vendor.taken == [*ALL[:5], *ALL[:2], *ALL]


def test_restart_writes_no_reject_a_second_time(
    limited_vendor: LimitedVendor, segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    lines = [b"no JSON", track(0, note="POISON"), *tracks(12)[1:]]
    command = to_webhook(vendor(limited_vendor).url, write_events(tmp_path / "events.jsonl", lines))
    limited_vendor.left = 3
    segcli(*command)
    kept = records(tmp_path / "webhook.rejects.ndjson")
    limited_vendor.accept_all()

    assert segcli(*command, "--restart").code == 1
    assert len(kept) == 2
    assert records(tmp_path / "webhook.rejects.ndjson") == kept


def test_resume_ignores_rejects_that_another_run_wrote(
    limited_vendor: LimitedVendor,
    segcli: Segcli,
    vendor: Serve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    to_vendor = to_webhook(
        vendor(limited_vendor).url, "--rejects", "../rejects.ndjson", "events.jsonl"
    )

    def send_day(day: int, *how: str) -> int:
        monkeypatch.chdir(tmp_path / str(day))
        return segcli(*to_vendor, *how).code

    for day in (1, 2):
        (tmp_path / str(day)).mkdir()
        events = [track(day * 10), track(day * 10 + 1, note="POISON")]
        write_events(tmp_path / str(day) / "events.jsonl", events)
    limited_vendor.left = 1
    assert send_day(1) == 3
    limited_vendor.accept_all()
    assert send_day(2) == 1
    assert send_day(1, "--resume") == 1

    kept = [record["event"]["messageId"] for record in records(tmp_path / "rejects.ndjson")]
    assert kept == ["m21", "m11"]


def test_resume_without_a_journal_is_an_error_and_sends_nothing(
    limited_vendor: LimitedVendor, command: list[str], segcli: Segcli, tmp_path: Path
) -> None:
    said = segcli(*command, "--resume")
    assert said.code == 2
    assert f"there is nothing to resume: no journal at {JOURNAL}" in said.err
    assert "ended with 0 or 1, it has finished" in said.err
    assert "stopped before anything was settled, omit --resume" in said.err
    assert "--journal" in said.err
    assert not limited_vendor.taken
    assert not (tmp_path / JOURNAL).exists()


def test_resume_and_restart_exclude_each_other(
    limited_vendor: LimitedVendor, command: list[str], segcli: Segcli
) -> None:
    said = segcli(*command, "--resume", "--restart")
    assert said.code == 2
    assert "--resume and --restart exclude each other" in said.err
    assert not limited_vendor.taken


def test_run_that_settled_nothing_leaves_no_journal(
    limited_vendor: LimitedVendor, command: list[str], segcli: Segcli, tmp_path: Path
) -> None:
    limited_vendor.left = 0
    said = segcli(*command)
    assert said.code == 3
    assert "--resume" not in said.err
    assert not (tmp_path / JOURNAL).exists()
    limited_vendor.accept_all()
    assert segcli(*command).code == 0


@pytest.mark.parametrize("status", [401, 503])
def test_stop_in_which_nothing_was_settled_prints_the_command_without_resume(
    status: int,
    limited_vendor: LimitedVendor,
    command: list[str],
    segcli: Segcli,
    paste: Callable[..., CommandResult],
) -> None:
    limited_vendor.left, limited_vendor.status = 0, status
    said = segcli(*command, "--retry-for", "10ms")
    lines = said.err.splitlines()
    at = lines.index("To try again, type:")
    limited_vendor.accept_all()

    assert said.code == 3
    assert lines[at - 1] == "Nothing was settled, so there is nothing to resume."
    assert "--resume" not in said.err
    assert paste(lines[at + 1]).code == 0
    assert limited_vendor.taken == ALL


def test_run_that_only_skipped_lines_leaves_no_journal(
    limited_vendor: LimitedVendor, segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", [b"", *tracks(1)])
    limited_vendor.left = 0
    assert segcli(*to_webhook(vendor(limited_vendor).url, events)).code == 3
    assert not (tmp_path / JOURNAL).exists()


def test_resume_finishes_a_run_killed_after_the_last_event(
    limited_vendor: LimitedVendor, command: list[str], segcli: Segcli, tmp_path: Path
) -> None:
    limited_vendor.left = 11
    segcli(*command)
    journal = tmp_path / JOURNAL
    rest = encode({"state": "delivered", "lines": [(0, 12, 12)]})
    journal.write_bytes(journal.read_bytes().rstrip(b"\0") + rest)
    limited_vendor.accept_all()
    assert segcli(*command, "--resume").code == 0
    assert limited_vendor.taken == ALL[:11]
    assert report_in(tmp_path)["read"] == 0
    assert not journal.exists()


def test_each_rejected_event_is_written_once_over_all_runs(
    limited_vendor: LimitedVendor, segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    lines = [b"no JSON", track(0, note="POISON"), *tracks(4), b"[]", track(9, note="POISON")]
    events = write_events(tmp_path / "events.jsonl", lines)
    command = to_webhook(vendor(limited_vendor).url, events)
    for left in (2, 2, 99):
        limited_vendor.left = left
        segcli(*command, "--resume" if (tmp_path / JOURNAL).exists() else "--quiet")
    kept = [(row["line"], row["state"]) for row in records(tmp_path / "webhook.rejects.ndjson")]
    assert sorted(kept) == [(1, "rejected"), (2, "refused"), (7, "rejected"), (8, "refused")]


def test_resume_refuses_another_endpoint_or_destination(
    limited_vendor: LimitedVendor, command: list[str], segcli: Segcli
) -> None:
    limited_vendor.left = 5
    segcli(*command)
    limited_vendor.accept_all()
    elsewhere = segcli(*command, "--endpoint", "http://localhost:1/x", "--resume")
    assert elsewhere.code == 2
    assert "had the endpoint http://127.0.0.1" in elsewhere.err
    other = segcli(*command, "--dest", "plotline", "--set", "api_key=k", "--resume")
    assert other.code == 2
    assert "had the destination webhook, not plotline" in other.err
    assert limited_vendor.taken == ALL[:5]


def test_run_to_a_sandbox_resumes_with_a_new_sandbox(segcli: Segcli, tmp_path: Path) -> None:
    write_events(tmp_path / "events.jsonl", [b"no JSON", *tracks(12)])
    command = ["send", "-d", "webhook", "--sandbox", "--journal", JOURNAL, "events.jsonl"]
    assert segcli(*command, "--fault", "401:100%").code == 3
    assert segcli(*command, "--resume", "--report", "report.json").code == 1
    assert report_in(tmp_path)["ledger"]["delivered"] == 12
    assert report_in(tmp_path)["ledger_over_all_runs"]["rejected"] == 1
