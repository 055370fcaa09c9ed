"""stdout and stderr may be closed, full, or without a reader; the exit code does not change."""

import fcntl
import json
import os
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from support.fakes import CommandResult, tracks, wait_until, write_events
from support.fork_server import CLOSED, ForkServer, Streams
from support.samples import line_of
from support.tables import for_each

Redirected = Callable[..., CommandResult]


@pytest.fixture(params=["", "1"], ids=["gathered", "unbuffered"])
def redirected(
    tmp_path: Path, clean_environment: dict[str, str], request: pytest.FixtureRequest
) -> Redirected:
    """Run a command as a process with an output redirected, which `how` says in shell.

    Images for containers often tell Python not to gather what it writes.
    """

    def run(how: str, *words: object) -> CommandResult:
        done = subprocess.run(
            ["bash", "-c", f'"$@" {how}', "bash", sys.executable, "-m", "segcli"]
            + [str(word) for word in words],
            cwd=tmp_path,
            env=clean_environment | {"PYTHONUNBUFFERED": request.param},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return CommandResult(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return write_events(tmp_path / "events.jsonl", tracks(5))


PRINTS = [
    *("transform -d webhook", "transform --outcomes -q --jobs 2"),
    *("check", "check --format json"),
    *("destinations", "destinations gist", "destinations --schema", "guide", "guide ci"),
    *("--help", "--version", "send --help", "transform --help"),
    "engage audience People members.csv --dest gist --dry-run --state people.state",
]
PRINTS_NOTHING = "send -d gist --sandbox events.jsonl"
Ended = Callable[[str, str, str], tuple[int, str]]


@pytest.fixture
def ended(tmp_path: Path, clean_environment: dict[str, str], forking: ForkServer) -> Ended:
    """Run a command as a forked process with an output redirected, which `how` says in shell.

    Returns its exit code and what it printed on the other output.
    """

    def run(how: str, unbuffered: str, words: str) -> tuple[int, str]:
        write_events(tmp_path / "events.jsonl", tracks(5))
        (tmp_path / "bad.jsonl").write_bytes(line_of() + b"\nno event\n")
        (tmp_path / "members.csv").write_bytes(b"userId,email\nu1,a@example.com\n")
        with unwritable(how) as stream:
            streams = Streams(stderr=stream) if how[0] == "2" else Streams(stdout=stream)
            env = clean_environment | {"PYTHONUNBUFFERED": unbuffered}
            done = forking.run(words_of(words), cwd=tmp_path, env=env, streams=streams)
        return done.returncode, (done.stdout + done.stderr).decode()

    return run


@contextmanager
def unwritable(how: str) -> Iterator[int]:
    """Open what shell calls like this: nothing, a full disk, or a pipe whose reader is gone."""
    if how.endswith("-"):
        yield CLOSED
        return
    if how.endswith("/dev/full"):
        stream = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, stream = os.pipe()
        os.close(reader)
    yield stream
    os.close(stream)


SENT = "send -d gist --sandbox --report /dev/fd/1 events.jsonl"
WITHOUT_STDERR = {
    SENT: 0,
    "transform -d webhook": 0,
    "send -d gist no.jsonl": 2,
    "transform --quiet -d webhook bad.jsonl": 1,
    "nonsense": 2,
}


@pytest.mark.parametrize("how", ["2>&-", "2>/dev/full", "2> >(true)"])
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["gathered", "unbuffered"])
def test_run_completes_with_its_exit_code_if_stderr_cannot_be_written(
    unbuffered: str, how: str, ended: Ended
) -> None:
    found = {words: ended(how, unbuffered, words) for words in WITHOUT_STDERR}

    assert {words: code for words, (code, _) in found.items()} == WITHOUT_STDERR
    printed = {words: out for words, (_, out) in found.items()}
    assert json.loads(printed[SENT])["ledger"]["delivered"] == 5
    assert len(printed["transform -d webhook"].splitlines()) == 5
    assert printed["send -d gist no.jsonl"] == printed["nonsense"] == ""


@pytest.mark.parametrize("words", PRINTS)
@pytest.mark.parametrize(
    ("how", "problem"),
    [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")],
)
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["gathered", "unbuffered"])
def test_stdout_that_cannot_be_written_is_an_error_with_exit_3(
    unbuffered: str, how: str, problem: str, words: str, ended: Ended
) -> None:
    code, err = ended(how, unbuffered, words)

    assert code == 3
    assert f"Error: the output cannot be written: {problem}\n" in err
    assert "redirect stdout to another file, and type the command again" in err
    assert "--resume" not in err
    assert "Traceback" not in err


def test_separate_process_exits_3_on_a_full_stdout(redirected: Redirected, events: Path) -> None:
    for words in (["transform", "-d", "webhook", events], ["guide"]):
        said = redirected(">/dev/full", *words)

        assert said.code == 3
        assert "Error: the output cannot be written: No space left on device\n" in said.err


def test_separate_process_exits_3_on_a_closed_stdout(redirected: Redirected, events: Path) -> None:
    for words in (["transform", "-d", "webhook", events], ["guide"]):
        said = redirected(">&-", *words)

        assert said.code == 3
        assert "Error: the output cannot be written: Bad file descriptor\n" in said.err


def test_separate_process_needs_no_stderr(redirected: Redirected, events: Path) -> None:
    for how in ("2>&-", "2>/dev/full"):
        assert redirected(how, "nonsense").code == 2
        said = redirected(how, "transform", "-d", "webhook", events)
        assert (said.code, len(said.out.splitlines())) == (0, 5)


@pytest.mark.parametrize("how", [">&-", ">/dev/full"])
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["gathered", "unbuffered"])
def test_run_without_output_needs_no_stdout(unbuffered: str, how: str, ended: Ended) -> None:
    code, err = ended(how, unbuffered, PRINTS_NOTHING)

    assert code == 0
    assert "delivered" in err


WITHOUT_READER = (
    *("transform -d webhook", "check --format json", "destinations", "destinations --schema"),
    *("guide", "guide ci", "--help", "--version", "send --help"),
)


@for_each("words", WITHOUT_READER)
def test_stdout_without_a_reader_exits_141_without_an_error(words: str, ended: Ended) -> None:
    code, err = ended("> >(true)", "", words)

    assert code == 141
    assert "Error" not in err
    assert "Traceback" not in err


def test_non_blocking_stdout_gets_all_output(
    clean_environment: dict[str, str], tmp_path: Path
) -> None:
    many = write_events(tmp_path / "many.jsonl", tracks(3_000))
    with started(["transform", "-d", "webhook", "-q", many], clean_environment) as process:
        assert process.stdout
        wait_until(lambda: held_by(process.stdout) > 60 * 1024)
        printed = process.stdout.read()

    assert (process.returncode, len(printed.splitlines())) == (0, 3_000)


def held_by(pipe: IO[bytes] | None) -> int:
    """Return how many bytes a pipe holds: 64 KiB if it is full."""
    assert pipe
    size = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(size, sys.byteorder)


def words_of(words: str) -> list[str]:
    """Return the words of a command, with its input if it reads any and names none."""
    is_named = "--help" in words or words.endswith(".jsonl")
    reads = words.startswith(("transform", "check")) and not is_named
    return [*words.split(), *(["events.jsonl"] if reads else [])]


@contextmanager
def started(words: list[object], env: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a command whose stdout is non-blocking."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    command = [sys.executable, "-m", "segcli", *map(str, words)]
    process = subprocess.Popen(command, stdout=write, stderr=subprocess.PIPE, env=env)
    os.close(write)
    process.stdout = open(read, "rb")  # noqa: SIM115  # closed with the process
    with process:
        yield process
