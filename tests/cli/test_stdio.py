"""stdout and stderr may be closed, full, or without a reader; the exit code does not change."""

import fcntl
import json
import os
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

import pytest
from support.fakes import Said, tracks, wait_until, written
from support.samples import line_of

Redirected = Callable[..., Said]


@pytest.fixture(params=["", "1"], ids=["gathered", "unbuffered"])
def redirected(
    tmp_path: Path, clean_environment: dict[str, str], request: pytest.FixtureRequest
) -> Redirected:
    """Run a command as a process with an output redirected, which `how` says in shell.

    Images for containers often tell Python not to gather what it writes.
    """

    def run(how: str, *words: object) -> Said:
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
        return Said(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return written(tmp_path / "events.jsonl", tracks(5))


@pytest.mark.parametrize("how", ["2>&-", "2>/dev/full", "2> >(true)"])
def test_run_completes_if_stderr_cannot_be_written(
    how: str, redirected: Redirected, events: Path, tmp_path: Path
) -> None:
    kept = ("--report", "report.json", events)

    assert redirected(how, "send", "-d", "gist", "--sandbox", *kept) == Said(0, "", "")
    assert json.loads((tmp_path / "report.json").read_bytes())["ledger"]["delivered"] == 5
    printed = redirected(how, "transform", "-d", "webhook", events)
    assert (printed.code, len(printed.out.splitlines())) == (0, 5)


@pytest.mark.parametrize("how", ["2>&-", "2>/dev/full", "2> >(true)"])
def test_exit_code_is_unchanged_if_stderr_cannot_be_written(
    how: str, redirected: Redirected, tmp_path: Path
) -> None:
    (tmp_path / "bad.jsonl").write_bytes(line_of() + b"\nno event\n")

    assert redirected(how, "send", "-d", "gist", "no.jsonl") == Said(2, "", "")
    assert redirected(how, "transform", "--quiet", "-d", "webhook", "bad.jsonl").code == 1
    assert redirected(how, "nonsense").code == 2


PRINTS = [
    *("transform -d webhook", "transform --outcomes -q --jobs 2"),
    *("check", "check --format json"),
    *("destinations", "destinations gist", "destinations --schema", "guide", "guide ci"),
    *("--help", "--version", "send --help", "transform --help"),
    "engage audience People members.csv --dest gist --dry-run --state people.state",
]
# Runs each command in a fork, which ends as a process does: one start of Python is for all of them.
FORKS = """
import json, os, sys
from segcli.__main__ import run
from segcli.cli.commands import check, destinations, engage, guide, send, transform

for number, words in enumerate(json.loads(sys.argv[1])):
    child = os.fork()
    if not child:
        # Where stdout is closed this takes its place, and leaves it again.
        err = os.open(f"{number}.err", os.O_WRONLY | os.O_CREAT)
        os.dup2(err, 2)
        os.close(err)
        sys.argv = ["segcli", *words]
        run()
    with open(f"{number}.code", "w") as file:
        file.write(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
"""
Ended = dict[str, Said]


@pytest.fixture(scope="module")
def all_with(
    tmp_path_factory: pytest.TempPathFactory, clean_environment: dict[str, str]
) -> Callable[[str, str], Ended]:
    """Run all of PRINTS with stdout redirected, unless that was done before."""

    @cache
    def run(how: str, unbuffered: str) -> Ended:
        folder = tmp_path_factory.mktemp("redirected")
        events = written(folder / "events.jsonl", tracks(5))
        (folder / "members.csv").write_bytes(b"userId,email\nu1,a@example.com\n")
        all_words = [[*words.split(), *map(str, files_for(words, events))] for words in PRINTS]
        subprocess.run(
            [
                "bash",
                "-c",
                f'"$@" {how}',
                "bash",
                sys.executable,
                "-c",
                FORKS,
                json.dumps(all_words),
            ],
            cwd=folder,
            env=clean_environment | {"PYTHONUNBUFFERED": unbuffered},
            timeout=120,
            check=True,
        )
        return {
            words: Said(
                int((folder / f"{number}.code").read_text()),
                "",
                (folder / f"{number}.err").read_text(),
            )
            for number, words in enumerate(PRINTS)
        }

    return run


@pytest.mark.parametrize("words", PRINTS)
@pytest.mark.parametrize(
    ("how", "problem"),
    [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")],
)
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["gathered", "unbuffered"])
def test_stdout_that_cannot_be_written_is_an_error_with_exit_3(
    unbuffered: str, how: str, problem: str, words: str, all_with: Callable[[str, str], Ended]
) -> None:
    said = all_with(how, unbuffered)[words]

    assert said.code == 3
    assert f"Error: the output cannot be written: {problem}\n" in said.err
    assert "Traceback" not in said.err


def test_separate_process_exits_3_on_a_full_stdout(redirected: Redirected, events: Path) -> None:
    for words in (["transform", "-d", "webhook", events], ["destinations"]):
        said = redirected(">/dev/full", *words)

        assert said.code == 3
        assert "Error: the output cannot be written: No space left on device\n" in said.err


@pytest.mark.parametrize("how", [">&-", ">/dev/full"])
def test_run_without_output_needs_no_stdout(how: str, redirected: Redirected, events: Path) -> None:
    said = redirected(how, "send", "-d", "gist", "--sandbox", events)

    assert said.code == 0
    assert "delivered" in said.err


@pytest.mark.parametrize(
    "words",
    [
        *("transform -d webhook", "check --format json", "destinations", "destinations --schema"),
        *("guide", "guide ci", "--help", "--version", "send --help"),
    ],
)
def test_stdout_without_a_reader_exits_141_without_an_error(
    words: str, clean_environment: dict[str, str], events: Path
) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "segcli", *words.split(), *files_for(words, events)],
        stdout=write,
        stderr=subprocess.PIPE,
        env=clean_environment,
        timeout=60,
        check=False,
    )
    os.close(write)

    assert done.returncode == 141
    assert b"Error" not in done.stderr
    assert b"Traceback" not in done.stderr


def test_non_blocking_stdout_gets_all_output(
    clean_environment: dict[str, str], tmp_path: Path
) -> None:
    many = written(tmp_path / "many.jsonl", tracks(3_000))
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


def files_for(words: str, events: Path) -> list[Path]:
    """Return the input of a command, if it reads any."""
    reads = words.startswith(("transform", "check")) and "--help" not in words
    return [events] if reads else []


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
