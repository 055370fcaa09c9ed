"""A rejects file with records of earlier runs: the summary and the report say so."""

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult, records, report_in, track, tracks, write_events
from support.resuming import LimitedVendor, Serve, to_webhook

import segcli as program

Segcli = Callable[..., CommandResult]
KEPT = "webhook.rejects.ndjson"


@pytest.fixture
def limited_vendor() -> LimitedVendor:
    """Return a vendor that accepts all events but poisoned ones."""
    return LimitedVendor()


@pytest.fixture
def send(
    segcli: Segcli, vendor: Serve, limited_vendor: LimitedVendor, tmp_path: Path
) -> Callable[..., CommandResult]:
    """Send events of these numbers; of each hundred, the last ten are refused."""
    url = vendor(limited_vendor).url

    def send(numbers: range, *how: str) -> CommandResult:
        events = [track(n, note="POISON" if n % 100 >= 90 else "") for n in numbers]
        name = f"events{numbers.start // 100}.jsonl"
        return segcli(*to_webhook(url, write_events(tmp_path / name, events)), *how)

    return send


def of_this_run(said: CommandResult, folder: Path) -> list[str]:
    """Return the ids of the records that the command in the summary prints."""
    [line] = [line for line in said.err.splitlines() if line.startswith("rejects: ")]
    command = line.partition("those of this run: ")[2].removesuffix(")")
    words = shlex.split(command)
    assert words[0] == "tail"
    found = subprocess.run(words, cwd=folder, capture_output=True, check=True, timeout=30).stdout
    (folder / "found").write_bytes(found)
    return [record["event"]["messageId"] for record in records(folder / "found")]


def test_first_run_says_only_where_its_rejects_are(
    send: Callable[..., CommandResult], tmp_path: Path
) -> None:
    assert f"rejects: {KEPT}\n" in send(range(89, 92)).err
    assert report_in(tmp_path)["rejects_from"] == 0


def test_later_run_says_which_records_are_its_own(
    send: Callable[..., CommandResult], tmp_path: Path
) -> None:
    send(range(89, 93))
    size = os.path.getsize(tmp_path / KEPT)
    said = send(range(189, 192))

    assert f"rejects: {KEPT} (also has records of earlier runs; those of this run: " in said.err
    assert of_this_run(said, tmp_path) == ["m190", "m191"]
    assert report_in(tmp_path)["rejects_from"] == size
    assert len(records(tmp_path / KEPT)) == 5


def test_run_without_rejects_does_not_mention_earlier_ones(
    send: Callable[..., CommandResult], tmp_path: Path
) -> None:
    send(range(89, 93))

    assert "rejects:" not in send(range(100, 102)).err
    assert report_in(tmp_path)["rejects_from"] is None


def test_records_of_a_run_that_is_resumed_are_not_of_an_earlier_one(
    send: Callable[..., CommandResult], limited_vendor: LimitedVendor, tmp_path: Path
) -> None:
    limited_vendor.left = 3
    assert send(range(88, 95)).code == 3
    limited_vendor.left = 99
    said = send(range(88, 95), "--resume")

    assert f"rejects: {KEPT}\n" in said.err
    assert report_in(tmp_path)["rejects_from"] == 0


def test_resumed_run_knows_what_was_there_before_its_first_run(
    send: Callable[..., CommandResult], limited_vendor: LimitedVendor, tmp_path: Path
) -> None:
    send(range(89, 92))
    limited_vendor.left = 3
    assert send(range(188, 199)).code == 3
    limited_vendor.left = 99
    said = send(range(188, 199), "--resume")

    assert of_this_run(said, tmp_path) == [f"m{number}" for number in range(190, 199)]


def test_file_that_was_moved_away_before_a_resume_has_no_earlier_records(
    send: Callable[..., CommandResult], limited_vendor: LimitedVendor, tmp_path: Path
) -> None:
    send(range(89, 92))
    limited_vendor.left = 3
    assert send(range(188, 199)).code == 3
    (tmp_path / KEPT).rename(tmp_path / "old")
    limited_vendor.left = 99

    assert f"rejects: {KEPT}\n" in send(range(188, 199), "--resume").err


def test_restarted_run_names_no_place_in_the_file(
    send: Callable[..., CommandResult], limited_vendor: LimitedVendor, tmp_path: Path
) -> None:
    """A record that the forgotten run wrote is not written again, so its place is not known."""
    limited_vendor.left = 3
    assert send(range(88, 95)).code == 3
    assert (tmp_path / KEPT).exists()
    limited_vendor.left = 99
    said = send(range(88, 95), "--restart")

    assert f"rejects: {KEPT} (also has records of earlier runs)\n" in said.err
    assert report_in(tmp_path)["rejects_from"] is None


def test_transform_and_engage_say_so_too(segcli: Segcli, tmp_path: Path) -> None:
    write_events(tmp_path / "events.jsonl", [b"no JSON", *tracks(1)])
    (tmp_path / "vip.csv").write_text("user_id,email\nu1,u1@x.org\n,nobody\n")
    commands = (
        ("transform", "-d", "webhook", "--rejects", "kept", "events.jsonl", "--report", "r.json"),
        ("engage", "audience", "VIP", "vip.csv", "-d", "webhook", "--sandbox", "--rejects", "kept"),
    )
    assert "rejects: kept\n" in segcli(*commands[0]).err
    for command in commands:
        said = segcli(*command)
        assert "rejects: kept (also has records of earlier runs; those of this run: " in said.err


def test_a_program_learns_it_from_the_report(
    send: Callable[..., CommandResult], vendor: Serve, limited_vendor: LimitedVendor, tmp_path: Path
) -> None:
    send(range(89, 93))
    size = os.path.getsize(tmp_path / KEPT)
    settings = {"endpoint": vendor(limited_vendor).url}
    report = program.send(
        [track(190, note="POISON")], dest="webhook", settings=settings, rejects=tmp_path / KEPT
    )

    assert report.rejects_from == size == report.document()["rejects_from"]


def test_a_huge_file_is_not_read(send: Callable[..., CommandResult], tmp_path: Path) -> None:
    """A file with a hole: reading it would take minutes."""
    size = 1 << 38
    (tmp_path / KEPT).write_bytes(b'{"file":"x"}\n')
    os.truncate(tmp_path / KEPT, size)
    said = send(range(90, 91))

    # The hole does not end with a line break, so one comes before the record.
    assert of_this_run(said, tmp_path) == ["m90"]
    assert report_in(tmp_path)["rejects_from"] == size
