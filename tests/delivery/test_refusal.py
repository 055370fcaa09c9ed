"""A rejects file has what helps to understand a refusal, and no secret."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import (
    Answer,
    CommandResult,
    ReceivedRequest,
    Vendor,
    records,
    sending_to,
    track,
    tracks,
    write_events,
)
from support.tables import for_each

from segcli.core.destination import Request
from segcli.core.redaction import Redactor
from segcli.core.reply import Reply
from segcli.core.secret import Secret
from segcli.delivery.refusal import MAX_PAYLOAD, MAX_REPLY, refusals_of, shown_body

Segcli = Callable[..., CommandResult]
Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]

KEY = "sk_live_8f2b61c0d9e74a53b1"
REDACTOR = Redactor(Secret(KEY).forms())


def refusing(number: int, answer: Answer) -> Callable[[ReceivedRequest], Answer]:
    """Answer like this to the event with this number, and take all others."""
    return lambda got: answer if f'"m{number}"'.encode() in got.body else Answer()


@pytest.fixture
def rejects(tmp_path: Path) -> Path:
    return tmp_path / "webhook.rejects.ndjson"


def test_a_record_has_the_request_the_reply_and_its_ids(
    segcli: Segcli, vendor: Serve, rejects: Path, tmp_path: Path
) -> None:
    ids = {"X-Request-Id": "req-17", "CF-Ray": "8f2-FRA", "Server": "nginx"}
    at = vendor(refusing(1, Answer(422, ids, b'{"error":"no plan"}')))
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    said = segcli(*sending_to("webhook", f"{at.url}/hook?token=tok_91c47d"), events)

    assert said.code == 1
    (record,) = records(rejects)
    assert record["address"] == f"{at.url}/hook?…"
    assert record["reply_ids"] == {"x-request-id": "req-17", "cf-ray": "8f2-FRA"}
    assert record["reply"] == '{"error":"no plan"}'
    assert record["payload"] == json.dumps(tracks(3)[1])
    assert b"tok_91c47d" not in rejects.read_bytes()


def test_each_event_of_a_refused_batch_has_its_own_payload(
    segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    at = vendor(lambda _: Answer(422))
    events = write_events(tmp_path / "events.jsonl", tracks(5))
    segcli(*sending_to("segment", at.url), events)

    found = records(tmp_path / "segment.rejects.ndjson")
    assert len(at.got) == 1
    assert [json.loads(row["payload"])["messageId"] for row in found] == [f"m{n}" for n in range(5)]


def test_a_line_that_was_never_sent_has_no_request(
    segcli: Segcli, vendor: Serve, rejects: Path, tmp_path: Path
) -> None:
    at = vendor(lambda _: Answer())
    segcli(*sending_to("webhook", at.url), write_events(tmp_path / "events.jsonl", [b"{]"]))

    (record,) = records(rejects)
    assert [*record] == ["file", "line", "state", "reason", "status", "attempts", "raw"]


@pytest.mark.parametrize("body", [b"x" * 100_000, "é…".encode() * 50_000, b"\xff" * 50_000])
def test_payloads_and_replies_are_bounded(body: bytes) -> None:
    request = Request("https://acme.example/track", body)
    refusal = refusals_of(request, Reply(422, {"x-request-id": "i" * 9999}, body), REDACTOR)([body])

    assert MAX_PAYLOAD - 8 <= len(refusal.payloads[0].encode()) <= MAX_PAYLOAD
    assert MAX_REPLY - 8 <= len(refusal.reply.encode()) <= MAX_REPLY
    assert len(refusal.reply_ids["x-request-id"]) == 200


@for_each(
    "form",
    [
        KEY,
        KEY.upper(),
        base64.b64encode(f"{KEY}:".encode()).decode(),
        base64.b64encode(f"a longer text with {KEY} in it".encode()).decode(),
        KEY.encode().hex(),
        "".join(f"%{byte:02x}" for byte in KEY.encode()),
        f"{KEY[:9]} {KEY[9:]}",
    ],
)
@for_each("before", [0, MAX_REPLY - 20, MAX_PAYLOAD - 20])
def test_a_secret_is_hidden_in_every_part_also_where_it_is_cut(form: str, before: int) -> None:
    text = "x" * before + "y" + form
    request = Request(f"https://user:{KEY}@acme.example/{form}?key={KEY}", b"")
    reply = Reply(422, {"x-request-id": form}, text.encode())
    refusal = refusals_of(request, reply, REDACTOR)([text.encode(), json.dumps([text]).encode()])

    parts = (refusal.address, refusal.reply, *refusal.payloads, *refusal.reply_ids.values())
    middle = form[len(form) // 2 - 4 :][:8]
    assert not [part for part in parts if KEY[:8].lower() in part.lower() or middle in part]


def test_a_body_without_a_secret_keeps_its_bytes() -> None:
    body = b'{"total": 1.50,  "id": 12345678901234567890123}'

    assert shown_body(body, MAX_PAYLOAD, REDACTOR) == body.decode()


def test_refused_events_are_sent_again_as_they_were(
    segcli: Segcli, vendor: Serve, rejects: Path, tmp_path: Path
) -> None:
    line = json.dumps(track(7, note='","event":{"a":1.0}')).replace('": "', '":  "').encode()
    events = write_events(tmp_path / "events.jsonl", [line])
    refused = vendor(lambda _: Answer(422, body=b'{"event":{"x":1},"attempts":3}'))
    segcli(*sending_to("webhook", refused.url), events)
    taken = vendor(lambda _: Answer())
    segcli(*sending_to("webhook", taken.url), rejects)

    assert [got.body for got in taken.got] == [line]
