"""A run over stdin can be resumed only with --journal, and its sent part is verified."""

import subprocess
import threading
from array import array
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD
from typing import IO

import pytest
from support.fakes import (
    PATIENCE,
    Answer,
    ReceivedRequest,
    report_in,
    tracks,
    wait_until,
    write_events,
)
from support.fork_server import ForkedProcess
from support.resuming import JOURNAL, LimitedVendor, Serve, settled_lines, to_webhook

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
Spawn = Callable[..., ForkedProcess]

COUNT = 150
ALL = [f"m{number}" for number in range(COUNT)]


@pytest.fixture
def limited_vendor() -> LimitedVendor:
    return LimitedVendor(left=5)


@pytest.fixture
def text(tmp_path: Path) -> bytes:
    """Return more than one block of events."""
    events = [{**event, "note": "x" * 500} for event in tracks(COUNT)]
    content = write_events(tmp_path / "events.jsonl", events).read_bytes()
    assert len(content) > 64 * 1024
    return content


@pytest.fixture
def command(limited_vendor: LimitedVendor, vendor: Serve, text: bytes, spawn: Spawn) -> list[str]:
    """Stop a run of a pipe after five events, once it has read all; return its command line."""
    is_read = threading.Event()

    def answer(got: ReceivedRequest) -> Answer:
        if limited_vendor.left == 0:
            assert is_read.wait(PATIENCE)
        return limited_vendor(got)

    words = to_webhook(vendor(answer).url)
    process = spawn(*words, stdin=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(text.decode())
    process.stdin.flush()
    wait_until(lambda: unread_bytes(process.stdin) == 0)
    is_read.set()
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3
    assert "and pipe in the same input" in err
    limited_vendor.accept_all()
    return words


def unread_bytes(pipe: IO[str] | None) -> int:
    """Return how many bytes of a pipe its reader has not taken yet."""
    assert pipe
    found = array("i", [0])
    ioctl(pipe, FIONREAD, found)
    return found[0]


def test_resume_accepts_the_same_bytes_in_other_block_sizes(
    command: list[str], limited_vendor: LimitedVendor, text: bytes, spawn: Spawn
) -> None:
    process = spawn(*command, "--resume", stdin=subprocess.PIPE)
    assert process.stdin
    for at in range(0, len(text), 1000):
        process.stdin.write(text[at : at + 1000].decode())
        process.stdin.flush()
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert limited_vendor.taken == ALL


def test_stopped_pipe_without_a_journal_says_it_cannot_be_resumed(
    limited_vendor: LimitedVendor, vendor: Serve, text: bytes, run_segcli: Run
) -> None:
    url = vendor(limited_vendor).url
    said = run_segcli("send", "-d", "webhook", "--endpoint", url, "--concurrency", "1", stdin=text)

    assert said.returncode == 3
    assert b"This run has no journal" in said.stderr
    assert b"With --journal PATH the next one can." in said.stderr


def test_resume_accepts_a_file_on_stdin_instead_of_a_pipe(
    command: list[str], limited_vendor: LimitedVendor, text: bytes, spawn: Spawn, tmp_path: Path
) -> None:
    assert text
    with (tmp_path / "events.jsonl").open() as file:
        process = spawn(*command, "--resume", stdin=file)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert limited_vendor.taken == ALL


@pytest.mark.parametrize("place", [0, 3, -2], ids=["first", "early", "last"])
def test_changed_bytes_on_stdin_are_an_error_before_sending(
    place: int,
    command: list[str],
    limited_vendor: LimitedVendor,
    text: bytes,
    run_segcli: Run,
    tmp_path: Path,
) -> None:
    lines = text.splitlines(keepends=True)
    lines[place] = lines[place].replace(b"xxx", b"xyx", 1)
    said = run_segcli(*command, "--resume", stdin=b"".join(lines))

    assert said.returncode == 2
    assert b"stdin has changed" in said.stderr
    assert b"--restart" in said.stderr
    assert len(limited_vendor.taken) == 5
    assert [line for _, _, line in settled_lines(tmp_path / JOURNAL)] == [1, 2, 3, 4, 5]


def test_fewer_bytes_on_stdin_are_an_error_before_sending(
    command: list[str], limited_vendor: LimitedVendor, text: bytes, run_segcli: Run
) -> None:
    said = run_segcli(*command, "--resume", stdin=text[:-1000])
    assert said.returncode == 2
    assert b"stdin is shorter than it was" in said.stderr
    assert len(limited_vendor.taken) == 5


def test_additional_bytes_on_stdin_are_sent(
    command: list[str], limited_vendor: LimitedVendor, text: bytes, run_segcli: Run, tmp_path: Path
) -> None:
    more = text.replace(b': "m', b': "n')
    said = run_segcli(*command, "--resume", stdin=text + more)
    assert said.returncode == 0
    assert limited_vendor.taken == ALL + [name.replace("m", "n") for name in ALL]
    assert report_in(tmp_path)["ledger_over_all_runs"]["delivered"] == 2 * COUNT


def test_stdin_has_a_journal_only_if_one_is_named(
    limited_vendor: LimitedVendor, vendor: Serve, text: bytes, run_segcli: Run, tmp_path: Path
) -> None:
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}
    command = [
        "send",
        "-d",
        "webhook",
        "--endpoint",
        vendor(limited_vendor).url,
        "--concurrency",
        "1",
    ]
    stopped = run_segcli(*command, stdin=text, env=env)
    assert stopped.returncode == 3
    assert b"--resume" not in stopped.stderr
    assert not (tmp_path / "state").exists()
    said = run_segcli(*command, "--resume", stdin=text, env=env)
    assert said.returncode == 2
    assert b"stdin has a journal only if you name one" in said.stderr
    assert len(limited_vendor.taken) == 5
