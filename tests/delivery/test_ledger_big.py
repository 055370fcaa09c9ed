"""The main promise at size: two thousand events through a vendor with many failures."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import job_to, track, write_events

from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.delivery.pipeline import SendRun, deliver
from segcli.lines import chunks
from segcli.sandbox import Fault, SandboxServer

EVENTS, USERS = 2_000, 100


def test_thousands_of_events_arrive_in_order_with_duplicates_only_after_resets(
    start_sandbox: Callable[..., SandboxServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.delivery.retry._FIRST_WAIT", 0.025)
    # 7919 is a prime: neighbouring lines have unrelated users.
    sent = [track(number, f"u{number * 7919 % USERS}") for number in range(EVENTS)]
    path = write_events(tmp_path / "events.jsonl", sent)
    at = start_sandbox(
        faults=(Fault("503", 0.1), Fault("429", 0.04), Fault("reset", 0.06)),
        retry_after=0.001,
        seed=20_260_203,
    )
    tally = Tally()
    deliver(
        SendRun(
            job=job_to("webhook", at.endpoint("webhook")),
            inputs=chunks.inputs([str(path)]),
            rejects=tmp_path / "rejects.ndjson",
            concurrency=16,
        ),
        tally,
    )
    counts = at.app.counts()["totals"]
    failed = counts["faults"]

    assert tally.ledger(STATES_OF_SEND) == {
        "delivered": EVENTS, "refused": 0, "rejected": 0, "skipped": 0, "unsent": 0,
    }  # fmt: skip
    assert tally.read == EVENTS
    assert tally.bytes_read == tally.bytes_to_send == tally.bytes_answered == path.stat().st_size
    assert not (tmp_path / "rejects.ndjson").exists()

    assert min(failed["503"], failed["429"], failed["reset before"], failed["reset after"]) > 20
    assert counts["requests"] == tally.requests == EVENTS + sum(failed.values())
    assert counts["accepted"] == len(at.app.accepted) == EVENTS + failed["reset after"]

    by_user: dict[str, dict[str, None]] = defaultdict(dict)
    for got in at.app.accepted:
        by_user[got.payload["userId"]].setdefault(got.payload["messageId"])
    expected: dict[str, list[str]] = defaultdict(list)
    for event in sent:
        expected[event["userId"]].append(event["messageId"])
    assert {user: list(first) for user, first in by_user.items()} == expected
