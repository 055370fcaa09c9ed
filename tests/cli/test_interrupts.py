"""Ctrl-C ends a command at any moment: without a traceback, and no interrupt is lost."""

import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.fakes import PATIENCE, tracks, write_events

AT_AN_IMPORT = """
import signal, sys

class Trap:
    def find_spec(self, name, *_):
        if name == {name!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Trap())
from segcli.__main__ import run
run()
"""
LOST = """
import signal, threading
from segcli.cli import cli, main

class Trap:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def command(*_, **__):
    Trap()
    threading.Event().wait()

cli.main = command
main([])
"""
# A signal that comes during a write is handled once the system has written.
DURING_A_WRITE = """
import os, sys
from segcli.cli import main, stdio
real, calls = os.write, []
def write(descriptor, data):
    size = real(descriptor, data)
    if descriptor == 1 and not calls:
        calls.append(size)
        raise KeyboardInterrupt
    return size
stdio.os.write = write
main(sys.argv[1:])
"""


def python(
    code: str, *words: str, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("name", ["segcli.cli", "click", "segcli.cli.interrupts"])
def test_interrupt_while_the_cli_is_imported_gives_no_traceback(
    name: str, clean_environment: dict[str, str]
) -> None:
    said = python(AT_AN_IMPORT.format(name=name), "guide", environment=clean_environment)

    assert (said.returncode, said.stdout, said.stderr) == (-signal.SIGINT, "", "")


def test_interrupt_while_a_command_is_imported_exits_130(
    clean_environment: dict[str, str],
) -> None:
    code = AT_AN_IMPORT.format(name="segcli.cli.commands.guide")
    said = python(code, "guide", environment=clean_environment)

    assert (said.returncode, said.stdout, said.stderr.strip()) == (130, "", "Interrupted.")


def test_interrupt_swallowed_by_a_destructor_still_ends_the_command(
    clean_environment: dict[str, str],
) -> None:
    said = python(LOST, environment=clean_environment)

    assert (said.returncode, said.stderr) == (130, "Interrupted.\n")


def test_interrupt_during_a_write_prints_nothing_twice(
    clean_environment: dict[str, str], tmp_path: Path
) -> None:
    text = write_events(tmp_path / "few.jsonl", tracks(3)).read_bytes()
    words = ("transform", "-d", "webhook", str(tmp_path / "few.jsonl"))
    said = python(DURING_A_WRITE, *words, environment=clean_environment)

    assert (said.returncode, said.stderr.strip()) == (130, "Interrupted.")
    assert said.stdout.count("messageId") == text.count(b"messageId")


def test_ignored_sigint_stays_ignored(clean_environment: dict[str, str]) -> None:
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    code = ignoring + AT_AN_IMPORT.format(name="click")
    said = python(code, "--version", environment=clean_environment)

    assert (said.returncode, said.stderr) == (0, "")


def test_installed_script_runs_the_same_function_as_python_m(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]

    assert project["scripts"] == {"segcli": "segcli.__main__:run"}
