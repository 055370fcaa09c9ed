"""Only the same inputs can be resumed: other inputs are an error that names the file."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import records, tracks, written
from support.resuming import JOURNAL, Door, Segcli, Serve, to_webhook

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
Change = Callable[[bytes], bytes]


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return written(tmp_path / "events.jsonl", tracks(12))


@pytest.fixture
def command(door: Door, vendor: Serve, events: Path, segcli: Segcli) -> list[str]:
    """Stop a run of one file after five events; return its command line."""
    door.left = 5
    words = to_webhook(vendor(door).url, events)
    assert segcli(*words).code == 3
    door.open()
    return words


def one_byte(text: bytes) -> bytes:
    return text.replace(b'"m3"', b'"m4"', 1)


def last_line_first(text: bytes) -> bytes:
    *lines, last = text.splitlines(keepends=True)
    return b"".join([last, *lines])


def one_more_in_front(text: bytes) -> bytes:
    return b"\n" + text


@pytest.mark.parametrize("change", [one_byte, last_line_first, one_more_in_front])
def test_changed_file_is_an_error_that_names_it(
    change: Change, command: list[str], door: Door, segcli: Segcli, events: Path, tmp_path: Path
) -> None:
    events.write_bytes(change(events.read_bytes()))
    journal = (tmp_path / JOURNAL).read_bytes()
    said = segcli(*command, "--resume")

    assert said.code == 2
    assert f"{events} has changed: its first 1,3" in said.err
    assert "To send everything again from the beginning, add --restart" in said.err
    assert len(door.taken) == 5
    assert (tmp_path / JOURNAL).read_bytes() == journal


@pytest.mark.parametrize("left", [0, 3])
def test_shortened_file_is_an_error_that_names_it(
    left: int, command: list[str], door: Door, segcli: Segcli, events: Path
) -> None:
    events.write_bytes(b"".join(events.read_bytes().splitlines(keepends=True)[:left]))
    said = segcli(*command, "--resume")
    assert said.code == 2
    assert f"{events} is shorter than it was: " in said.err
    assert len(door.taken) == 5


def test_missing_file_is_an_error_and_the_journal_is_kept(
    command: list[str], door: Door, segcli: Segcli, events: Path
) -> None:
    events.rename(events.with_name("elsewhere"))
    assert "does not exist" in segcli(*command, "--resume").err
    events.with_name("elsewhere").rename(events)
    assert segcli(*command, "--resume").code == 0
    assert len(door.taken) == 12


def test_lines_appended_to_the_input_are_sent(
    command: list[str], door: Door, segcli: Segcli, events: Path
) -> None:
    written(events, tracks(15))
    assert segcli(*command, "--resume").code == 0
    assert door.taken == [f"m{number}" for number in range(15)]


def test_change_of_a_last_line_already_read_is_an_error(
    door: Door, vendor: Serve, segcli: Segcli, events: Path
) -> None:
    events.write_bytes(events.read_bytes().rstrip(b"\n"))
    command = to_webhook(vendor(door).url, events)
    door.left = 5
    segcli(*command)
    door.open()
    whole = events.read_bytes()
    events.write_bytes(whole + b" ")
    assert f"{events} has changed" in segcli(*command, "--resume").err
    events.write_bytes(whole + b"\n")
    assert segcli(*command, "--resume").code == 0
    assert len(door.taken) == 12


def test_short_resumed_run_keeps_the_fingerprint_of_all_read_bytes(
    door: Door, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    pages = [{"type": "page", "userId": "u", "name": "x" * 1000} for _ in range(1000)]
    events = written(tmp_path / "events.jsonl", [*tracks(12), *pages, b""])
    command = to_webhook(vendor(door).url, "--type", "track", events)
    door.left = 11
    segcli(*command)
    for _ in range(3):
        door.left = 0
        assert segcli(*command, "--resume").code == 3
    door.open()
    written(events, [*tracks(12), *pages[:-1], {**pages[-1], "name": "y" * 1000}, b""])
    said = segcli(*command, "--resume")
    assert said.code == 2
    assert f"{events} has changed" in said.err


@pytest.mark.parametrize(
    ("now", "message"),
    [
        ("b.jsonl a.jsonl", "read {0}/a.jsonl, not {0}/b.jsonl"),
        ("a.jsonl c.jsonl", "read {0}/b.jsonl, not {0}/c.jsonl"),
        ("a.jsonl", "read {0}/a.jsonl, {0}/b.jsonl"),
        ("a.jsonl b.jsonl c.jsonl", "read {0}/a.jsonl, {0}/b.jsonl"),
    ],
)
def test_other_inputs_or_another_input_order_is_an_error(
    now: str, message: str, door: Door, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    for name in "abc":
        written(tmp_path / f"{name}.jsonl", tracks(4))
    command = to_webhook(vendor(door).url)
    door.left = 5
    segcli(*command, "a.jsonl", "b.jsonl")
    door.open()
    said = segcli(*command, *now.split(), "--resume")
    assert said.code == 2
    assert f"the run to resume {message.format(tmp_path)}\nName the same" in said.err
    assert len(door.taken) == 5


def test_error_names_the_changed_one_of_several_inputs(
    door: Door, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    for name in "ab":
        written(tmp_path / f"{name}.jsonl", tracks(4))
    command = to_webhook(vendor(door).url, "a.jsonl", "b.jsonl")
    door.left = 5
    segcli(*command)
    door.open()
    written(tmp_path / "b.jsonl", tracks(2))
    assert "Error: b.jsonl is shorter than it was" in segcli(*command, "--resume").err
    written(tmp_path / "b.jsonl", tracks(5))
    assert segcli(*command, "--resume").code == 0
    assert door.taken == ["m0", "m1", "m2", "m3", "m0", "m1", "m2", "m3", "m4"]


def test_input_may_be_named_relative_to_another_folder(
    command: list[str],
    door: Door,
    segcli: Segcli,
    events: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    words = [f"../{events.name}" if word == str(events) else word for word in command]
    words[words.index(JOURNAL)] = f"../{JOURNAL}"
    assert segcli(*words, "--resume").code == 0
    assert len(door.taken) == 12


def test_input_name_that_is_not_utf8_can_be_resumed(
    door: Door, vendor: Serve, run_segcli: Run, tmp_path: Path
) -> None:
    name = os.fsdecode(b"events-\xff.jsonl")
    written(tmp_path / name, [*tracks(12), b"no JSON"])
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}
    command = ["send", "-d", "webhook", "--endpoint", vendor(door).url, "--concurrency", "1", name]
    door.left = 5
    assert run_segcli(*command, env=env).returncode == 3
    door.open()
    assert run_segcli(*command, "--resume", env=env).returncode == 1
    assert door.taken == [f"m{number}" for number in range(12)]
    (kept,) = records(tmp_path / "webhook.rejects.ndjson")
    assert kept["file"] == "events-\\xff.jsonl"
