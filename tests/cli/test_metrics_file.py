"""`--metrics` writes the figures of a run while it lasts and at its end."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.engage import csv, engage
from support.fakes import (
    Answer,
    CommandResult,
    ReceivedRequest,
    Vendor,
    report_in,
    sending_to,
    tracks,
    wait_until,
    write_events,
)

from segcli.cli import metrics_file
from segcli.sandbox import SandboxServer

Segcli = Callable[..., CommandResult]
Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]


def metrics(folder: Path) -> dict[str, float]:
    """Return each sample by its name and the values of its labels."""
    text = (folder / "m.prom").read_text()
    return {
        "/".join((sample.name.removeprefix("segcli_"), *map(str, sample.labels.values()))): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_at_the_end_they_are_those_of_the_report(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    lines = [*tracks(30), b"{]", {"type": "page", "userId": "u"}]
    events = write_events(tmp_path / "events.jsonl", lines)
    at = start_sandbox(faults=()).endpoint("gist")
    segcli(*sending_to("gist", at), "--metrics", "m.prom", events)

    found, report = metrics(tmp_path), report_in(tmp_path)
    assert {state: found[f"events_total/{state}"] for state in report["ledger"]} == report["ledger"]
    assert found["events_by_reason_total/rejected/SEG101"] == 1
    assert found["events_by_reason_total/skipped/type"] == 1
    assert found["requests_total"] == report["requests"] == found["request_duration_seconds_count"]
    assert found["sent_bytes_total"] == report["bytes_sent"]
    assert (found["run_state/finished"], found["requests_in_flight"]) == (1, 0)


def test_a_stopped_run_writes_its_metrics(segcli: Segcli, vendor: Serve, tmp_path: Path) -> None:
    at = vendor(lambda _: Answer(401))
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    said = segcli(*sending_to("webhook", at.url), "--metrics", "m.prom", events)

    found = metrics(tmp_path)
    assert said.code == 3
    assert (found["run_state/stopped"], found["events_total/unsent"]) == (1, 3)


def test_they_are_written_while_the_run_lasts_and_replaced_as_a_whole(
    segcli: Segcli, vendor: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_file, "METRICS_EVERY", 0.01)
    seen: list[dict[str, float]] = []
    files: set[int] = set()
    has_seen = threading.Event()

    def is_written() -> bool:
        seen.append(metrics(tmp_path))
        files.add((tmp_path / "m.prom").stat().st_ino)
        return seen[-1]["requests_in_flight"] == 1 and len(files) > 2

    def answer(_: ReceivedRequest) -> Answer:
        if not has_seen.is_set():
            wait_until(is_written)
            has_seen.set()
        return Answer()

    events = write_events(tmp_path / "events.jsonl", tracks(3))
    segcli(*sending_to("webhook", vendor(answer).url), "--metrics", "m.prom",
           "--concurrency", "1", events)  # fmt: skip

    assert seen[-1]["run_state/running"] == 1
    assert metrics(tmp_path)["events_total/delivered"] == 3


def test_retries_have_their_cause(segcli: Segcli, vendor: Serve, tmp_path: Path) -> None:
    statuses = iter([503, 0, 200])
    at = vendor(lambda _: Answer(next(statuses)))
    events = write_events(tmp_path / "events.jsonl", tracks(1))
    segcli(*sending_to("webhook", at.url), "--metrics", "m.prom", events)

    found = metrics(tmp_path)
    assert found["retries_by_cause_total/http_503"] == found["retries_by_cause_total/no_reply"] == 1
    assert found["retries_total"] == 2


def test_a_sync_writes_metrics(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    csv(tmp_path / "m.csv", ["u1", "u2"])
    segcli(*engage("gist", start_sandbox().endpoint("gist"), "m.csv"), "--metrics", "m.prom")

    assert metrics(tmp_path)["events_total/delivered"] == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_found_before_the_run(
    segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    events = write_events(tmp_path / "events.jsonl", tracks(1))
    said = segcli("send", "-d", "gist", "--sandbox", "--metrics", "closed/m", events)

    assert said.code == 2
    assert "--metrics closed/m cannot be written" in said.err


def test_a_full_disk_at_the_end_is_reported_and_changes_nothing(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = metrics_file.rewrite, []

    def full(path: Path, content: list[bytes]) -> None:
        calls.append(path)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(metrics_file, "rewrite", full)
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    said = segcli("send", "-d", "gist", "--sandbox", "--metrics", "m.prom", events)

    assert said.code == 0
    assert "the metrics m.prom cannot be written: No space left on device" in said.err
    assert json.dumps(said.err).count("m.prom") == 1
