"""A program that is killed loses nothing: neither events nor the rejects it held in memory."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import PATIENCE, Answer, ReceivedRequest, Vendor, track, write_events

import segcli

Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]

PROGRAM = """
import json, sys, segcli
path, dest, endpoint, journal = sys.argv[1:]
segcli.send(path, dest=dest, settings={"endpoint": endpoint}, journal=journal, concurrency=4)
"""
ACTIONS = [
    {"name": kind, "subscribe": f'type = "{kind}"', "mapping": {"id": {"@path": "$.messageId"}}}
    for kind in ("track", "page")
]


@pytest.mark.parametrize("answers", [3, 40, 111])
def test_a_killed_program_continues_with_every_event_and_every_reject(
    answers: int, vendor: Serve, tmp_path: Path
) -> None:
    dest, journal = tmp_path / "acme.json", tmp_path / "job.journal"
    settings = {"endpoint": {"default": "https://acme.example", "help": "where"}}
    request = {"url": "{settings.endpoint}/v1"}
    dest.write_text(
        json.dumps({"name": "acme", "settings": settings, "request": request, "actions": ACTIONS})
    )
    kinds = ({"type": ("track", "page")[number % 2]} for number in range(200))
    events = [track(number, f"u{number % 7}") | kind for number, kind in enumerate(kinds)]
    path = write_events(tmp_path / "events.jsonl", [*events[:100], b"{", *events[100:]])
    processes: list[subprocess.Popen[bytes]] = []
    taken: list[int] = []

    def answer(got: ReceivedRequest) -> Answer:
        number = int(json.loads(got.body)["id"][1:])
        if len(taken) >= answers and processes:
            os.kill(processes.pop().pid, signal.SIGKILL)
        taken.append(number)
        return Answer(400 if number % 10 == 9 else 200)

    endpoint = vendor(answer).url
    arguments = [str(path), str(dest), endpoint, str(journal)]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments])
    processes.append(process)
    assert process.wait(PATIENCE) == -signal.SIGKILL

    report = segcli.send(
        path, dest=dest, settings={"endpoint": endpoint}, journal=journal, resume=True
    )

    assert set(taken) == set(range(200)), "nothing is lost"
    assert len(taken) - 200 <= 8, "at most what was in flight goes twice"
    for user in range(7):
        first = list(dict.fromkeys(number for number in taken if number % 7 == user))
        assert first == sorted(first), "in order"
    assert report.read_over_all_runs == 201
    assert report.ledger_over_all_runs["refused"] == 20
    assert sorted(kept["event"]["messageId"] for kept in report.rejects if "event" in kept) == (
        sorted(f"m{number}" for number in range(9, 200, 10))
    )
    assert [kept["line"] for kept in report.rejects if "raw" in kept] == [101]
