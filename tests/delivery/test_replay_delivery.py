"""Old events on their way: what shares a request, what is marked, what expires while it waits."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.destination_file import acme, job_of
from support.fakes import Answer, ReceivedRequest, Vendor, records, write_events
from support.retry_harness import retry_harness
from support.tables import for_each

from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.core.decision import Mapped
from segcli.core.line import Line
from segcli.core.replay_age import Replayed, ReplayOptions
from segcli.core.reply import Reply
from segcli.delivery.batch import Bounds, QueuedPayload, item_of
from segcli.delivery.expiry import parted_by_expiry
from segcli.delivery.pipeline import SendRun, deliver
from segcli.lines import chunks

Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]
NOW = datetime(2026, 11, 30, tzinfo=UTC)
BATCH = {"events": 100, "under": "events", "with": {"live": True}}
MAPPING = {"id": {"@path": "$.messageId"}, "at": {"@path": "$.timestamp"}}


def events(*ages: float) -> Iterator[dict[str, Any]]:
    """Yield an event for each age in days, each of its own user."""
    for number, days in enumerate(ages):
        at = (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")
        yield {
            "type": "track",
            "event": "E",
            "userId": f"u{number % 3}",
            "messageId": f"m{number}",
            "timestamp": at,
        }


def requests_of(
    serve: Serve, folder: Path, replay: dict[str, Any], *ages: float, **options: Any
) -> tuple[list[dict[str, Any]], Tally]:
    """Return the bodies of the requests, and the counts."""
    found: list[dict[str, Any]] = []

    def answer(got: ReceivedRequest) -> Answer:
        found.append(json.loads(got.body))
        return Answer()

    vendor = serve(answer)
    destination = acme({"batch": BATCH, "replay": replay, "actions.0.mapping": MAPPING})
    job = replace(
        job_of(destination, endpoint=vendor.url),
        replay=ReplayOptions(now=NOW, is_fixed=True, **options),
    )
    path = write_events(folder / "events.jsonl", events(*ages))
    tally = Tally()
    inputs = chunks.inputs([str(path)])
    deliver(SendRun(job=job, inputs=inputs, rejects=folder / "rejects.ndjson"), tally)
    assert sum(tally.ledger(STATES_OF_SEND).values()) == tally.read == len(ages)
    return found, tally


OLD, NEW = 9.0, 0.5
HISTORICAL = {"set": [{"path": "historical", "at": "request"}]}


def ages_in(bodies: list[dict[str, Any]]) -> list[set[bool]]:
    """Return for each request whether it holds events that are older than a day."""
    day = NOW - timedelta(days=1)
    return [{datetime.fromisoformat(one["at"]) < day for one in body["events"]} for body in bodies]


def test_a_mark_of_the_request_is_in_the_requests_of_old_events_only(
    vendor: Serve, tmp_path: Path
) -> None:
    bodies, tally = requests_of(vendor, tmp_path, HISTORICAL, *[OLD, NEW] * 10)
    assert tally.delivered == 20
    for body, is_old in zip(bodies, ages_in(bodies), strict=True):
        assert is_old == {body.get("historical", False)}
        assert body["live"] is True


def test_a_mark_may_replace_a_field_around_the_events(vendor: Serve, tmp_path: Path) -> None:
    marks = {"set": [{"path": "live", "value": False, "at": "request"}]}
    bodies, _ = requests_of(vendor, tmp_path, marks, OLD, NEW)
    for body, is_old in zip(bodies, ages_in(bodies), strict=True):
        assert is_old == {not body["live"]}


def test_live_events_are_not_marked_and_share_requests(vendor: Serve, tmp_path: Path) -> None:
    bodies, tally = requests_of(vendor, tmp_path, HISTORICAL, *[OLD, NEW, OLD], live=True)
    assert tally.delivered == 3
    assert not any("historical" in body for body in bodies)
    assert {False, True} in ages_in(bodies)


@for_each(
    "case",
    [
        ({"set": [{"path": "backfill"}], "split": ["age"]}, False),
        ({"set": [{"path": "backfill"}]}, True),
    ],
)
def test_marked_events_share_requests_only_if_the_vendor_allows_it(
    vendor: Serve, tmp_path: Path, case: Any
) -> None:
    facts, shares = case
    bodies, _ = requests_of(vendor, tmp_path, facts, *[OLD, NEW, NEW] * 3)
    assert any(len(ages) == 2 for ages in ages_in(bodies)) is shares
    marked = [one for body in bodies for one in body["events"] if "backfill" in one]
    assert len(marked) == 3


def test_what_sinks_a_request_never_shares_it_with_others(vendor: Serve, tmp_path: Path) -> None:
    facts = {"oldest": "1d", "older": "request", "time": "at"}
    bodies, tally = requests_of(vendor, tmp_path, facts, *[OLD, NEW] * 5, older="send")
    assert tally.delivered == 10
    assert all(len(ages) == 1 for ages in ages_in(bodies))


def test_two_users_never_share_a_request_where_one_user_is_all(
    vendor: Serve, tmp_path: Path
) -> None:
    bodies, tally = requests_of(vendor, tmp_path, {"split": ["user"]}, *[NEW] * 12)
    assert tally.delivered == 12
    for body in bodies:
        assert len({int(one["id"][1:]) % 3 for one in body["events"]}) == 1


def test_skipped_events_are_counted_and_rejected_ones_are_kept(
    vendor: Serve, tmp_path: Path
) -> None:
    facts = {"oldest": "1d", "older": "lost"}
    _, tally = requests_of(vendor, tmp_path, facts, OLD, NEW)
    assert (tally.delivered, tally.skipped) == (1, 1)
    assert tally.codes["skipped", "age"] == 1
    _, tally = requests_of(vendor, tmp_path, facts, OLD, NEW, older="reject")
    assert (tally.delivered, tally.rejected) == (1, 1)
    [record] = records(tmp_path / "rejects.ndjson")
    assert record["event"]["messageId"] == "m0"
    assert "too old for acme" in record["reason"]


LATE = "too old for acme, which refuses it: more than 5 days old"


def aging(number: int, expires: float) -> QueuedPayload:
    replayed = Replayed("track", 0.0, expires=expires, late=LATE)
    body = b"%d" % number
    return item_of(
        Line("f", number, body), Mapped("/", body, f"u{number}", replayed=replayed), Bounds(9)
    )


@for_each("older", ["skip", "reject"])
def test_an_event_that_expires_while_it_waits_is_left_out_by_the_clock(
    tmp_path: Path, older: Any
) -> None:
    now = [1000.0]
    one = retry_harness(tmp_path / older, clock=lambda: now[0])
    facts = acme({"replay": {"oldest": "5d", "older": "refused"}}).replay
    job = one.sender.job
    one.sender.job = replace(
        job, destination=replace(job.destination, replay=facts), replay=ReplayOptions(older=older)
    )
    one.sender.__post_init__()
    one.sender.ledger.open(3)
    answers = iter([Reply(503, {}, b""), Reply(200, {}, b"")])

    def answer(_: list[bytes]) -> Reply:
        now[0] += 1.5
        return next(answers)

    batch = [aging(1, 999.0), aging(2, 1001.0), aging(3, 2000.0)]
    one.play(one.sender.send(batch, one.to(answer)))
    assert [bodies for _, bodies in one.posts] == [[b"2", b"3"], [b"3"]]
    left = {"skip": "skipped", "reject": "rejected"}[older]
    assert one.tally.reasons == {(left, LATE): 2}
    assert one.tally.delivered == 1


def test_a_batch_of_expired_events_only_makes_no_request(tmp_path: Path) -> None:
    one = retry_harness(tmp_path / "rejects", clock=lambda: 1000.0)
    facts = acme({"replay": {"oldest": "5d", "older": "refused"}}).replay
    job = one.sender.job
    one.sender.job = replace(job, destination=replace(job.destination, replay=facts))
    one.sender.__post_init__()
    one.sender.ledger.open(1)
    one.play(one.sender.send([aging(1, 999.0)], one.to(lambda _: Reply(200, {}, b""))))
    assert one.posts == []
    assert (one.tally.skipped, one.sender.throttle.in_flight) == (1, 0)


def test_one_expired_action_of_several_is_rejected_not_skipped() -> None:
    batch = [aging(1, 999.0), aging(2, 999.0), aging(3, 2000.0)]
    rest, results = parted_by_expiry(batch, 1000.0, "skip", lambda line: line.number == 1)
    assert rest == batch[2:]
    assert [(one.state, one.code, len(one.lines)) for one in results] == [
        ("rejected", "SEG504", 1),
        ("skipped", "", 1),
    ]
