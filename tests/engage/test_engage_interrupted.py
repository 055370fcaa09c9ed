"""A sync that stops early continues with what is missing, after every kind of stop."""

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.engage import STATE, csv, engage, received_changes
from support.fakes import (
    PATIENCE,
    Answer,
    CommandResult,
    ReceivedRequest,
    adds_up,
    report_in,
    send_signal,
    wait_until,
)
from support.fork_server import ForkedProcess
from support.resuming import LimitedVendor, Serve

from segcli.sandbox import Fault, SandboxServer

Segcli = Callable[..., CommandResult]
Start = Callable[..., SandboxServer]
Spawn = Callable[..., ForkedProcess]
GO_ON = "To continue, type the same command again: it sends what is missing."
EVERYBODY = sorted((str(user), True) for user in range(300))


# The connection ends without a status: the vendor may have taken the event or not.
NO_ANSWER = Answer(status=0)


@dataclass(slots=True)
class ScriptedVendor:
    """A vendor that records events; it replies `first`, then always `answer`."""

    answer: Answer
    first: list[Answer] = field(default_factory=list)
    told: list[tuple[str, Any, str]] = field(default_factory=list)

    def __call__(self, got: ReceivedRequest) -> Answer:
        event = json.loads(got.body)
        self.told.append((event["userId"], event["traits"]["big_spenders"], event["messageId"]))
        return self.first.pop(0) if self.first else self.answer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return csv(tmp_path / "m.csv", range(300))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_next_sync_after_a_signal_sends_the_rest_without_duplicates(
    number: signal.Signals,
    segcli: Segcli,
    spawn: Spawn,
    start_sandbox: Start,
    file: Path,
    tmp_path: Path,
) -> None:
    # The rest takes seven seconds: it is not over before the signal comes.
    at = start_sandbox(latency=0.1)
    to = engage("gist", at.endpoint("gist"), file, "--concurrency", 4)
    process = spawn(*to)
    wait_until(lambda: len(at.app.accepted) >= 40)
    send_signal(process, number)
    _, err = process.communicate(timeout=PATIENCE)
    first = received_changes(at)

    assert process.returncode == 128 + number
    assert err.endswith(f"{GO_ON}\n")
    assert adds_up(tmp_path)
    assert 40 <= len(first) == report_in(tmp_path)["ledger"]["delivered"] < 300

    again = segcli(*to, "--concurrency", 50)
    assert again.code == 0
    assert f"big_spenders: {len(first)} known; {300 - len(first)} to update" in again.err
    assert sorted(first + received_changes(at)) == EVERYBODY


def test_second_ctrl_c_leaves_unanswered_changes_in_doubt(
    segcli: Segcli, spawn: Spawn, start_sandbox: Start, file: Path
) -> None:
    silent = start_sandbox(faults=(Fault("timeout", 1.0),))
    process = spawn(*engage("gist", silent.endpoint("gist"), file, "--concurrency", 4))
    wait_until(lambda: silent.app.counts()["totals"]["requests"] == 4)
    send_signal(process, signal.SIGINT)
    send_signal(process, signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    # Four of the list may be known; no other user may be sent as removed.
    csv(file, [])
    said = segcli(*engage("gist", silent.endpoint("gist"), file, "--dry-run"))

    assert process.returncode == 130
    assert said.code == 2
    assert "would remove 4 of 4 known members" in said.err


def test_next_sync_after_a_wrong_key_sends_all_members(
    segcli: Segcli, start_sandbox: Start, file: Path, tmp_path: Path
) -> None:
    at = start_sandbox()
    wrong = segcli(*engage("gist", at.endpoint("gist"), file, key="wrong"))

    assert wrong.code == 3
    assert "HTTP 401" in wrong.err
    assert wrong.err.endswith(f"{GO_ON}\n")
    assert adds_up(tmp_path)
    assert segcli(*engage("gist", at.endpoint("gist"), file)).code == 0
    assert sorted(received_changes(at)) == EVERYBODY


def test_next_sync_after_a_revoked_key_sends_the_rest(
    segcli: Segcli, vendor: Serve, file: Path
) -> None:
    limited_vendor = LimitedVendor(left=100)
    to = engage("plotline", vendor(limited_vendor).url, file)
    first = segcli(*to)
    limited_vendor.accept_all()
    again = segcli(*to)

    assert (first.code, again.code) == (3, 0)
    assert len(limited_vendor.taken) == len(set(limited_vendor.taken)) == 300


def test_next_sync_after_a_vendor_outage_sends_the_rest(
    segcli: Segcli, vendor: Serve, file: Path
) -> None:
    up = vendor(scripted_vendor := ScriptedVendor(Answer(503)))
    to = engage("plotline", up.url, file, "--retry-for", "50ms")
    stopped = segcli(*to)
    status = segcli("engage", "status", "--state", STATE)
    scripted_vendor.answer = Answer()

    assert stopped.code == 3
    assert "plotline took nothing for 0.05 s" in stopped.err
    assert stopped.err.endswith(f"{GO_ON}\n")
    assert status.out.splitlines()[1].split()[-4:] == ["0", "300", "never", "finished"]
    scripted_vendor.told.clear()
    assert segcli(*to).code == 0
    assert sorted((user, value) for user, value, _ in scripted_vendor.told) == EVERYBODY


def test_unanswered_change_is_sent_again_as_the_same_event(
    segcli: Segcli, vendor: Serve, file: Path
) -> None:
    csv(file, ["u1"])
    up = vendor(scripted_vendor := ScriptedVendor(NO_ANSWER))
    to = engage("plotline", up.url, file, "--retry-for", "1ms")
    stopped = segcli(*to)
    scripted_vendor.answer = Answer()

    assert stopped.code == 3
    assert segcli(*to).code == 0
    assert len(scripted_vendor.told) >= 2
    assert len(set(scripted_vendor.told)) == 1


def test_unanswered_change_is_reversed_if_the_next_list_says_so(
    segcli: Segcli, vendor: Serve, file: Path
) -> None:
    csv(file, ["u1", "u2"])
    up = vendor(scripted_vendor := ScriptedVendor(NO_ANSWER))
    to = engage("plotline", up.url, file, "--retry-for", "1ms", "--max-removals", "100%")
    assert segcli(*to).code == 3
    knows = {user for user, _, _ in scripted_vendor.told}
    scripted_vendor.answer = Answer()
    scripted_vendor.told.clear()
    csv(file, ["new"])

    assert segcli(*to).code == 0
    assert sorted((user, value) for user, value, _ in scripted_vendor.told) == [
        ("new", True),
        *((user, False) for user in sorted(knows)),
    ]
    assert knows


def test_change_refused_after_an_unanswered_try_is_reversed(
    segcli: Segcli, vendor: Serve, file: Path
) -> None:
    csv(file, ["u1"])
    up = vendor(scripted_vendor := ScriptedVendor(Answer(), first=[NO_ANSWER, Answer(400)]))
    to = engage("plotline", up.url, file, "--max-removals", "100%")
    assert segcli(*to).code == 1
    csv(file, [])

    assert segcli(*to).code == 0
    assert [value for _, value, _ in scripted_vendor.told] == [True, True, False]
