"""A destination file works like any other destination in send: faults, item results, resume."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.bombs import bomb
from support.fakes import Answer, ReceivedRequest, records, replies, report_in, tracks, write_events
from support.resuming import Segcli, Serve
from support.samples import EXAMPLES, SAMPLES

from segcli.http.transports import TRANSPORTS

LEDGER = ("delivered", "refused", "rejected", "skipped", "unsent")
ITEMS = {
    "batch": {"events": 50, "under": "batch"},
    "reply": {"items": {"list": "errors", "index": "index", "status": "status"}},
    "actions.0.mapping": {"id": {"@path": "$.messageId"}, "user": {"@path": "$.userId"}},
}


@pytest.fixture
def key(segcli: Segcli, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001  # it cleans first
    monkeypatch.setenv("SEGCLI_ACME_API_KEY", "the-key-of-acme")


def added_up(folder: Path) -> dict[str, int]:
    """Return the ledger of a report, which adds up."""
    report = report_in(folder)
    found: dict[str, int] = report["ledger"]
    assert sum(found[state] for state in LEDGER) == report["read"]
    return found


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("fault", ["503:10%", "reset:10%", "422:10%"])
def test_examples_are_sent_to_the_sandbox_and_the_ledger_adds_up(
    fault: str, name: str, segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = EXAMPLES[name].read_text().replace("rate = 1\n", "rate = 1000\n")
    (tmp_path / EXAMPLES[name].name).write_text(document)
    inputs = [SAMPLES / f"{sample}.jsonl" for sample in ("checkout", "signup", "hostile")]
    here = ["-d", f"./{EXAMPLES[name].name}", "--report", "report.json", *inputs]
    monkeypatch.setattr("segcli.delivery.retry._FIRST_WAIT", 0.01)
    well = segcli("send", "--sandbox", *here)
    clean = added_up(tmp_path)
    badly = segcli("send", "--sandbox", "--fault", fault, "--seed", "7", *here)
    spoiled = added_up(tmp_path)

    assert (well.code, badly.code) == (1, 1), "hostile lines are rejected"
    assert clean["refused"] == clean["unsent"] == spoiled["unsent"] == 0
    assert clean["delivered"] >= 10
    assert spoiled["delivered"] + spoiled["refused"] == clean["delivered"]


OF_USERS = {
    "request.url": "https://api.acme.example/users/{payload.user}/events?n={payload.id}",
    "request.omit": ["user"],
    "actions.0.mapping": {"id": {"@path": "$.messageId"}, "user": {"@path": "$.userId"}},
}
IN_BATCHES = OF_USERS | {
    "request.url": "https://api.acme.example/users/{payload.user}/events",
    "request.compression": "gzip",
    "batch": {"events": 7},
}


@pytest.mark.parametrize("changes", [OF_USERS, IN_BATCHES], ids=["alone", "in batches"])
@pytest.mark.parametrize("fault", ["503:10%", "reset:10%", "400:10%"])
def test_events_with_addresses_of_their_own_keep_order_and_ledger(
    fault: str, changes: dict[str, Any], acme: Callable[..., Path], segcli: Segcli,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("segcli.delivery.retry._FIRST_WAIT", 0.01)
    events = write_events(tmp_path / "events.jsonl", tracks(300, users=20))
    said = segcli("send", "--sandbox", "--fault", fault, "--seed", "7", "-d", acme(changes),
                  "--report", "report.json", "--keep", "kept.jsonl", events)  # fmt: skip
    ledger = added_up(tmp_path)
    kept = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text().splitlines()]
    by_user: dict[str, list[int]] = {}
    for one in kept:
        number = int("".join(filter(str.isdigit, one["payload"]["id"])))
        by_user.setdefault(one["route"], []).append(number)

    assert said.code in (0, 1), said.err
    assert ledger["unsent"] == 0
    assert ledger["delivered"] <= len(kept)
    assert len({one["payload"]["id"] for one in kept}) >= ledger["delivered"]
    assert len(by_user) == 20
    for numbers in by_user.values():
        assert list(dict.fromkeys(numbers)) == sorted(set(numbers))


def test_check_counts_requests_by_address_and_finds_fields_that_are_only_there(
    acme: Callable[..., Path], segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(40, users=4))
    said = segcli("check", "-d", acme(IN_BATCHES), "--format", "json", "--coverage", "all", events)
    found = json.loads(said.out)

    assert [(one["route"], one["events"], one["requests"]) for one in found["plan"]["routes"]] == [
        ("/", 40, 8)
    ]
    lost = {one["path"] for one in found["not_carried"]}
    assert ("timestamp" in lost, "userId" in lost) == (True, False)


NAMED: dict[str, dict[str, Any]] = {
    "by a value": {"match": {"failed.users": "user"}},
    "by indexes": {"indexes": ["bad"], "retry_indexes": ["busy"], "unnamed": "retry"},
    "in a text": {"list": "errors", "index": "at", "index_text": "/data/{index}",
                  "unnamed": "retry"},
}  # fmt: skip


@pytest.mark.parametrize("how", NAMED)
def test_the_ledger_has_what_the_sandbox_took_however_it_names_events(
    how: str, acme: Callable[..., Path], segcli: Segcli, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("segcli.delivery.retry._FIRST_WAIT", 0.01)
    events = write_events(tmp_path / "events.jsonl", tracks(400, users=60))
    changes = ITEMS | {"reply": {"items": NAMED[how], "success": "body.code = 0"}}
    said = segcli("send", "--sandbox", "--fault", "item:3%", "--seed", "7", "-d", acme(changes),
                  "--report", "report.json", "--keep", "kept.jsonl", events)  # fmt: skip
    ledger = added_up(tmp_path)
    kept = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text().splitlines()]
    ids = [one["payload"]["id"] for one in kept]

    assert said.code == 1, said.err
    assert ledger["delivered"] == len(set(ids)) == len(ids)
    assert ledger["delivered"] + ledger["refused"] == 400
    assert ledger["refused"] > 0


def test_only_failed_events_of_a_batch_are_refused_or_resent(
    acme: Callable[..., Path], segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.delivery.retry._FIRST_WAIT", 0.01)
    events = write_events(tmp_path / "events.jsonl", tracks(2000, users=40))
    said = segcli("send", "--sandbox", "--fault", "item:10%", "--seed", "7", "-d", acme(ITEMS),
                  "--report", "report.json", events)  # fmt: skip
    report, ledger = report_in(tmp_path), added_up(tmp_path)

    assert said.code == 1
    assert 50 < ledger["refused"] < 160
    assert ledger["delivered"] == 2000 - ledger["refused"]
    assert (
        len({record["line"] for record in records(tmp_path / "acme.sandbox.rejects.ndjson")})
        == (ledger["refused"])
    )
    assert report["retries"] > 0
    assert [reason["reason"] for reason in report["reasons"]] == ['422: {"status":N}']


def items_answered(later: int) -> Callable[[ReceivedRequest], Answer]:
    """Answer 207: every seventh event is refused, every fifth is told to come again so often."""
    seen: dict[str, int] = {}
    taken: list[str] = []
    lock = threading.Lock()

    def answer(got: ReceivedRequest) -> Answer:
        with lock:
            entries = []
            for place, event in enumerate(json.loads(got.body)["batch"]):
                number = int(event["id"][1:])
                seen[event["id"]] = seen.get(event["id"], 0) + 1
                if number % 7 == 3:
                    entries.append({"index": place, "status": 422})
                elif number % 5 == 2 and seen[event["id"]] <= later:
                    entries.append({"index": place, "status": 503})
                else:
                    taken.append(event["id"])
            return Answer(207, body=json.dumps({"errors": entries}).encode())

    answer.taken = taken  # type: ignore[attr-defined]
    return answer


@pytest.mark.usefixtures("key")
def test_events_arrive_once_and_in_user_order_except_deferred_ones(
    acme: Callable[..., Path],
    segcli: Segcli,
    vendor: Serve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("segcli.delivery.retry._FIRST_WAIT", 0.01)
    answers = items_answered(later=2)
    events = write_events(tmp_path / "events.jsonl", tracks(300, users=7))
    said = segcli("send", "-d", acme(ITEMS), "--endpoint", vendor(answers).url, "--report",
                  "report.json", events)  # fmt: skip
    taken: list[str] = answers.taken  # type: ignore[attr-defined]

    assert said.code == 1
    assert len(taken) == len(set(taken)) == added_up(tmp_path)["delivered"]
    assert added_up(tmp_path)["refused"] == len([n for n in range(300) if n % 7 == 3])
    at_once = [int(one[1:]) for one in taken if int(one[1:]) % 5 != 2]
    for user in range(7):
        own = [number for number in at_once if number % 7 == user]
        assert own == sorted(own)


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>a proxy</html>", "acme answered HTTP 200, but its body is not JSON"),
        (b'{"errors": {}}', "the value at errors in its body is not a list"),
        (b'{"errors": [{"index": 900}]}', "answered for item 900, counted from 0, of a request"),
    ],
)
def test_success_reply_with_an_unexpected_body_stops_the_run_unsettled(
    body: bytes,
    says: str,
    acme: Callable[..., Path],
    segcli: Segcli,
    vendor: Serve,
    tmp_path: Path,
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(20))
    to = ("send", "-d", acme(ITEMS), "--report", "report.json", "--journal", "j", "--endpoint")
    said = segcli(*to, vendor(lambda _: Answer(200, body=body)).url, events)

    assert said.code == 3
    assert says in said.err
    assert added_up(tmp_path) == dict.fromkeys(LEDGER, 0) | {"unsent": 20}
    assert segcli(*to, vendor(lambda _: Answer(200)).url, events).code == 0
    assert added_up(tmp_path)["delivered"] == 20


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    "told",
    [
        (Answer(200, body=b"", length=900), "a body that broke off"),
        (Answer(207, body=b'{"errors": []}', length=900), "a body that broke off"),
        (
            Answer(200, {"content-encoding": "gzip, gzip"}, bomb("gzip", "gzip")),
            "a body of more than 4,194,304 bytes",
        ),
        (Answer(200, {"content-encoding": "gzip"}, b"{}"), "a body that cannot be decoded"),
    ],
    ids=["cut off", "cut off behind JSON", "too long", "not gzip"],
)
def test_truncated_success_reply_stops_the_run_unsettled(
    told: tuple[Answer, str],
    transport: str,
    acme: Callable[..., Path],
    segcli: Segcli,
    vendor: Serve,
    tmp_path: Path,
) -> None:
    answer, says = told
    at = vendor(lambda _: answer)
    events = write_events(tmp_path / "events.jsonl", tracks(4, users=1))
    said = segcli("send", "-d", acme(ITEMS), "--endpoint", at.url, "--report", "report.json",
                  "--http-transport", transport, events)  # fmt: skip

    assert said.code == 3
    assert f"acme answered HTTP {answer.status}, but with {says}" in said.err
    assert added_up(tmp_path)["unsent"] == 4
    assert len(at.got) == 1


# --- going on after a stop


@pytest.mark.usefixtures("key")
def test_resume_refuses_a_destination_file_that_maps_differently(
    acme: Callable[..., Path], segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(12))
    at = vendor(replies(*[Answer()] * 5, Answer(401)))
    to = ("send", "-d", acme(), "--concurrency", "1", "--journal", "j", "--endpoint", at.url)
    assert segcli(*to, events).code == 3
    for changes in (
        {"actions.0.mapping": {"other": 1}},
        {"actions.0.subscribe": "userId != null"},
        {"label": "Other"},
    ):
        acme(changes)
        said = segcli(*to, "--resume", events)
        assert said.code == 2
        assert said.err.startswith(
            "Error: acme has changed since the run to resume: it maps events differently\n"
            "Restore the destination as it was, or add --restart to send everything again."
        )
    assert len(at.got) == 6

    acme({"reply": {"stop": [409]}, "request.headers": {"X": "1"}, "limits.rate": 999})
    assert segcli(*to, "--resume", events).code == 0
    assert len(at.got) == 6 + 7


@pytest.mark.usefixtures("key")
def test_resume_command_names_the_destination_file(
    acme: Callable[..., Path], segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    acme()
    write_events(tmp_path / "events.jsonl", tracks(12))
    words = (
        "send",
        "-d",
        "./acme.json",
        "--concurrency",
        "1",
        "--endpoint",
        vendor(replies(*[Answer()] * 5, Answer(401))).url,
    )
    said = segcli(*words, "events.jsonl")

    assert f"segcli {' '.join(words)} events.jsonl --resume" in said.err
