"""Every end of `transform --jobs` has a reason, counts all lost lines, and leaves no worker."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.fakes import PATIENCE, wait_until
from support.samples import Run, line_of

LINE = line_of(timestamp="2026-02-03", pad="x" * 1000) + b"\n"
COMMAND = ["transform", "-d", "webhook", "--jobs", "2"]
Start = Callable[..., "subprocess.Popen[bytes]"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def many_events(tmp_path: Path) -> Path:
    """More events than all pipes and slots together can hold."""
    path = tmp_path / "plenty.jsonl"
    path.write_bytes(LINE * 12_000)
    return path


@pytest.fixture
def start(tmp_path: Path, clean_environment: dict[str, str]) -> Iterator[Start]:
    """Start `segcli` in a new session, so that all its processes can be found."""
    with ExitStack() as stack:

        def start(*words: str | Path, **more: Any) -> "subprocess.Popen[bytes]":
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path}
            process = subprocess.Popen(
                [sys.executable, "-m", "segcli", *map(str, words)],
                env=clean_environment,
                start_new_session=True,
                **(pipes | more),
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def of_session(session: int) -> set[int]:
    """Return the running processes of a session."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, owner = status.read_bytes().rpartition(b")")[2].split()[:4]
        except OSError:
            continue
        if int(owner) == session and state != b"Z":
            found.add(int(status.parent.name))
    return found


def workers_of(process: "subprocess.Popen[bytes]") -> set[int]:
    """Return the two workers of a process, after both have started."""
    wait_until(lambda: len(of_session(process.pid)) == 3)
    return of_session(process.pid) - {process.pid}


def ended(process: "subprocess.Popen[bytes]") -> tuple[bytes, str]:
    """Return both outputs of a process that is ending, and check that no process remains."""
    out, err = process.communicate(timeout=PATIENCE)
    wait_until(lambda: not of_session(process.pid))
    return out, err.decode()


def test_all_lines_are_printed_and_no_worker_remains(start: Start, many_events: Path) -> None:
    process = start(*COMMAND, many_events)
    workers_of(process)
    out, err = ended(process)

    assert process.returncode == 0
    assert out == many_events.read_bytes()
    assert "12,000  mapped" in err


@pytest.mark.parametrize(
    ("number", "code", "says"), [(signal.SIGINT, 130, "Interrupted."), (signal.SIGTERM, -15, "")]
)
@pytest.mark.parametrize("to_all", [False, True], ids=["to one", "to all, as a terminal does"])
def test_signal_ends_all_processes_without_a_traceback(
    number: signal.Signals, code: int, says: str, to_all: bool, start: Start, many_events: Path
) -> None:
    process = start(*COMMAND, many_events)
    workers_of(process)
    if to_all:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    out, err = ended(process)

    assert (process.returncode, err.strip()) == (code, says)
    assert many_events.read_bytes().startswith(out)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_that_reaches_workers_first_ends_none_of_them(
    number: signal.Signals, start: Start, many_events: Path
) -> None:
    process = start(*COMMAND, many_events)
    for worker in workers_of(process):
        os.kill(worker, number)
    out, _ = ended(process)

    assert process.returncode == 0
    assert out == many_events.read_bytes()


def test_workers_end_if_the_main_process_is_killed(start: Start, many_events: Path) -> None:
    process = start(*COMMAND, many_events)
    workers_of(process)
    process.kill()

    ended(process)


def test_killed_worker_stops_the_run_with_an_error(start: Start, many_events: Path) -> None:
    process = start(*COMMAND, many_events)
    workers = workers_of(process)
    assert process.stdout
    out = process.stdout.readline()
    os.kill(min(workers), signal.SIGKILL)
    out += process.stdout.read()
    _, err = ended(process)

    assert process.returncode == 3
    assert "Error: a worker process was killed by SIGKILL\n" in err
    assert "Traceback" not in err
    # The output ends at a line break, before the lines of the killed worker.
    assert many_events.read_bytes().startswith(out)
    assert len(out) < many_events.stat().st_size
    assert out.endswith(b"\n")
    assert f"{len(out.splitlines()):,}  mapped" in err


def test_closed_output_pipe_ends_all_processes_silently(start: Start, many_events: Path) -> None:
    process = start(*COMMAND, many_events)
    assert process.stdout
    assert process.stdout.readline() == LINE
    process.stdout.close()
    process.stdout = None
    _, err = ended(process)

    assert (process.returncode, err) == (141, "")


def test_full_disk_ends_all_processes_with_a_message(start: Start, many_events: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        process = start(*COMMAND, many_events, stdout=full)
        _, err = ended(process)

    assert process.returncode == 3
    assert "Error: the output cannot be written: No space left on device\n" in err
    assert "Traceback" not in err


def test_slow_reader_blocks_all_processes(start: Start, many_events: Path) -> None:
    process = start(*COMMAND, many_events)
    workers = workers_of(process)
    asleep = {process.pid, *workers}
    wait_until(lambda: all(state_of(pid) == "S" for pid in asleep) and read_by(process.pid) > 0)
    read = read_by(process.pid)

    # The program itself, the slots of two workers, and the content of three pipes.
    assert read < 8 * 1024 * 1024 < many_events.stat().st_size
    process.kill()
    ended(process)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def read_by(pid: int) -> int:
    """Return how many bytes a process has read so far."""
    rows = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("rchar:"))


def test_lines_that_arrive_slowly_are_printed_at_once(start: Start) -> None:
    process = start(*COMMAND, "-", stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    for _ in range(3):
        process.stdin.write(LINE)
        process.stdin.flush()
        assert process.stdout.readline() == LINE
    process.stdin.close()
    process.stdin = None
    ended(process)

    assert process.returncode == 0


def test_truncated_input_is_printed_up_to_its_last_whole_line(
    start: Start, many_events: Path, tmp_path: Path
) -> None:
    path = tmp_path / "cut.gz"
    packed = subprocess.run(["gzip", "-1c", many_events], stdout=subprocess.PIPE, check=True).stdout
    path.write_bytes(packed[: len(packed) // 2])
    process = start(*COMMAND, path)
    out, err = ended(process)

    lines = len(out.splitlines())
    assert process.returncode == 3
    assert many_events.read_bytes().startswith(out)
    assert 3000 < lines < 9000
    assert f"Error: {path}:{lines + 1}: could not be read past this point" in err


BUGGY = """
import dataclasses, os
from acme import ACME

def payload(event, settings):
    assert settings.api_key.reveal() == "sk-1" and settings.region == "us"
    return ACME.payload(event, settings) if event.get("properties.price") != 13 else 1 / 0

BUGGY = dataclasses.replace(ACME, payload=payload)
"""


def test_workers_use_plug_ins_with_settings_and_report_their_bugs(
    run_segcli: Run, install: Callable[..., dict[str, str]]
) -> None:
    env = install("acme = buggy:BUGGY", buggy=BUGGY)
    env |= {"SEGCLI_ACME_API_KEY": "sk-1", "SEGCLI_ACME_REGION": "us"}
    good = [line_of(properties={"price": price}) for price in range(13)]
    command = ["transform", "-d", "acme", "--outcomes", "--where", "properties.price > 3"]

    alone = run_segcli(*command, "--jobs", "1", stdin=b"\n".join(good), env=env)
    done = run_segcli(*command, "--jobs", "2", stdin=b"\n".join(good), env=env)
    assert (done.returncode, done.stdout) == (0, alone.stdout)
    assert done.stdout.count(b'"route":"/v1/us"') == 9

    bad = line_of(properties={"price": 13})
    failed = run_segcli(*command, "--jobs", "2", stdin=b"\n".join([*good, bad]), env=env)
    assert failed.returncode == 70
    assert b"ZeroDivisionError" in failed.stderr
    assert b"buggy.py" in failed.stderr
    assert b"sk-1" not in failed.stderr


def test_small_file_imports_no_worker_modules(tmp_path: Path) -> None:
    code = (
        "import sys, segcli.cli\n"
        "try: segcli.cli.main(['transform', '-q', 'events.jsonl'])\n"
        "except SystemExit: pass\n"
        "workers = 'segcli.parallel.worker_pool'\n"
        "unwanted = {workers, 'multiprocessing', 'pickle', 'mmap', 'asyncio'}\n"
        "print(sorted(unwanted & sys.modules.keys()))\n"
    )
    (tmp_path / "events.jsonl").write_bytes(LINE)

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True, timeout=60
    )

    assert done.stdout.splitlines()[-1] == b"[]"
