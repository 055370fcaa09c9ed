"""A signal stops a run cleanly: it waits for requests in flight and accounts for every line."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import (
    PATIENCE,
    Answer,
    ReceivedRequest,
    Vendor,
    adds_up,
    report_in,
    send_signal,
    sending_to,
    tracks,
    wait_until,
    write_events,
)
from support.fork_server import ForkedProcess

from segcli.sandbox import Fault, SandboxServer

Spawn = Callable[..., ForkedProcess]
Start = Callable[..., SandboxServer]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return write_events(tmp_path / "events.jsonl", tracks(400, users=100))


def requests_at(at: SandboxServer) -> int:
    return int(at.app.counts()["totals"]["requests"])


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signal_ends_the_run_after_requests_in_flight_are_answered(
    number: signal.Signals,
    code: int,
    spawn: Spawn,
    start_sandbox: Start,
    events: Path,
    tmp_path: Path,
) -> None:
    at = start_sandbox(latency=0.5)
    process = spawn(*sending_to("webhook", at.endpoint("webhook")), events, "--concurrency", "4")
    wait_until(lambda: requests_at(at) >= 4)
    send_signal(process, number)
    _, err = process.communicate(timeout=PATIENCE)
    report = report_in(tmp_path)

    assert process.returncode == code == report["exit_code"]
    assert f"interrupted by {number.name}" in err
    delivered, unsent = (report["ledger"][state] for state in ("delivered", "unsent"))
    assert f"\n{delivered} delivered to webhook at {at.url}" in err
    assert f"; {unsent} read ahead, goes out with --resume\n" in err
    assert "Traceback" not in err
    assert 4 <= report["ledger"]["delivered"] == len(at.app.accepted) < 100
    assert report["ledger"]["unsent"] > 0
    assert adds_up(tmp_path)


def test_second_ctrl_c_ends_the_run_at_once(
    spawn: Spawn, start_sandbox: Start, events: Path, tmp_path: Path
) -> None:
    at = start_sandbox(faults=(Fault("timeout", 1.0),))
    process = spawn(*sending_to("webhook", at.endpoint("webhook")), events, "--concurrency", "4")
    wait_until(lambda: requests_at(at) == 4)
    assert process.stderr
    send_signal(process, signal.SIGINT)
    while "stopping: waiting" not in (told := process.stderr.readline()):
        assert told, "it has not waited for the answers"
    send_signal(process, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert report_in(tmp_path)["ledger"]["unsent"] == report_in(tmp_path)["read"] > 0
    assert requests_at(at) == 4


def test_ctrl_c_ends_a_run_that_waits_for_retry_after(
    spawn: Spawn, start_sandbox: Start, events: Path, tmp_path: Path
) -> None:
    at = start_sandbox(faults=(Fault("429", 1.0),), retry_after=3600)
    to = sending_to("webhook", at.endpoint("webhook"))
    process = spawn(*to, events, "--concurrency", "1", "--retry-for", "2h")
    wait_until(lambda: requests_at(at) == 1)
    send_signal(process, signal.SIGINT)
    process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert adds_up(tmp_path)
    assert requests_at(at) == 1


def test_ctrl_c_ends_a_run_with_waiting_batches_and_resume_keeps_order(
    spawn: Spawn,
    vendor: Callable[[Callable[[ReceivedRequest], Answer]], Vendor],
    events: Path,
    tmp_path: Path,
) -> None:
    is_well = False
    taken: list[dict[str, str]] = []
    refused: set[bytes] = set()

    def answers(got: ReceivedRequest) -> Answer:
        event = json.loads(got.body)
        if not is_well and int(event["userId"][1:]) >= 90:
            refused.add(got.body)
            return Answer(500)
        taken.append(event)
        return Answer()

    command = [*sending_to("webhook", vendor(answers).url), events, "--concurrency", "2"]
    process = spawn(*command)
    # Four batches wait and two more have the slots: nothing else is sent.
    wait_until(lambda: len(refused) == 6)
    send_signal(process, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    report = report_in(tmp_path)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert adds_up(tmp_path)
    assert report["ledger"]["delivered"] == len(taken) == 90
    assert report["ledger"]["unsent"] == report["read"] - 90 >= 6
    assert len(refused) == 6

    is_well = True
    spawn(*command, "--resume").communicate(timeout=PATIENCE)

    assert len(taken) == 400
    for user in {event["userId"] for event in taken}:
        numbers = [int(event["messageId"][1:]) for event in taken if event["userId"] == user]
        assert numbers == sorted(set(numbers))


def test_ctrl_c_ends_a_run_with_an_open_stdin(
    spawn: Spawn, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    to = sending_to("webhook", at.endpoint("webhook"))
    process = spawn(*to, stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stderr
    for event in tracks(5):
        process.stdin.write(json.dumps(event) + "\n")
    process.stdin.flush()
    wait_until(lambda: len(at.app.accepted) == 5)
    send_signal(process, signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    err = process.stderr.read()

    assert "Traceback" not in err
    assert "Fatal" not in err
    assert report_in(tmp_path)["ledger"]["delivered"] == 5
    assert adds_up(tmp_path)


def test_ctrl_c_before_the_first_event_gives_no_traceback(
    spawn_python: Spawn, start_sandbox: Start
) -> None:
    at = start_sandbox()
    to = sending_to("webhook", at.endpoint("webhook"))
    process = spawn_python(*to, "--sandbox", stdin=subprocess.PIPE)
    assert process.stderr
    announced = process.stderr.readline()
    send_signal(process, signal.SIGINT)
    code = process.wait(PATIENCE)

    assert "nothing leaves this machine" in announced
    # During an import, Python ends by the signal itself. A shell reports 130 for both.
    assert code in {130, -signal.SIGINT}
    assert "Traceback" not in process.stderr.read()
