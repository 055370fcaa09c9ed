"""The first look in every command: an unsuitable input stops it before it does anything."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult, records, track, write_events

Segcli = Callable[..., CommandResult]
Run = Callable[..., subprocess.CompletedProcess[bytes]]

EVENT = json.dumps(track()).encode()
BATCH = json.dumps({"batch": [track(1), track(2)]}).encode()
SNAKE = json.dumps({"type": "track", "event": "Tested", "user_id": "u1"}).encode()
MEMBERS = b'{"userId": "u1"}{"userId": "u2"}'
COMMANDS = {
    "transform": ("transform",),
    "transform --outcomes": ("transform", "--outcomes"),
    "transform --jobs": ("transform", "--jobs", "2"),
    "check": ("check",),
    "check --jobs": ("check", "--jobs", "2"),
    "send": ("send", "--sandbox", "--journal", "journal"),
    "send --restart": ("send", "--sandbox", "--journal", "journal", "--restart"),
    "send --dry-run": ("send", "--dry-run"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("several", [False, True], ids=["one file", "the second of two files"])
def test_input_of_envelopes_stops_every_command_before_any_work(
    command: str, several: bool, segcli: Segcli, tmp_path: Path
) -> None:
    write_events(tmp_path / "a.jsonl", [EVENT])
    write_events(tmp_path / "b.jsonl", [BATCH])
    names = ["a.jsonl", "b.jsonl"] if several else ["b.jsonl"]
    said = segcli(*COMMANDS[command], "-d", "webhook", "--rejects", "rejects", *names)

    assert (said.code, said.out) == (2, "")
    assert "Error: b.jsonl:1 has envelopes, not events: the events are at .batch[]" in said.err
    assert "Type: jq -c '.batch[]' b.jsonl | segcli … -" in said.err
    assert "read\n" not in said.err
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", "b.jsonl"}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_first_look_rejects_each_bad_line_separately(
    command: str, segcli: Segcli, tmp_path: Path
) -> None:
    write_events(tmp_path / "b.jsonl", [BATCH, EVENT + EVENT, EVENT, b"\x50\x4b\x03\x04"])
    words = (*COMMANDS[command], "--no-first-look", "-d", "webhook")
    said = segcli(*words, "--rejects", "rejects", "b.jsonl")

    assert said.code == 1
    if "--dry-run" not in command:
        assert [kept["reason"] for kept in records(tmp_path / "rejects")][:2] == [
            "type is required",
            "several JSON values on one line",
        ]


def test_refused_restart_keeps_the_journal_of_the_earlier_run(
    segcli: Segcli, tmp_path: Path
) -> None:
    command = ("send", "--sandbox", "--journal", "journal", "-d", "gist", "a.jsonl")
    write_events(tmp_path / "a.jsonl", [EVENT, b"{}"])
    assert segcli(*command, "--fault", "401:100%").code == 3
    journal = (tmp_path / "journal").read_bytes()
    write_events(tmp_path / "a.jsonl", [BATCH])

    assert segcli(*command, "--restart").code == 2
    assert (tmp_path / "journal").read_bytes() == journal


def test_resumed_run_checks_new_files_with_the_first_look(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    command = ("send", "--sandbox", "--journal", "journal", "-d", "gist", "in")
    write_events(tmp_path / "in" / "a.jsonl", [EVENT, b"{}"])
    assert segcli(*command, "--fault", "401:100%").code == 3
    write_events(tmp_path / "in" / "b.jsonl", [BATCH])
    refused = segcli(*command, "--resume")

    assert refused.code == 2
    assert "in/b.jsonl:1 has envelopes" in refused.err
    assert "1  delivered" in segcli(*command, "--resume", "--no-first-look").err


@pytest.mark.parametrize("command", ["transform", "check", "send"])
def test_same_fault_in_a_few_lines_is_a_note_in_the_summary(
    command: str, segcli: Segcli, tmp_path: Path
) -> None:
    write_events(tmp_path / "a.jsonl", [SNAKE] * 3)
    said = segcli(*COMMANDS[command], "-d", "webhook", "a.jsonl")

    assert said.code == 1
    assert "a.jsonl:1 has no events in Segment's format: all 3 lines" in said.err
    assert "Type: jq -c 'with_entries" in said.err
    assert "with_entries" not in segcli(*COMMANDS[command], "-q", "a.jsonl", "-d", "webhook").err


def test_first_look_notes_on_many_files_are_limited(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(9):
        write_events(tmp_path / "in" / f"{number}.jsonl", [SNAKE])
    err = segcli("transform", "in").err

    assert err.count("has no events in Segment's format") == 5
    assert "The same applies to 4 more files." in err


def test_first_look_at_stdin_loses_no_bytes(run_segcli: Run) -> None:
    refused = run_segcli("transform", "-d", "webhook", stdin=EVENT * 2)
    assert refused.returncode == 2
    assert "Type: … | jq -c . | segcli … -" in refused.stderr.decode()

    text = b"".join(EVENT + b"\n" for _ in range(5000))
    read = run_segcli("transform", "-q", "-d", "webhook", stdin=text)
    assert read.stdout == text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (MEMBERS, "has several JSON values on one line"),
        (b'[{"userId": "u1"}]', "is a JSON array"),
        (b'{\n "userId": "u1"\n}', "has JSON over several lines"),
        (b'{"user": "u1"}\n' * 10, "has no member: all 10 lines that were checked"),
        ("userId,email\nu1,a@example.com\n".encode("utf-16-le"), "is UTF-16 text"),
        (b"PK\x03\x04\x14", "is a zip archive"),
    ],
)
def test_engage_refuses_a_list_by_the_first_look(
    content: bytes, says: str, segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "m").write_bytes(content)
    said = segcli("engage", "audience", "VIP", "-d", "gist", "--sandbox", "--state", "s", "m")

    assert said.code == 2
    assert says in said.err
    assert {path.name for path in tmp_path.iterdir()} == {"m"}


def test_engage_notes_a_few_bad_rows_in_its_summary(segcli: Segcli, tmp_path: Path) -> None:
    command = ("engage", "audience", "VIP", "-d", "gist", "--dry-run", "--state", "s", "m")
    (tmp_path / "m").write_bytes(b"user_id,email\nu1,\nu2,\n")
    assert segcli(*command).code == 0
    (tmp_path / "m").write_bytes(b'{"user": "u1"}\n')
    assert "has no member: its only line is rejected" in segcli(*command).err
    (tmp_path / "m").write_bytes(b'{"user": "u1"}\n' * 10)
    assert segcli(*command, "--no-first-look").code == 1
