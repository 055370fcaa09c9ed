"""`--workers` sends from several processes, and changes nothing else of a run."""

import asyncio
import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sending import (
    Answer,
    Got,
    Said,
    Vendor,
    report_in,
    send_signal,
    sending_to,
    tracks,
    wait_until,
    written,
)
from wires import Call, wire_that

from segcli.delivery.http.client import NoReply
from segcli.delivery.http.posters import PosterFailed, posting_from
from segcli.destination import Request
from segcli.sandbox import Fault, Standin

Segcli = Callable[..., Said]
Spawn = Callable[..., "subprocess.Popen[str]"]
Start = Callable[..., Standin]
Serve = Callable[[Callable[[Got], Answer]], Vendor]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return written(tmp_path / "events.jsonl", tracks(400, users=40))


def children_of(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.exists():
        pytest.skip("this system does not tell which process started which")
    return [int(child) for child in path.read_text().split()]


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(") ")[2][0] != "Z"


def under_way(
    at: Standin, spawn: Spawn, events: Path, concurrency: str, requests: int
) -> "subprocess.Popen[str]":
    """Start a run of two processes; return it once the vendor has had so many requests."""
    to = sending_to("webhook", at.endpoint("webhook"))
    process = spawn(*to, events, "--workers", "2", "--concurrency", concurrency)
    wait_until(lambda: int(at.app.counts()["totals"]["requests"]) >= requests)
    return process


def test_several_processes_deliver_every_event_once_and_in_order_through_faults(
    segcli: Segcli, standin: Start, events: Path, tmp_path: Path
) -> None:
    at = standin(faults=(Fault("503", 0.05),), seed=1, retry_after=0)
    to = sending_to("webhook", at.endpoint("webhook"))
    said = segcli(*to, events, "--workers", "3", "--concurrency", "30")
    taken = defaultdict(list)
    for got in at.app.accepted:
        taken[got.payload["userId"]].append(int(got.payload["messageId"][1:]))

    assert said.code == 0
    assert report_in(tmp_path)["ledger"]["delivered"] == 400 == len(at.app.accepted)
    assert all(numbers == sorted(numbers) for numbers in taken.values())


def test_a_process_that_dies_costs_a_retry_and_no_event(
    spawn: Spawn, standin: Start, events: Path, tmp_path: Path
) -> None:
    at = standin(latency=0.05)
    process = under_way(at, spawn, events, "10", 21)
    os.kill(children_of(process.pid)[0], signal.SIGKILL)
    _, err = process.communicate(timeout=20)
    report = report_in(tmp_path)

    assert process.returncode == 0, err
    assert report["ledger"]["delivered"] == 400
    assert report["retries"] > 0
    assert len({got.payload["messageId"] for got in at.app.accepted}) == 400


def test_where_all_processes_have_died_the_run_stops_and_can_go_on(
    spawn: Spawn, standin: Start, events: Path, tmp_path: Path
) -> None:
    at = standin(latency=0.05)
    process = under_way(at, spawn, events, "10", 21)
    for child in children_of(process.pid):
        os.kill(child, signal.SIGKILL)
    _, err = process.communicate(timeout=20)
    report = report_in(tmp_path)

    assert process.returncode == 3
    assert "all processes that send have died" in err
    assert "--resume" in err
    assert sum(report["ledger"].values()) == report["read"]


@pytest.mark.parametrize(
    ("signals", "code"),
    [([signal.SIGINT], 130), ([signal.SIGTERM], 143), ([signal.SIGINT] * 2, 130)],
    ids=["Ctrl-C", "SIGTERM", "Ctrl-C twice"],
)
def test_a_signal_leaves_no_process_behind(
    signals: list[signal.Signals],
    code: int,
    spawn: Spawn,
    standin: Start,
    events: Path,
    tmp_path: Path,
) -> None:
    at = standin(latency=0.3)
    process = under_way(at, spawn, events, "4", 4)
    children = children_of(process.pid)
    for number in signals:
        send_signal(process, number)
    _, err = process.communicate(timeout=9)
    report = report_in(tmp_path)

    assert process.returncode == code
    assert "Traceback" not in err
    assert sum(report["ledger"].values()) == report["read"]
    assert len(children) == 2
    assert not any(map(is_running, children))


def test_no_process_outlives_the_one_that_was_killed(
    spawn: Spawn, standin: Start, events: Path
) -> None:
    at = standin(latency=0.3)
    process = under_way(at, spawn, events, "4", 4)
    children = children_of(process.pid)
    process.kill()
    process.wait()

    wait_until(lambda: not any(map(is_running, children)))


def test_a_wrong_key_stops_a_run_of_several_processes_as_it_stops_any(
    segcli: Segcli, vendor: Serve, events: Path
) -> None:
    at = vendor(lambda _: Answer(401, body=b"no such key: sandbox"))
    said = segcli(*sending_to("webhook", at.url), events, "--workers", "2")

    assert said.code == 3
    assert "webhook answered HTTP 401: no such key: ***" in said.err


@pytest.fixture
def silent() -> Iterator[str]:
    with wire_that(lambda call: call.read() and call.await_end()) as wire:
        yield wire.url


async def posted(request: Request, timeout: float) -> object:
    async with posting_from(2, "aiohttp", timeout=timeout) as post:
        return await post(request)


def test_what_takes_too_long_is_no_reply_from_another_process_either(silent: str) -> None:
    assert asyncio.run(posted(Request(silent, b""), 0.1)) == NoReply("no answer within 0.1 s")


def test_a_bug_in_another_process_is_raised_in_this_one() -> None:
    with wire_that(Call.answer) as wire, pytest.raises(PosterFailed, match="AttributeError"):
        asyncio.run(posted(Request(wire.url, b"", method=None), 5))  # type: ignore[arg-type]
