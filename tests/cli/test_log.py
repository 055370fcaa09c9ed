"""The log of a run: what is decided and why, each request and reply, without secrets."""

import json
import logging
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.engage import csv, engage
from support.fakes import (
    Answer,
    CommandResult,
    ReceivedRequest,
    Vendor,
    replies,
    send_signal,
    sending_to,
    track,
    tracks,
    wait_until,
    write_events,
)
from support.fork_server import ForkedProcess
from support.terminals import on_a_terminal, seen

from segcli.core.redaction import Redactor
from segcli.delivery.delivery_log import delivery_log, wire_log
from segcli.sandbox import SandboxServer

Segcli = Callable[..., CommandResult]
Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]
Start = Callable[..., SandboxServer]

LOG = "run.log"
JSON = ["-vv", "--log-format", "json", "--log-file", LOG]


def logged(folder: Path) -> list[dict[str, Any]]:
    """Return the log, whose every line is an object with a time, a level and an event."""
    lines = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert line["level"] in {"debug", "info", "warning"}
        assert line["logger"].startswith("segcli.")
        assert line["event"]
        assert line["message"]
    return lines


def log_of_batch(log: list[dict[str, Any]], at: str) -> list[str]:
    """Return the events of the batch that begins with this line, in order."""
    return [row["event"] for row in log if row.get("at", "").endswith(at)]


# --- what is logged


def test_the_events_of_a_batch_are_logged_in_order(
    segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    at = vendor(replies(Answer(503), Answer(429, {"retry-after": "0.05"}), Answer(0)))
    events = write_events(tmp_path / "events.jsonl", [track()])
    said = segcli(*sending_to("webhook", at.url), *JSON, events)

    log = logged(tmp_path)
    assert said.code == 0
    attempts = ["request", "reply", "retry"] * 2 + ["request", "no_reply", "retry"]
    assert log_of_batch(log, ":1") == [*attempts, "request", "reply", "delivered"]
    assert [row["event"] for row in log][:2] == ["start", "input"]
    assert log[-1]["counts"]["delivered"] == 1
    retries = [row for row in log if row["event"] == "retry"]
    assert [(row.get("status"), row["attempt"]) for row in retries] == [
        (503, 1),
        (429, 2),
        (None, 3),
    ]
    assert [row["reason"] for row in retries][:2] == ["HTTP 503", "HTTP 429"]
    assert retries[1]["retry_after"] == 0.05 <= retries[1]["seconds"]
    assert {row["route"] for row in retries} == {"/"}
    assert [row["request"] for row in log if row["event"] == "request"] == [1, 2, 3, 4]


def test_each_request_and_reply_is_there_with_two_v(
    segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    at = vendor(lambda _: Answer(422, {"x-request-id": "req-17", "set-cookie": "a=b"}, b'{"no":1}'))
    events = write_events(tmp_path / "events.jsonl", [track()])
    segcli(*sending_to("webhook", at.url), *JSON, events)

    log = {row["event"]: row for row in logged(tmp_path)}
    assert log["request"]["address"] == at.url
    assert log["request"]["headers"]["authorization"] == "***"
    assert json.loads(log["request"]["body"]) == track()
    assert log["reply"]["headers"]["x-request-id"] == "req-17"
    assert log["reply"]["headers"]["set-cookie"] == "***"
    assert (log["reply"]["status"], log["reply"]["body"]) == (422, '{"no":1}')
    assert 0 <= log["reply"]["seconds"] < 60
    assert (log["refused"]["status"], log["refused"]["level"]) == (422, "warning")


def test_splits_are_logged_down_to_the_refused_event(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    lines = [*tracks(3), track(3, properties={"note": "POISON"})]
    at = start_sandbox(poison="POISON").endpoint("segment")
    segcli(*sending_to("segment", at), *JSON, write_events(tmp_path / "events.jsonl", lines))

    log = logged(tmp_path)
    splits = [(row["events"], row["status"]) for row in log if row["event"] == "split"]
    assert splits == [(4, 400), (2, 400)]
    assert [row["events"] for row in log if row["event"] == "delivered"] == [2, 1]
    assert [row["at"][-2:] for row in log if row["event"] == "refused"] == [":4"]


def test_one_v_logs_decisions_and_no_requests(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", [*tracks(20), b"{]"])
    at = start_sandbox().endpoint("webhook")
    segcli(*sending_to("webhook", at), "-v", "--log-file", LOG, events)

    text = (tmp_path / LOG).read_text()
    assert "request 1" not in text
    assert "events.jsonl:21: rejected: not JSON" in text
    assert re.search(r"INFO +end: 21 read, 20 delivered, 0 refused, 1 rejected", text)


def test_a_run_that_stops_says_why(segcli: Segcli, vendor: Serve, tmp_path: Path) -> None:
    at = vendor(lambda _: Answer(401))
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    said = segcli(*sending_to("webhook", at.url), "-v", *JSON[1:], events)

    assert said.code == 3
    (stop,) = [row for row in logged(tmp_path) if row["event"] == "stop"]
    assert stop["reason"].startswith("webhook answered HTTP 401")
    assert not [row for row in logged(tmp_path) if row["level"] == "debug"]


def test_a_sync_has_a_log(segcli: Segcli, start_sandbox: Start, tmp_path: Path) -> None:
    csv(tmp_path / "m.csv", ["u1", "u2"])
    said = segcli(*engage("gist", start_sandbox().endpoint("gist"), "m.csv"), *JSON)

    assert said.code == 0
    events = {row["event"] for row in logged(tmp_path)}
    assert {"start", "request", "reply", "delivered", "end"} <= events


@pytest.mark.parametrize("command", ["transform", "check"])
def test_a_preview_tells_which_inputs_it_reads(
    segcli: Segcli, tmp_path: Path, command: str
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(2))
    said = segcli(command, "-v", "--jobs", "1", events)

    assert f"reading {events}, {events.stat().st_size} bytes" in said.err
    assert "reading" not in said.out


# --- where it goes


def test_on_stderr_lines_of_json_are_the_only_ones_of_a_quiet_rehearsal(
    segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    said = segcli("send", "-d", "gist", "--sandbox", "-q", "--log-format", "json", events)

    rows = [json.loads(line) for line in said.err.splitlines()]
    assert [row["event"] for row in rows] == ["start", "input", "end"]


def test_without_an_option_there_is_no_log(segcli: Segcli, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    said = segcli(
        "send", "-d", "gist", "--sandbox", "-q", "--fault", "422:50%", "--seed", "7", events
    )

    assert said.err == ""


def test_a_log_file_is_for_the_user_alone_and_grows(segcli: Segcli, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    for _ in range(2):
        segcli("send", "-d", "gist", "--sandbox", "--log-file", LOG, events)
        (tmp_path / LOG).write_bytes((tmp_path / LOG).read_bytes() + b"2026-01-01T torn")

    lines = (tmp_path / LOG).read_text().splitlines()
    assert (tmp_path / LOG).stat().st_mode & 0o777 == 0o600
    assert [line for line in lines if "torn" in line] == ["2026-01-01T torn"] * 2
    assert len([line for line in lines if "start" in line or "sending to" in line]) == 2


@pytest.mark.parametrize("option", ["--log-file", "--metrics"])
def test_a_file_of_something_else_is_left_alone(
    segcli: Segcli, tmp_path: Path, option: str
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    other = write_events(tmp_path / "other", tracks(1))
    before = other.read_bytes()
    said = segcli("send", "-d", "gist", "--sandbox", option, "other", events)

    assert said.code == 2
    assert f"{option} other exists already, and is not " in said.err
    assert other.read_bytes() == before


@pytest.mark.parametrize("option", ["--log-file", "--metrics"])
def test_a_folder_that_is_not_there_is_found_before_anything_is_sent(
    segcli: Segcli, tmp_path: Path, option: str
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    said = segcli("send", "-d", "gist", "--sandbox", option, "no/file", events)

    assert said.code == 2
    assert "no does not exist" in said.err


def test_a_full_disk_of_the_log_is_reported_once_and_stops_nothing(
    segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(30))
    said = segcli("send", "-d", "gist", "--sandbox", "-vv", "--log-file", "/dev/full", events)

    assert said.code == 0
    assert "30  delivered" in said.err
    said_of_it = "the log /dev/full cannot be written: No space left on device; the run goes on"
    assert said.err.count(said_of_it) == said.err.count("/dev/full") == 1


def test_above_the_progress_display_lines_stay(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    write_events(tmp_path / "events.jsonl", tracks(60, users=60))
    home = clean_environment | {"HOME": str(tmp_path), "TERM": "xterm"}
    words = ["send", "-d", "gist", "--sandbox", "--latency", "20ms", "--concurrency", "1"]
    shown = on_a_terminal(
        [sys.executable, "-m", "segcli", *words, "-vv", "events.jsonl"], tmp_path, home
    )

    lines = seen(shown).splitlines()
    assert len([line for line in lines if " DEBUG   request " in line]) == 120
    assert any("delivered/s" in line for line in lines)
    # Each line of the log begins at the left, where the display was erased before it.
    assert not [line for line in lines if re.search(r"\S.*DEBUG   request", line[26:])]


def test_a_killed_run_leaves_whole_lines_but_for_the_last(
    spawn: Callable[..., ForkedProcess], tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(20_000, users=500))
    run = spawn("send", "-d", "gist", "--sandbox", "-q", *JSON, events)
    wait_until(lambda: (tmp_path / LOG).exists() and (tmp_path / LOG).stat().st_size > 100_000)
    run.kill()
    run.wait()

    # The system may cut the write that a kill interrupts.
    *lines, _ = (tmp_path / LOG).read_bytes().split(b"\n")
    assert len(lines) > 100
    assert all(json.loads(line)["event"] for line in lines)


def test_an_interrupted_run_tells_the_signal_and_its_counts(
    spawn: Callable[..., ForkedProcess], tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(20_000, users=500))
    run = spawn("send", "-d", "gist", "--sandbox", "-q", "--latency", "10ms", *JSON, events)
    wait_until(lambda: (tmp_path / LOG).exists() and (tmp_path / LOG).stat().st_size > 10_000)
    send_signal(run, signal.SIGINT)
    run.communicate()

    log = logged(tmp_path)
    (stop,) = [row for row in log if row["event"] == "stop"]
    assert (run.returncode, stop["reason"]) == (130, "interrupted by SIGINT")
    assert log[-1]["event"] == "end"
    assert log[-1]["counts"]["delivered"] == len([r for r in log if r["event"] == "delivered"])


# --- hostile replies

HOSTILE = "\x1b]0;x\x07\x9b31m\u202e::error::no\n::error::no\r##vso[task]no"


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("to_file", [False, True])
def test_text_from_outside_stays_text(
    segcli: Segcli, vendor: Serve, tmp_path: Path, form: str, *, to_file: bool
) -> None:
    at = vendor(lambda _: Answer(422, {"x-request-id": "\x1b[31m"}, HOSTILE.encode()))
    events = write_events(tmp_path / "events.jsonl", [track(), track(event="\x1b[31m::error::")])
    file = ["--log-file", LOG] if to_file else []
    said = segcli(*sending_to("webhook", at.url), "-q", "-vv", "--log-format", form, *file, events)

    text = (tmp_path / LOG).read_text() if to_file else said.err
    assert "no" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert "##vso[" not in text
    if form == "json":
        rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        assert [row["body"] for row in rows if row["event"] == "reply"] == [HOSTILE] * 2


def test_bodies_are_bounded(segcli: Segcli, vendor: Serve, tmp_path: Path) -> None:
    at = vendor(lambda _: Answer(422, body=b"x" * 1_000_000))
    events = write_events(tmp_path / "events.jsonl", [track(note="y" * 500_000)])
    segcli(*sending_to("webhook", at.url), *JSON, events)

    bodies = [row["body"] for row in logged(tmp_path) if "body" in row]
    assert [len(body.encode()) for body in bodies] == [2048, 2048]
    assert (tmp_path / LOG).stat().st_size < 10_000


# --- the logger of a program


def test_a_program_gets_records_with_facts(
    segcli: Segcli, start_sandbox: Start, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG, logger="segcli")
    events = write_events(tmp_path / "events.jsonl", [track()])
    segcli(*sending_to("webhook", start_sandbox().endpoint("webhook")), events)

    facts = [(row.name, getattr(row, "event", "")) for row in caplog.records]
    assert ("segcli.http", "request") in facts
    assert ("segcli.delivery", "delivered") in facts
    assert ("segcli.inputs", "input") in facts
    (reply,) = [row for row in caplog.records if getattr(row, "event", "") == "reply"]
    assert (reply.status, reply.attempt) == (200, 1)  # type: ignore[attr-defined]


def test_where_nothing_listens_there_is_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("segcli"), "propagate", False)
    assert delivery_log(Redactor(())) is None
    assert wire_log(Redactor(())) is None
    own = logging.getLogger("segcli").handlers
    assert [type(handler) for handler in own] == [logging.NullHandler]


def test_transform_loads_no_logging_without_a_log(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    write_events(tmp_path / "events.jsonl", tracks(2))
    code = (
        "import sys, segcli.cli\n"
        "try: segcli.cli.main(['transform', '-q', 'events.jsonl'])\n"
        "finally: print('logging' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stderr == "False\n"
