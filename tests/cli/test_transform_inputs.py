"""A bad input is named before anything is read, with a hint what to type instead."""

import bz2
import gzip
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult
from support.samples import Run, line_of

EVENT = line_of(timestamp="2026-02-03")
TWO = EVENT + b"\n" + EVENT + b"\n"


Refusal = Callable[..., list[str]]


@pytest.fixture
def refusal(segcli: Callable[..., CommandResult]) -> Refusal:
    """Return the message and the hint of a run that does not start with these files."""

    def run(*arguments: str) -> list[str]:
        said = segcli("transform", *arguments)

        assert said.code == 2
        assert said.out == ""
        return said.err.splitlines()

    return run


def test_missing_file_error_lists_the_files_that_exist(refusal: Refusal, tmp_path: Path) -> None:
    assert refusal("events.jsonl") == [
        "Error: events.jsonl does not exist",
        "The working folder has no such file, and none with events.",
    ]
    (tmp_path / "members.csv").touch()
    assert refusal("member.csv")[1] == "There are: members.csv"
    (tmp_path / "event.jsonl").write_bytes(TWO)
    assert refusal("events.jsonl")[1] == "There are: event.jsonl"
    assert refusal("nowhere/events.jsonl")[1] == "The folder nowhere does not exist either."


def test_missing_file_stops_the_run_before_earlier_files_are_read(
    refusal: Refusal, tmp_path: Path
) -> None:
    (tmp_path / "events.jsonl").write_bytes(TWO)

    assert refusal("events.jsonl", "missing.jsonl")


def test_an_empty_folder_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()

    assert refusal("archive/") == [
        "Error: the folder archive/ has no files to read",
        "Hidden files and Segment's dummy-object.txt are read only if you name them.",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_is_named(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(TWO)
    (tmp_path / "events.jsonl").chmod(0)

    assert refusal("events.jsonl") == ["Error: events.jsonl cannot be read: Permission denied"]


FOREIGN = {
    "array": (b"[" + EVENT + b"]", "is a JSON array, not lines of JSON", "jq -c '.[]' {} | "),
    "array, spread out": (b"\xef\xbb\xbf[\n  {}\n]", "is a JSON array", "jq -c '.[]' {} | "),
    "pretty": (b'{\n  "type": "track"\n}\n', "has JSON over several lines", "jq -c . {} | "),
    "pretty, by Windows": (b'{\r\n  "type"', "has JSON over several lines", "jq -c . {} | "),
    "array, packed": (gzip.compress(b"[]"), "is a JSON array", "gzip -dc {} | jq -c '.[]' | "),
    "bzip2": (bz2.compress(EVENT), "is bzip2", "bzip2 -dc {} | "),
    "zip": (b"PK\x03\x04\x14\x00", "is a zip archive", "unzip -p {} | "),
    "UTF-16": (TWO.decode().encode("utf-16"), "is UTF-16 text", "iconv -f UTF-16 -t UTF-8 {} | "),
    "UTF-16, big end first": (b"\xfe\xff\x00{", "is UTF-16 text", "iconv -f UTF-16 "),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_file_that_is_not_ndjson_gets_a_conversion_command(
    refusal: Refusal, tmp_path: Path, kind: str
) -> None:
    content, what, command = FOREIGN[kind]
    (tmp_path / "events.jsonl").write_bytes(content)

    message, hint, *_ = refusal("events.jsonl")

    assert message.startswith(f"Error: events.jsonl {what}")
    assert hint.startswith(f"Type: {command.format('events.jsonl')}")


@pytest.mark.parametrize("kind", ["array", "pretty", "array, packed", "UTF-16"])
def test_stdin_that_is_not_ndjson_is_refused(run_segcli: Run, kind: str) -> None:
    content, what, _ = FOREIGN[kind]

    done = run_segcli("transform", stdin=content)

    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"Error: stdin {what}")


@pytest.mark.parametrize("second", ["events.jsonl", "./events.jsonl", "link.jsonl"])
def test_file_given_twice_is_refused_under_any_name(
    refusal: Refusal, tmp_path: Path, second: str
) -> None:
    (tmp_path / "events.jsonl").write_bytes(TWO)
    (tmp_path / "link.jsonl").symlink_to("events.jsonl")

    assert refusal("events.jsonl", second) == [
        f"Error: {second} is given twice",
        "Its events would be sent twice.",
    ]


def test_stdin_given_twice_is_refused(refusal: Refusal) -> None:
    assert refusal("-", "-")[0] == "Error: - is given twice"


@pytest.mark.parametrize("option", ["--rejects", "--report"])
def test_an_output_that_is_also_an_input_is_refused(
    refusal: Refusal, tmp_path: Path, option: str
) -> None:
    (tmp_path / "events.jsonl").write_bytes(TWO)

    message, *_ = refusal("events.jsonl", option, "./events.jsonl")

    assert message.startswith(f"Error: {option} events.jsonl is also an input")
    assert (tmp_path / "events.jsonl").read_bytes() == TWO


def test_terminal_as_stdin_is_an_error_instead_of_a_wait(
    clean_environment: dict[str, str], tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "segcli", "transform"],
            stdin=theirs,
            capture_output=True,
            cwd=tmp_path,
            env=clean_environment,
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)

    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "Error: there is no input",
        "Name a file, or pipe events in: cat events.jsonl | segcli …",
    ]
