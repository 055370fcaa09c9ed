"""A run stopped by any signal, or by the loss of its terminal, can be resumed."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import (
    PATIENCE,
    CommandResult,
    report_in,
    send_signal,
    tracks,
    wait_until,
    write_events,
)
from support.fork_server import ForkedProcess
from support.resuming import (
    JOURNAL,
    LimitedVendor,
    Segcli,
    Serve,
    printed_command,
    settled_lines,
    to_webhook,
)

Paste = Callable[..., CommandResult]
Spawn = Callable[..., ForkedProcess]

ALL = sorted(f"m{number}" for number in range(100))


@pytest.fixture
def limited_vendor() -> LimitedVendor:
    """Return a vendor that accepts twenty events and is down afterwards."""
    return LimitedVendor(left=20, status=503)


@pytest.fixture
def command(limited_vendor: LimitedVendor, vendor: Serve, tmp_path: Path) -> list[str]:
    words = to_webhook(vendor(limited_vendor).url, "events.jsonl")
    write_events(tmp_path / "events.jsonl", tracks(100, users=40))
    return [*words, "--concurrency", "4"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_run_stopped_by_a_signal_resumes_with_the_printed_command(
    number: signal.Signals,
    command: list[str],
    limited_vendor: LimitedVendor,
    spawn: Spawn,
    paste: Paste,
    tmp_path: Path,
) -> None:
    process = spawn(*command)
    wait_until(lambda: limited_vendor.left == 0)
    send_signal(process, number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert len(settled_lines(tmp_path / JOURNAL)) == 20

    limited_vendor.accept_all()
    assert paste(printed_command(err)).code == 0
    assert sorted(limited_vendor.taken) == ALL
    assert report_in(tmp_path)["ledger_over_all_runs"]["delivered"] == 100


def test_killed_run_resumes(
    command: list[str], limited_vendor: LimitedVendor, spawn: Spawn, segcli: Segcli
) -> None:
    process = spawn(*command)
    wait_until(lambda: limited_vendor.left == 0)
    process.kill()
    process.wait()
    limited_vendor.accept_all()
    assert segcli(*command, "--resume").code == 0
    assert sorted(set(limited_vendor.taken)) == ALL
    assert len(limited_vendor.taken) <= 100 + 4


@pytest.mark.parametrize("how", [[], ["--resume"], ["--restart"]], ids=str)
def test_second_run_on_a_journal_is_refused_and_the_first_continues(
    how: list[str], command: list[str], limited_vendor: LimitedVendor, spawn: Spawn, segcli: Segcli
) -> None:
    process = spawn(*command)
    wait_until(lambda: limited_vendor.left == 0)
    said = segcli(*command, *how)
    assert said.code == 2
    assert "another segcli is running with" in said.err
    assert JOURNAL in said.err
    limited_vendor.accept_all()
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert sorted(limited_vendor.taken) == ALL


# Runs the command of argv in a new session, with the terminal that argv names first.
ON_A_TERMINAL = """
import fcntl, os, sys, termios
terminal = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
os.dup2(terminal, 0)
if sys.argv[2] == "talks to it":
    os.dup2(terminal, 1)
    os.dup2(terminal, 2)
os.execv(sys.executable, [sys.executable, *sys.argv[3:]])
"""


@pytest.mark.parametrize(
    "where",
    [
        "talks to it",
        "talks to a file",
    ],
)
def test_closed_terminal_ends_the_run_cleanly(
    where: str,
    command: list[str],
    limited_vendor: LimitedVendor,
    segcli: Segcli,
    clean_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    screen, terminal = pty.openpty()
    log = tmp_path / "errors"
    words = [sys.executable, "-c", ON_A_TERMINAL, os.ttyname(terminal), where]
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [*words, "-m", "segcli", *command],
            cwd=tmp_path,
            env=clean_environment,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        ) as process,
    ):
        os.close(terminal)
        wait_until(lambda: limited_vendor.left == 0)
        os.close(screen)
        assert process.wait(PATIENCE) == 129

    assert "Traceback" not in log.read_text()
    assert (where == "talks to it") == (log.read_text() == "")
    assert report_in(tmp_path)["exit_code"] == 129
    limited_vendor.accept_all()
    assert segcli(*command, "--resume").code == 0
    assert sorted(limited_vendor.taken) == ALL
