"""`send` over real HTTP: each destination accepts what `transform` prints."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fakes import (
    Answer,
    CommandResult,
    Vendor,
    records,
    report_in,
    sending_to,
    track,
    tracks,
    write_events,
)
from support.samples import SAMPLES

from segcli.delivery.pipeline import GRACE
from segcli.destinations import BUILT_IN
from segcli.sandbox import SandboxServer

Segcli = Callable[..., CommandResult]
Start = Callable[..., SandboxServer]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return write_events(tmp_path / "events.jsonl", tracks(12))


def texts(payloads: list[bytes]) -> Counter[bytes]:
    """Count payloads; the sandbox writes white space between tokens as spaces."""
    return Counter(payload.replace(b"\r", b" ") for payload in payloads)


@pytest.mark.parametrize("name", BUILT_IN)
def test_vendor_receives_exactly_what_transform_prints(
    name: str, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    samples = sorted(SAMPLES.glob("*.jsonl"))
    kept = tmp_path / "kept.ndjson"
    at = start_sandbox(keep=kept)
    sent = segcli(*sending_to(name, at.endpoint(name)), *samples)
    printed = (
        segcli("transform", "--quiet", "--dest", name, *samples).out.encode().split(b"\n")[:-1]
    )

    lines = kept.read_bytes().split(b"\n")[:-1]
    accepted = [line.partition(b', "payload": ')[2][:-1] for line in lines]
    assert texts(accepted) == texts(printed)
    ledger = report_in(tmp_path)["ledger"]
    assert ledger["delivered"] == len(printed)
    assert (ledger["refused"], ledger["unsent"]) == (0, 0)
    assert sent.code == 1
    assert len(records(tmp_path / f"{name}.rejects.ndjson")) == ledger["rejected"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_full_delivery_exits_0_without_stdout_and_rejects(
    name: str, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    identify = {**track(), "type": "identify", "traits": {"email": "ada@example.com"}}
    events = write_events(tmp_path / "events.jsonl", [identify, *tracks(5)])
    said = segcli(*sending_to(name, start_sandbox().endpoint(name)), events)

    assert (said.code, said.out) == (0, "")
    assert "6  delivered" in said.err
    assert not list(tmp_path.glob("*.rejects*"))


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "webhook"])
def test_wrong_key_stops_the_run_at_once_and_names_the_setting(
    name: str, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(500, users=50))
    at = start_sandbox(key="another")
    said = segcli(*sending_to(name, at.endpoint(name)), events)
    report = report_in(tmp_path)

    assert said.code == 3
    assert "HTTP 401" in said.err
    assert f"Check api_key. Set it with: export SEGCLI_{name.upper()}_API_KEY=" in said.err
    assert report["ledger"] == {
        "delivered": 0,
        "refused": 0,
        "rejected": 0,
        "skipped": 0,
        "unsent": report["read"],
    }
    assert report["retries"] == 0
    assert report["seconds"] < GRACE, "it has not waited for answers that do not come"
    assert at.app.counts()["totals"]["requests"] <= 10
    assert not list(tmp_path.glob("*.rejects*"))


def test_missing_key_is_an_error_before_sending(
    segcli: Segcli, start_sandbox: Start, events: Path
) -> None:
    at = start_sandbox()
    said = segcli("send", "-d", "gist", "--endpoint", at.endpoint("gist"), events)

    assert said.code == 2
    assert "gist needs api_key" in said.err
    assert "export SEGCLI_GIST_API_KEY=" in said.err
    assert at.app.counts()["totals"]["requests"] == 0


def test_refused_event_is_kept_and_the_rest_delivered(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    bad = track(77, properties={"note": "POISON"})
    events = write_events(tmp_path / "events.jsonl", [*tracks(5), bad, *tracks(6)])
    at = start_sandbox(poison="POISON")
    said = segcli(*sending_to("webhook", at.endpoint("webhook")), events)

    assert said.code == 1
    assert len(at.app.accepted) == 11
    assert records(tmp_path / "webhook.rejects.ndjson") == [
        {
            "file": str(events),
            "line": 6,
            "state": "refused",
            "reason": 'HTTP 400: {"message": "the payload contains the text of --poison"}',
            "status": 400,
            "address": at.endpoint("webhook"),
            "reply_ids": {},
            "reply": '{"message": "the payload contains the text of --poison"}',
            "payload": json.dumps(bad),
            "attempts": 1,
            "event": bad,
        }
    ]
    assert "rejects: webhook.rejects.ndjson" in said.err


def test_a_batch_is_split_until_only_the_bad_event_is_refused(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    bad = track(77, properties={"note": "POISON"})
    events = write_events(tmp_path / "events.jsonl", [*tracks(50), bad, *tracks(49)])
    at = start_sandbox(poison="POISON")
    segcli(*sending_to("segment", at.endpoint("segment")), events, "--concurrency", "1")

    assert [record["event"] for record in records(tmp_path / "segment.rejects.ndjson")] == [bad]
    assert [got.payload for got in at.app.accepted] == [*tracks(50), *tracks(49)]
    assert at.app.counts()["totals"]["requests"] < 20


def test_rejects_file_can_be_sent_as_an_input(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    bad = track(1, properties={"note": "POISON"})
    events = write_events(tmp_path / "events.jsonl", [bad, b"{]", track(2)])
    poisoned, well = start_sandbox(poison="POISON"), start_sandbox()
    segcli(*sending_to("webhook", poisoned.endpoint("webhook")), events)
    said = segcli(*sending_to("webhook", well.endpoint("webhook")), "webhook.rejects.ndjson")

    assert said.code == 1
    assert [got.payload for got in well.app.accepted] == [bad]
    assert report_in(tmp_path)["ledger"]["rejected"] == 1
    assert len(records(tmp_path / "webhook.rejects.ndjson")) == 2
    assert [
        (record["file"], record["line"], record["raw"])
        for record in records(tmp_path / "webhook.rejects.2.ndjson")
    ] == [("webhook.rejects.ndjson", 1, "{]")]


def test_a_record_without_an_event_is_sent_once_its_text_is_corrected_or_replaced(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    good = [track(1), track(2), track(3)]
    text = json.dumps(good[0])
    bad = [text[:-1].encode(), b"{]", json.dumps(good[2]).encode()[:-1] + b"\xff"]
    sandbox = start_sandbox()
    send = sending_to("webhook", sandbox.endpoint("webhook"))
    segcli(*send, write_events(tmp_path / "events.jsonl", bad))
    first, second, third = records(tmp_path / "webhook.rejects.ndjson")

    assert ("raw" in first, "raw" in second, "raw_base64" in third) == (True, True, True)
    first["raw"] = text
    del second["raw"]
    second["event"] = good[1]
    # Also if the text that was not an event stays.
    third["event"] = good[2]
    said = segcli(*send, write_events(tmp_path / "repaired.ndjson", [first, second, third]))
    assert said.code == 0
    assert sorted(map(str, (got.payload for got in sandbox.app.accepted))) == [*map(str, good)]


def test_rejects_option_names_the_file_and_refuses_an_input(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", [b"{]", track()])
    to = sending_to("webhook", start_sandbox().endpoint("webhook"))
    said = segcli(*to, events, "--rejects", "my.rejects")
    refused = segcli(*to, events, "--rejects", events)

    assert (said.code, len(records(tmp_path / "my.rejects"))) == (1, 1)
    assert refused.code == 2
    assert "is also an input" in refused.err


def test_report_is_json_with_all_figures_of_the_run(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    page = {"type": "page", "userId": "u1"}
    events = write_events(tmp_path / "events.jsonl", [*tracks(5), page, b"{"])
    at = start_sandbox()
    segcli(*sending_to("plotline", at.endpoint("plotline") + "?token=hidden"), events)
    report: dict[str, Any] = report_in(tmp_path)

    assert report["ledger"] == {
        "delivered": 5, "refused": 0, "rejected": 1, "skipped": 1, "unsent": 0,
    }  # fmt: skip
    assert report["reasons"] == [
        {"state": "skipped", "reason": "page is not for plotline", "lines": 1},
        {"state": "rejected", "reason": "not JSON: it ends too early", "lines": 1},
    ]
    assert report["inputs"] == [{"name": str(events), "bytes": events.stat().st_size}]
    assert report["bytes_read"] == events.stat().st_size
    assert report["bytes_sent"] == sum(len(json.dumps(event)) for event in tracks(5))
    assert report["endpoint"] == at.endpoint("plotline") + "?…"
    assert (report["read"], report["requests"], report["retries"]) == (7, 5, 0)
    assert (report["exit_code"], report["stopped"], report["sandbox"]) == (1, None, False)
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p99"]
    assert report["rejects"] == "plotline.rejects.ndjson"


def test_rate_option_limits_requests(
    segcli: Segcli, start_sandbox: Start, events: Path, tmp_path: Path
) -> None:
    segcli(*sending_to("webhook", start_sandbox().endpoint("webhook")), events, "--rate", "20/s")
    report = report_in(tmp_path)

    assert report["ledger"]["delivered"] == 12
    assert report["seconds"] > 11 / 20 - 0.06


def test_events_of_a_user_are_sent_in_order_one_at_a_time(
    segcli: Segcli, vendor: Callable[..., Vendor], tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", [track(number) for number in range(30)])
    at = vendor(lambda _got: Answer())
    segcli(*sending_to("webhook", at.url), events, "--concurrency", "8")

    assert [json.loads(got.body)["messageId"] for got in at.got] == [f"m{n}" for n in range(30)]


def test_requests_to_this_machine_bypass_proxies(
    segcli: Segcli, events: Path, vendor: Callable[..., Vendor], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = vendor(lambda _got: Answer())
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    said = segcli("send", "--sandbox", "-d", "gist", events)

    assert proxy.got == []
    assert (said.code, "12  delivered" in said.err) == (0, True)
