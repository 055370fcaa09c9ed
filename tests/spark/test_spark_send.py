"""`segcli spark send`: everything once, in order per user, at one rate, and an exact account."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from support.archives import Archive, write_archive
from support.fakes import Answer, CommandResult, ReceivedRequest, vendor_server
from support.samples import KEY
from support.spark_sends import Received, judged, places_of

import segcli.spark

pytestmark = pytest.mark.spark
KINDS = ("identify", "track", "page", "screen", "group", "alias")
OK, REFUSED, LOCKED = Answer(200), Answer(422, body=b"no"), Answer(401, body=b"who?")


@dataclass
class Log:
    """What a vendor has received, in order."""

    accepted: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    is_locked: bool = False
    lock: Lock = field(default_factory=Lock)

    def answer(self, got: ReceivedRequest) -> Answer:
        message_id = json.loads(got.body)["messageId"]
        with self.lock:
            self.times.append(time.monotonic())
            if self.is_locked:
                return LOCKED
            self.accepted.append(message_id)
        return REFUSED if message_id.endswith("7") else OK


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def to_vendor(log: Log, tmp_path: Path) -> Iterator[list[Any]]:
    """Return the options of a send to a vendor that logs what it accepts."""
    with vendor_server(log.answer) as server:
        yield [
            *("-d", "webhook", "--endpoint", server.url, "--state", tmp_path / "state"),
            *("--buckets", "3", "--timeout", "2s", "--concurrency", "16", "--retry-for", "5s"),
        ]


@pytest.fixture
def small(tmp_path: Path) -> Archive:
    return write_archive(tmp_path, is_cut=False, files=6, events=40, has_samples=False)


def test_every_event_is_sent_once_in_order_and_accounted_for(
    small: Archive,
    to_vendor: list[Any],
    log: Log,
    on_spark: Callable[..., CommandResult],
    tmp_path: Path,
) -> None:
    report = tmp_path / "report.json"

    said = on_spark("send", small.folder, *to_vendor, "--report", report)

    assert said.code == 1, said.err
    assert judged(small.folder, log.accepted) == Received(240, lost=0, twice=0, out_of_order=0)
    refused = sum(one.endswith("7") for one in log.accepted)
    ledger = json.loads(report.read_text())["ledger"]
    # In each file: a blank line, one that is cut off, two that are no JSON.
    assert ledger == {
        "delivered": 240 - refused,
        "refused": refused,
        "rejected": 18,
        "skipped": 6,
        "unsent": 0,
    }
    state = to_vendor[5]
    assert f"{240 - refused:,}  delivered" in on_spark("status", state).out
    kept = [json.loads(line) for line in on_spark("rejects", state).out.splitlines()]
    assert len(kept) == refused + 18
    again = on_spark("send", small.folder, *to_vendor)
    assert again.code == 2
    assert "has sent everything" in again.err
    assert on_spark("send", small.folder, *to_vendor, "--resume").code == 1
    assert len(log.accepted) == 240


def test_a_wrong_key_stops_the_job_without_retries_and_resuming_sends_the_rest(
    small: Archive,
    to_vendor: list[Any],
    log: Log,
    on_spark: Callable[..., CommandResult],
    spark: Any,
) -> None:
    log.is_locked = True
    tracker = spark.sparkContext.statusTracker()
    before = set(tracker.getJobIdsForGroup())

    stopped = on_spark("send", small.folder, *to_vendor)
    requests = len(log.times)
    log.is_locked = False
    resumed = on_spark("send", small.folder, *to_vendor, "--resume")

    assert stopped.code == 3
    assert "401" in stopped.err
    assert "--resume" in stopped.err
    # What two tasks had in flight.
    assert 0 < requests <= 16
    assert resumed.code == 1, resumed.err
    assert judged(small.folder, log.accepted) == Received(240, lost=0, twice=0, out_of_order=0)
    jobs = set(tracker.getJobIdsForGroup()) - before
    stages = [stage for job in jobs for stage in tracker.getJobInfo(job).stageIds]
    infos = [info for stage in stages if (info := tracker.getStageInfo(stage))]
    assert infos
    assert not sum(info.numFailedTasks for info in infos)


def test_the_rate_holds_for_all_tasks_together(
    small: Archive, to_vendor: list[Any], log: Log, on_spark: Callable[..., CommandResult]
) -> None:
    words = (*to_vendor, "--rate", "40/s", "--wave", "all")

    assert on_spark("send", small.folder, *words).code == 1

    # That the rate is reached is tested by a simulated clock: a busy machine may delay anything.
    early = [sent - 40 * (time - log.times[0]) for sent, time in enumerate(log.times)]
    assert max(early) <= 40


def test_the_rate_of_a_route_holds_for_all_tasks_together(
    small: Archive, to_vendor: list[Any], log: Log, on_spark: Callable[..., CommandResult]
) -> None:
    file = small.folder.parent / "routed.json"
    action = {
        "subscribe": " or ".join(f'type = "{kind}"' for kind in KINDS),
        "mapping": {"messageId": {"@path": "$.messageId"}},
        "route": "/all",
        "limits": {"rate": 60},
    }
    document = {"name": "routed", "request": {"url": "https://routed.example{route}"}}
    file.write_text(json.dumps(document | {"actions": [action]}))
    words = ["-d", file, *to_vendor[2:]]

    assert on_spark("send", small.folder, *words, "--wave", "all").code == 1
    # Three tasks send 20 a second each, and one of them a third of the events or more.
    assert log.times[-1] - log.times[0] >= (240 / 3 - 1) / 20 - 0.1


def test_a_time_to_come_is_refused_before_anything_is_sent(
    small: Archive, log: Log, on_spark: Callable[..., CommandResult], tmp_path: Path
) -> None:
    words = ["-d", "klaviyo", "--state", tmp_path / "state", "--now", "9999-01-01"]
    key = tmp_path / "key"
    key.write_text(KEY)
    said = on_spark("send", small.folder, *words, "--api-key-file", key)

    assert said.code == 2
    assert "--now is ahead of the clock" in said.err
    assert log.times == []


def test_a_file_that_changed_is_refused_when_a_job_is_resumed(
    small: Archive, to_vendor: list[Any], log: Log, on_spark: Callable[..., CommandResult]
) -> None:
    log.is_locked = True
    assert on_spark("send", small.folder, *to_vendor).code == 3
    changed = max(small.folder.rglob("*.gz"))
    changed.write_bytes(changed.read_bytes() + b"\0")

    said = on_spark("send", small.folder, *to_vendor, "--resume")

    assert said.code == 2
    assert f"{changed} has changed since the job began" in said.err


def test_the_key_is_in_no_setting_log_or_summary(
    small: Archive,
    to_vendor: list[Any],
    log: Log,
    on_spark: Callable[..., CommandResult],
    events_of_spark: Path,
) -> None:
    tmp_path = small.folder.parent
    key = tmp_path / "key"
    key.write_text(f"{KEY}\n")
    for number, source in enumerate(("--api-key-from", "--api-key-file")):
        value = f"file:{key}" if source == "--api-key-from" else key
        words = [*to_vendor]
        words[5] = tmp_path / f"state-{number}"
        said = on_spark("send", small.folder, *words, source, value)
        assert said.code == 1, said.err
        written = [path.read_bytes() for path in words[5].rglob("*") if path.is_file()]
        assert not [text for text in written if KEY.encode() in text]
        assert KEY not in said.err + said.out

    assert len(log.accepted) == 480
    # They have the settings of the session, too.
    logs = [path for path in events_of_spark.rglob("*") if path.is_file()]
    assert logs
    assert not [path for path in logs if KEY.encode() in path.read_bytes()]


def test_notebook_gets_the_account_of_a_send(
    small: Archive, to_vendor: list[Any], log: Log, spark: Any, tmp_path: Path
) -> None:
    report = segcli.spark.send(
        spark,
        small.folder,
        dest="webhook",
        settings={"endpoint": to_vendor[3]},
        api_key=KEY,
        state=tmp_path / "state",
        buckets=2,
        timeout=2,
    )

    assert not report.ok
    assert report.read == len(places_of(small.folder)) + 24
    assert report.ledger["delivered"] + report.ledger["refused"] == len(log.accepted) == 240
