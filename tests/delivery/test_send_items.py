"""A vendor that replies with a result for each item, over HTTP."""

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.fakes import Answer, ReceivedRequest, Vendor, records, tracks, write_events
from support.retry_harness import AcmeSettings, acme

from segcli import Items, by_item
from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.core.outcome import Job
from segcli.core.reply import Partial, Reply, Verdict, by_status
from segcli.delivery.pipeline import SendRun, deliver
from segcli.lines import chunks


def by_hand(reply: Reply) -> Verdict:
    """Judge a 207 by the status of each item in its body."""
    if reply.status != 207:
        return by_status(reply)
    statuses = json.loads(reply.body)
    return Partial(
        {place: f"HTTP {status}" for place, status in enumerate(statuses) if status == 422},
        frozenset(place for place, status in enumerate(statuses) if status == 503),
    )


def in_words(reply: Reply) -> Verdict:
    """Judge as `by_item` does, with objects as entries."""
    entries = [{"status": status} for status in json.loads(reply.body)]
    return by_item(Items(status="status"))(replace(reply, body=json.dumps(entries).encode()))


@pytest.mark.parametrize("verdict", [by_hand, in_words])
def test_each_item_of_a_207_is_delivered_refused_or_retried(
    verdict: Callable[[Reply], Verdict],
    vendor: Callable[[Callable[[ReceivedRequest], Answer]], Vendor],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="segcli")
    seen: Counter[str] = Counter()

    def status_of(number: str) -> int:
        seen[number] += 1
        if int(number) % 10 == 3:
            return 422
        return 503 if int(number) % 10 == 7 and seen[number] == 1 else 200

    def answer(got: ReceivedRequest) -> Answer:
        events = json.loads(b"[" + got.body + b"]")
        statuses = [status_of(event["messageId"][1:]) for event in events]
        return Answer(207, body=json.dumps(statuses).encode())

    path = write_events(tmp_path / "events.jsonl", tracks(100, users=1))
    rejects, tally = tmp_path / "rejects.ndjson", Tally()
    settings = AcmeSettings(endpoint=vendor(answer).url)
    job = Job(destination=acme(verdict), settings=settings)
    deliver(SendRun(job=job, inputs=chunks.inputs([str(path)]), rejects=rejects), tally)

    assert tally.ledger(STATES_OF_SEND) == {
        "delivered": 90, "refused": 10, "rejected": 0, "skipped": 0, "unsent": 0,
    }  # fmt: skip
    assert [record["line"] for record in records(rejects)] == [n + 1 for n in range(3, 100, 10)]
    assert {number for number, times in seen.items() if times == 2} == {
        str(number) for number in range(7, 100, 10)
    }
    assert (tally.requests, tally.retries) == (2, 1)
    for record in records(rejects):
        assert json.loads(record["payload"]) == record["event"]
        assert json.loads(record["reply"])[3] == 422
        assert record["address"] == f"{settings.endpoint}/"
    # What was settled of the first request is told before what becomes of the rest.
    told = [row.__dict__.get("event") for row in caplog.records if row.name != "segcli.inputs"]
    first = ["start", "request", "reply", "delivered", *["refused"] * 10, "retry"]
    assert told == [*first, "request", "reply", "delivered", "end"]
    (retry,) = [row.__dict__ for row in caplog.records if row.__dict__.get("event") == "retry"]
    assert (retry["events"], retry["status"], retry["attempt"]) == (10, 207, 1)
