"""Only the same inputs can be resumed: other inputs are an error that names the file."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import Answer, ReceivedRequest, records, tracks, wait_until, write_events
from support.resuming import JOURNAL, LimitedVendor, Segcli, Serve, settled_lines, to_webhook

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
Change = Callable[[bytes], bytes]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return write_events(tmp_path / "events.jsonl", tracks(12))


@pytest.fixture
def command(
    limited_vendor: LimitedVendor, vendor: Serve, events: Path, segcli: Segcli
) -> list[str]:
    """Stop a run of one file after five events; return its command line."""
    limited_vendor.left = 5
    words = to_webhook(vendor(limited_vendor).url, events)
    assert segcli(*words).code == 3
    limited_vendor.accept_all()
    return words


def one_byte(text: bytes) -> bytes:
    return text.replace(b'"m3"', b'"m4"', 1)


def last_line_first(text: bytes) -> bytes:
    *lines, last = text.splitlines(keepends=True)
    return b"".join([last, *lines])


def with_another_line_first(text: bytes) -> bytes:
    return b"\n" + text


@pytest.mark.parametrize("change", [one_byte, last_line_first, with_another_line_first])
def test_changed_file_is_an_error_that_names_it(
    change: Change,
    command: list[str],
    limited_vendor: LimitedVendor,
    segcli: Segcli,
    events: Path,
    tmp_path: Path,
) -> None:
    events.write_bytes(change(events.read_bytes()))
    journal = (tmp_path / JOURNAL).read_bytes()
    said = segcli(*command, "--resume")

    assert said.code == 2
    assert f"{events} has changed: its first 1,3" in said.err
    assert "To send everything again from the beginning, add --restart" in said.err
    assert len(limited_vendor.taken) == 5
    assert (tmp_path / JOURNAL).read_bytes() == journal


@pytest.mark.parametrize("left", [0, 3])
def test_shortened_file_is_an_error_that_names_it(
    left: int, command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, events: Path
) -> None:
    events.write_bytes(b"".join(events.read_bytes().splitlines(keepends=True)[:left]))
    said = segcli(*command, "--resume")
    assert said.code == 2
    assert f"{events} is shorter than it was: " in said.err
    assert len(limited_vendor.taken) == 5


def test_missing_file_is_an_error_and_the_journal_is_kept(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, events: Path
) -> None:
    events.rename(events.with_name("elsewhere"))
    assert "does not exist" in segcli(*command, "--resume").err
    events.with_name("elsewhere").rename(events)
    assert segcli(*command, "--resume").code == 0
    assert len(limited_vendor.taken) == 12


def test_lines_appended_to_the_input_are_sent(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, events: Path
) -> None:
    write_events(events, tracks(15))
    assert segcli(*command, "--resume").code == 0
    assert limited_vendor.taken == [f"m{number}" for number in range(15)]


def test_change_of_a_last_line_already_read_is_an_error(
    limited_vendor: LimitedVendor, vendor: Serve, segcli: Segcli, events: Path
) -> None:
    events.write_bytes(events.read_bytes().rstrip(b"\n"))
    command = to_webhook(vendor(limited_vendor).url, events)
    limited_vendor.left = 5
    segcli(*command)
    limited_vendor.accept_all()
    whole = events.read_bytes()
    events.write_bytes(whole + b" ")
    assert f"{events} has changed" in segcli(*command, "--resume").err
    events.write_bytes(whole + b"\n")
    assert segcli(*command, "--resume").code == 0
    assert len(limited_vendor.taken) == 12


def test_short_resumed_run_keeps_the_fingerprint_of_all_read_bytes(
    limited_vendor: LimitedVendor, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    pages = [{"type": "page", "userId": "u", "name": "x" * 1000} for _ in range(1000)]
    events = write_events(tmp_path / "events.jsonl", [*tracks(12), *pages, b""])

    def answer(got: ReceivedRequest) -> Answer:
        if limited_vendor.left == 0:
            # The lines that are skipped are in the journal once they are read.
            wait_until(lambda: len(settled_lines(tmp_path / JOURNAL)) >= 11 + len(pages))
        return limited_vendor(got)

    command = to_webhook(vendor(answer).url, "--type", "track", events)
    limited_vendor.left = 11
    segcli(*command)
    for _ in range(3):
        limited_vendor.left = 0
        assert segcli(*command, "--resume").code == 3
    limited_vendor.accept_all()
    write_events(events, [*tracks(12), *pages[:-1], {**pages[-1], "name": "y" * 1000}, b""])
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
    now: str,
    message: str,
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
) -> None:
    for name in "abc":
        write_events(tmp_path / f"{name}.jsonl", tracks(4))
    command = to_webhook(vendor(limited_vendor).url)
    limited_vendor.left = 5
    segcli(*command, "a.jsonl", "b.jsonl")
    limited_vendor.accept_all()
    said = segcli(*command, *now.split(), "--resume")
    assert said.code == 2
    assert f"the run to resume {message.format(tmp_path)}\nName the same" in said.err
    assert len(limited_vendor.taken) == 5


def test_error_names_the_changed_one_of_several_inputs(
    limited_vendor: LimitedVendor, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    for name in "ab":
        write_events(tmp_path / f"{name}.jsonl", tracks(4))
    command = to_webhook(vendor(limited_vendor).url, "a.jsonl", "b.jsonl")
    limited_vendor.left = 5
    segcli(*command)
    limited_vendor.accept_all()
    write_events(tmp_path / "b.jsonl", tracks(2))
    assert "Error: b.jsonl is shorter than it was" in segcli(*command, "--resume").err
    write_events(tmp_path / "b.jsonl", tracks(5))
    assert segcli(*command, "--resume").code == 0
    assert limited_vendor.taken == ["m0", "m1", "m2", "m3", "m0", "m1", "m2", "m3", "m4"]


def test_input_may_be_named_relative_to_another_folder(
    command: list[str],
    limited_vendor: LimitedVendor,
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
    assert len(limited_vendor.taken) == 12


def test_input_name_that_is_not_utf8_can_be_resumed(
    limited_vendor: LimitedVendor, vendor: Serve, run_segcli: Run, tmp_path: Path
) -> None:
    name = os.fsdecode(b"events-\xff.jsonl")
    write_events(tmp_path / name, [*tracks(12), b"no JSON"])
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}
    command = [
        "send",
        "-d",
        "webhook",
        "--endpoint",
        vendor(limited_vendor).url,
        "--concurrency",
        "1",
        name,
    ]
    limited_vendor.left = 5
    assert run_segcli(*command, env=env).returncode == 3
    limited_vendor.accept_all()
    assert run_segcli(*command, "--resume", env=env).returncode == 1
    assert limited_vendor.taken == [f"m{number}" for number in range(12)]
    (kept,) = records(tmp_path / "webhook.rejects.ndjson")
    assert kept["file"] == "events-\\xff.jsonl"
