"""Shared by the tests of hostile text: the corpus, and runs on and off a terminal; no tests."""

import os
import pty
import re
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from support.fakes import PATIENCE
from support.fork_server import ForkServer, Streams

from segcli.cli import main

# Each line of attack once; `666` in an escape sequence is nothing that rich writes.
CORPUS = (
    "\x1b[666m",
    "\x1b[2J\x1b[666;1H",
    "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "a\rb",
    "a\b\b\bb",
    "\t\v\f",
    "\n::error::forged",
    "\n  ::add-mask::forged",
    "\n\u00a0::set-output name=a::forged",
    "\r::stop-commands::forged",
    "\n##[error]forged",
    "##vso[task.setvariable variable=a]forged",
    "\n##teamcity[buildStop]",
    "[/evil]",
    "[bold]b[link=https://evil.example]l",
    ":warning: &lt;b&gt; <b>|`|\\|",
    "\u202etxt.exe\u2066\u200f",
    "\x9b666m\x85\x9d52;c;ZXZpbA==\x9c",
    "a\u2028::error::forged\u2029::error::forged",
    "\x7f\ufeff\u200b\ufffe",
)
HOSTILE = "".join(CORPUS)
START = "::error::forged"
LONG = "y[/z]\x1b[666m" * 20_000
# As part of a file's name: no slash, no NUL, at most 255 bytes, and bytes that are no UTF-8.
NAME = os.fsdecode(
    b"\xff\x9b666m" + START.encode() + "\n::error::forged\x1b[666m\r[bold]\u202e##[error]".encode()
)
# A folder and a file, whose path has a closing tag in it.
CLOSING = "x[/y].ndjson"

_UNSEEN = re.compile(
    "[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200b\u200f\u202a-\u202e\u2066-\u2069]"
)
_COMMAND = re.compile(r"(?m)^[^\S\n]*::")
_MARK = re.compile(r"##\w*\[")
# A move of the cursor or a colour, as rich writes it; it goes back to the start of a line first.
_STYLE = re.compile(r"\r?\x1b\[(?!666)(?!2J)[0-9;?]*[A-Za-z]|\r(?=\n)")


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """The outputs of a command, and its exit code."""

    code: int
    out: bytes
    err: bytes


def in_this_process(
    words: list[str], folder: Path, env: dict[str, str], *, is_terminal: bool
) -> CommandOutput:
    """Run a command here, as a process with these outputs would: no interpreter has to start."""
    ours, theirs = _terminal(100) if is_terminal else os.pipe()
    err, their_err = (ours, theirs) if is_terminal else os.pipe()
    seen: dict[int, list[bytes]] = {ours: [], err: []}
    readers = [threading.Thread(target=_read_all, args=(one, seen[one])) for one in seen]
    for reader in readers:
        reader.start()
    try:
        environment = env | ({"TERM": "xterm-256color"} if is_terminal else {})
        with patch.dict(os.environ, environment, clear=True), chdir(folder):
            code = _run_with(theirs, their_err, words)
    finally:
        for one in {theirs, their_err}:
            os.close(one)
        for reader in readers:
            reader.join()
        for one in seen:
            os.close(one)
    return CommandOutput(code, b"" if is_terminal else b"".join(seen[ours]), b"".join(seen[err]))


def _run_with(out: int, err: int, words: list[str]) -> int:
    with descriptors(out, err), patch("sys.argv", ["segcli", *words]):
        try:
            main(words)
        except SystemExit as ended:
            sys.stdout.flush()
            return int(ended.code or 0)


@contextmanager
def descriptors(out: int, err: int) -> Iterator[None]:
    """Let stdin be empty, and what is written go to these descriptors, as Python opens them."""
    kept = [os.dup(number) for number in range(3)]
    with open(os.devnull) as nothing, ExitStack() as stack:
        for number, other in enumerate((nothing.fileno(), out, err)):
            os.dup2(other, number)
            stack.callback(os.close, kept[number])
            stack.callback(os.dup2, kept[number], number)
        streams = {
            "stdin": open(0, closefd=False),  # noqa: SIM115  # their descriptors go back as well
            "stdout": open(1, "w", closefd=False),  # noqa: SIM115
            "stderr": open(2, "w", errors="backslashreplace", closefd=False),  # noqa: SIM115
        }
        for name, stream in streams.items():
            stack.enter_context(patch.object(sys, name, stream))
            stack.enter_context(patch.object(sys, f"__{name}__", stream))
        yield


def off_a_terminal(words: list[str], folder: Path, env: dict[str, str]) -> CommandOutput:
    """Run a command whose outputs are pipes."""
    done = subprocess.run(
        _command(words),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=folder,
        env=env,
        timeout=120,
        check=False,
    )
    return CommandOutput(done.returncode, done.stdout, done.stderr)


def on_a_terminal(
    words: list[str], folder: Path, env: dict[str, str], *, columns: int = 100
) -> CommandOutput:
    """Run a command on a terminal that changes nothing; both outputs are in `err`."""
    with _printed_on_a_terminal(columns) as (theirs, seen):
        process = subprocess.run(
            _command(words),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=env | {"TERM": "xterm-256color"},
            timeout=120,
            check=False,
        )
    return CommandOutput(process.returncode, b"", b"".join(seen))


def forked_off_a_terminal(
    words: list[str], folder: Path, env: dict[str, str], *, forking: ForkServer
) -> CommandOutput:
    """Do what `off_a_terminal` does with a forked process."""
    done = forking.run(words, cwd=folder, env=env, streams=Streams())
    return CommandOutput(done.returncode, done.stdout, done.stderr)


def forked_on_a_terminal(
    words: list[str], folder: Path, env: dict[str, str], *, forking: ForkServer
) -> CommandOutput:
    """Do what `on_a_terminal` does with a forked process."""
    terminal = env | {"TERM": "xterm-256color"}
    with _printed_on_a_terminal(100) as (theirs, seen):
        streams = Streams(stdout=theirs, stderr=theirs)
        done = forking.run(words, cwd=folder, env=terminal, streams=streams)
    return CommandOutput(done.returncode, b"", b"".join(seen))


@contextmanager
def _printed_on_a_terminal(columns: int) -> Iterator[tuple[int, list[bytes]]]:
    """Yield a terminal for a process, and what is printed on it by the end of the block."""
    ours, theirs = _terminal(columns)
    seen: list[bytes] = []
    reader = threading.Thread(target=_read_all, args=(ours, seen))
    reader.start()
    try:
        yield theirs, seen
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)


def _terminal(columns: int) -> tuple[int, int]:
    ours, theirs = pty.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    termios.tcsetwinsize(theirs, (30, columns))
    return ours, theirs


def _read_all(descriptor: int, seen: list[bytes]) -> None:
    try:
        while data := os.read(descriptor, 65536):
            seen.append(data)
    except OSError:  # the other end is closed
        return


def _command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "segcli", *words]


def check_harmless(printed: bytes, *, commands: int = 0, data: bool = False) -> None:
    """Fail where text that somebody prints could be more than text.

    `commands` is how many lines the format `github` writes itself. What is `data` on a terminal
    has no control characters, and all else as it is.
    """
    text = _STYLE.sub("", printed.decode())
    unseen = _UNSEEN.search(text)
    assert unseen is None, text[max(0, unseen.start() - 200) : unseen.end() + 50]
    if data:
        return
    found = _COMMAND.findall(text)
    assert len(found) == commands, text
    assert _MARK.search(text) is None, text


def wait_for_line(process: "subprocess.Popen[bytes]", wanted: Callable[[bytes], bool]) -> bytes:
    """Return what a process has printed up to a line that is wanted."""
    assert process.stdout
    printed, until = b"", time.monotonic() + PATIENCE
    for line in process.stdout:
        printed += line
        if wanted(line):
            return printed
        assert time.monotonic() < until
    raise AssertionError(printed)
