"""`segcli transform`: payloads only on stdout, messages on stderr, a correct exit code."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.samples import KEY, ROOT, SAMPLES, Run, line_of, lines_of

GOLDEN = ROOT / "tests" / "golden"


def golden(destination: str, sample: str) -> bytes:
    return (GOLDEN / destination / f"{sample}.ndjson").read_bytes()


def payloads(outcomes: bytes) -> list[Any]:
    """Return the payloads in a golden file."""
    found = [json.loads(line) for line in outcomes.splitlines()]
    return [outcome["payload"] for outcome in found if outcome["state"] == "mapped"]


def in_shell(
    command: str, folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )


def write_events(folder: Path, name: str, *lines: bytes) -> Path:
    path = folder / name
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def test_piped_events_become_payloads_for_pointillist(
    clean_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "events.jsonl").symlink_to(SAMPLES / "checkout.jsonl")

    done = in_shell("cat events.jsonl | segcli transform", tmp_path, clean_environment)

    assert [json.loads(line) for line in done.stdout.splitlines()] == payloads(
        golden("pointillist", "checkout")
    )
    assert done.returncode == 0


def test_payloads_go_to_stdout_and_the_summary_to_stderr(run_segcli: Run) -> None:
    done = run_segcli("transform", SAMPLES / "hostile.jsonl")

    said = done.stderr.decode()
    assert [json.loads(line) for line in done.stdout.splitlines()] == payloads(
        golden("pointillist", "hostile")
    )
    assert "72  read" in said
    assert "mapped" in said
    assert "page is not for pointillist" in said
    assert "type is required" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("destination", ["gist", "webhook"])
def test_outcomes_option_prints_an_object_for_every_line(run_segcli: Run, destination: str) -> None:
    done = run_segcli("transform", "--outcomes", "-d", destination, SAMPLES / "hostile.jsonl")

    assert done.stdout == golden(destination, "hostile")
    numbers = [json.loads(line)["line"] for line in done.stdout.split(b"\n")[:-1]]
    assert numbers == list(range(1, len(lines_of("hostile")) + 1))
    assert done.returncode == 1


def test_files_are_read_in_the_order_they_are_named(run_segcli: Run, tmp_path: Path) -> None:
    write_events(tmp_path, "b.jsonl", line_of(userId="1"), line_of(userId="2"))
    write_events(tmp_path, "a.jsonl", line_of(userId="3"))

    done = run_segcli("transform", "-d", "webhook", "--outcomes", "b.jsonl", "a.jsonl")

    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["file"], one["line"], one["payload"]["userId"]) for one in found] == [
        ("b.jsonl", 1, "1"),
        ("b.jsonl", 2, "2"),
        ("a.jsonl", 1, "3"),
    ]


def test_stdin_can_be_one_of_several_inputs(run_segcli: Run, tmp_path: Path) -> None:
    write_events(tmp_path, "a.jsonl", line_of(userId="1"))

    done = run_segcli(
        "transform", "-d", "webhook", "--outcomes", "a.jsonl", "-", stdin=line_of(userId="2")
    )

    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["file"], one["line"]) for one in found] == [("a.jsonl", 1), ("stdin", 1)]


def test_python_m_segcli_is_the_same_as_segcli(
    clean_environment: dict[str, str], tmp_path: Path
) -> None:
    command = f"{sys.executable} -m segcli --version && segcli --version"

    done = in_shell(command, tmp_path, clean_environment)

    lines = done.stdout.splitlines()
    assert lines[:2] == lines[2:]


@pytest.fixture
def many_events(tmp_path: Path) -> Path:
    """More events than fit in a pipe."""
    return write_events(
        tmp_path, "plenty.jsonl", *[line_of(pad="x" * 500, timestamp="2026-02-03")] * 999
    )


@pytest.mark.parametrize("command", ["segcli transform", "segcli transform --outcomes"])
def test_closed_output_pipe_ends_it_silently_with_exit_141(
    clean_environment: dict[str, str], many_events: Path, command: str
) -> None:
    piped = f"{command} -d webhook {many_events.name} | head -1; exit ${{PIPESTATUS[0]}}"

    done = in_shell(piped, many_events.parent, clean_environment)

    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == b""
    assert done.returncode == 141


def test_full_disk_stops_transform_with_exit_3_and_a_message(
    clean_environment: dict[str, str], many_events: Path
) -> None:
    done = in_shell(
        f"segcli transform -d webhook {many_events.name} > /dev/full",
        many_events.parent,
        clean_environment,
    )

    assert done.returncode == 3
    assert b"Error: the output cannot be written: No space left on device\n" in done.stderr
    assert b"Traceback" not in done.stderr


def test_transform_that_stops_says_to_start_again(run_segcli: Run, tmp_path: Path) -> None:
    """It has no --resume, so each run starts from the beginning."""
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(99).hex().encode() * 99)[:-9])
    (tmp_path / "bad.jsonl").write_bytes(b"no JSON\n")
    start = "transform", "-d", "webhook", "--no-first-look"
    for words in (["cut.gz"], ["bad.jsonl", "--rejects", "/dev/full"]):
        done = run_segcli(*start, *words)

        assert done.returncode == 3
        assert done.stderr.endswith(
            b"The output is not complete: type the command again. It starts from the beginning.\n"
        )
        assert b"unsent" not in done.stderr


def test_unwritable_report_is_an_error_after_all_output(
    run_segcli: Run,
) -> None:
    done = run_segcli(
        "transform", "-d", "webhook", "--report", "/dev/full", "-", stdin=line_of() + b"\n"
    )

    assert done.returncode == 3
    assert done.stdout == line_of() + b"\n"
    assert b"1  mapped" in done.stderr
    assert (
        b"Error: the report /dev/full cannot be written: No space left on device\n" in done.stderr
    )
    assert b"report: " not in done.stderr


def test_line_cut_inside_a_long_string_is_rejected_quickly(run_segcli: Run) -> None:
    cut = b'{"list":[' + b"{}," * 200 + b'{"text":"' + b"x" * 1000 + b'\\"' * 1000

    done = run_segcli("transform", "--outcomes", stdin=cut)

    assert json.loads(done.stdout)["reason"] == "not JSON: it ends too early"


def test_empty_input_exits_0_without_output(run_segcli: Run) -> None:
    done = run_segcli("transform", stdin=b"")

    assert (done.stdout, done.returncode) == (b"", 0)
    assert b"0  read" in done.stderr


def test_input_of_only_a_byte_order_mark_is_a_blank_line(
    run_segcli: Run,
) -> None:
    done = run_segcli("transform", stdin=b"\xef\xbb\xbf")

    assert (done.stdout, done.returncode) == (b"", 0)
    assert b"1  blank line" in done.stderr


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (line_of(timestamp="2026-02-03"), 0),
        (line_of(type="page"), 0),
        (b"", 0),
        (b"no json", 1),
        (line_of(), 1),
    ],
)
def test_exit_code_is_1_only_if_an_event_was_rejected(
    run_segcli: Run, line: bytes, code: int
) -> None:
    good = line_of(timestamp="2026-02-03")

    assert run_segcli("transform", stdin=good + b"\n" + line).returncode == code


def test_transform_needs_no_key_and_reveals_none(run_segcli: Run) -> None:
    line = line_of(timestamp="2026-02-03")
    for arguments, env in (
        ((), {"SEGCLI_POINTILLIST_API_KEY": KEY}),
        (("--set", f"api_key={KEY}"), {}),
        (("--set", f"api_key={KEY}\x07"), {}),
        (("--set", f"endpoint=ftp://me:{KEY}@host"), {}),
    ):
        done = run_segcli("transform", *arguments, stdin=line, env=env)

        assert KEY.encode() not in done.stdout + done.stderr


def test_transform_imports_no_http_library(tmp_path: Path) -> None:
    code = (
        "import sys, segcli.cli\n"
        "try: segcli.cli.main(['transform', '-q', 'events.jsonl'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'httpx', 'uvicorn', 'rich'} & sys.modules.keys()))\n"
    )
    write_events(tmp_path, "events.jsonl")

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True, timeout=60
    )

    assert done.stdout == b"[]\n"
