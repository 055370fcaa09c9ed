"""What each reply of a vendor, and each missing reply, means for a run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import (
    Answer,
    CommandResult,
    ReceivedRequest,
    Vendor,
    closed_port,
    records,
    replies,
    report_in,
    sending_to,
    track,
    tracks,
    write_events,
)
from support.wires import Call, socket_server

from segcli.http.transports import TRANSPORTS
from segcli.sandbox import Fault, SandboxServer

Segcli = Callable[..., CommandResult]
Start = Callable[..., SandboxServer]
Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]

AT_ONCE = {"retry-after": "0"}


@pytest.fixture
def event(tmp_path: Path) -> Path:
    return write_events(tmp_path / "events.jsonl", [track()])


def always(answer: Answer) -> Callable[[ReceivedRequest], Answer]:
    return lambda _got: answer


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207])
def test_status_2xx_is_delivered(
    status: int, segcli: Segcli, vendor: Serve, event: Path, tmp_path: Path
) -> None:
    at = vendor(always(Answer(status, body=b"" if status == 204 else b"{}")))
    said = segcli(*sending_to("webhook", at.url), event)

    assert (said.code, report_in(tmp_path)["ledger"]["delivered"], len(at.got)) == (0, 1, 1)


@pytest.mark.parametrize("status", [408, 423, 425, 429, 500, 502, 503, 504, 507, 599])
def test_temporary_error_status_is_retried(
    status: int, segcli: Segcli, vendor: Serve, event: Path, tmp_path: Path
) -> None:
    at = vendor(replies(Answer(status, AT_ONCE), Answer(status, AT_ONCE)))
    said = segcli(*sending_to("webhook", at.url), event)
    report = report_in(tmp_path)

    assert (said.code, report["ledger"]["delivered"]) == (0, 1)
    assert (report["requests"], report["retries"]) == (3, 2)
    assert len({got.body for got in at.got}) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_status_401_or_403_stops_the_run(
    status: int, segcli: Segcli, vendor: Serve, event: Path, tmp_path: Path
) -> None:
    at = vendor(always(Answer(status, body=b'{"error": "who are you?"}')))
    said = segcli(*sending_to("webhook", at.url), event)

    assert said.code == 3
    assert f'webhook answered HTTP {status}: {{"error": "who are you?"}}' in said.err
    assert "Check api_key" in said.err
    assert report_in(tmp_path)["ledger"]["unsent"] == 1
    assert len(at.got) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_stops_the_run_and_is_not_followed(
    status: int, segcli: Segcli, vendor: Serve, event: Path, tmp_path: Path
) -> None:
    other = vendor(always(Answer()))
    location = other.url.replace("//", "//user:word@") + "/new?session=hidden"
    at = vendor(always(Answer(status, {"location": location})))
    said = segcli(*sending_to("webhook", at.url), event)

    assert said.code == 3
    assert f"HTTP {status}, which points to {other.url}/new?…" in said.err
    assert "Check endpoint. Set it with: export SEGCLI_WEBHOOK_ENDPOINT=" in said.err
    assert other.got == []
    assert report_in(tmp_path)["ledger"]["unsent"] == 1


@pytest.mark.parametrize(
    ("answers", "statuses"),
    [
        ([404, 404, 404], "404"),
        ([405, 404, 405], "404 or 405"),
        ([503, 404, 404, 404], "404"),
        ([404, 200, 404], None),
        ([404, 422, 404], None),
    ],
)
def test_a_run_that_met_nothing_but_404_asks_whether_the_address_is_right(
    answers: list[int], statuses: str | None, segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3, users=1))
    at = vendor(replies(*(Answer(status, AT_ONCE) for status in answers)))
    said = segcli(*sending_to("webhook", at.url), events)
    note = f"every refusal is HTTP {statuses}: is this the right address, webhook at {at.url}?"

    assert said.code == 1
    assert (note in said.err) == (statuses is not None)
    assert ("right address" in said.err) == (statuses is not None)
    assert ("export SEGCLI_WEBHOOK_ENDPOINT=" in said.err) == (statuses is not None)


def test_summary_uses_the_singular_for_one_request_and_one_retry(
    segcli: Segcli, vendor: Serve, event: Path
) -> None:
    at = vendor(replies(Answer(503, AT_ONCE)))
    assert "2 requests, 1 retry; " in segcli(*sending_to("webhook", at.url), event).err
    assert "1 request, 0 retries; " in segcli(*sending_to("webhook", at.url), event).err


@pytest.mark.parametrize("status", [400, 402, 404, 405, 409, 410, 411, 413, 415, 422, 451, 501])
def test_permanent_error_status_is_refused_with_an_excerpt(
    status: int, segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3, users=1))
    at = vendor(replies(Answer(status, body=b"<p>no\n\n thanks" + b"!" * 999)))
    said = segcli(*sending_to("webhook", at.url), events)
    (record,) = records(tmp_path / "webhook.rejects.ndjson")

    assert said.code == 1
    assert record["reason"].startswith(f"HTTP {status}: <p>no thanks!!!")
    assert len(record["reason"]) < 230
    assert (record["line"], record["status"], record["attempts"]) == (1, status, 1)
    assert report_in(tmp_path)["ledger"]["delivered"] == 2


def test_retry_after_date_is_obeyed(
    segcli: Segcli, vendor: Serve, event: Path, tmp_path: Path
) -> None:
    headers = {
        "date": "Tue, 03 Feb 2026 10:00:00 GMT",
        "retry-after": "Tue, 03 Feb 2026 10:00:01 GMT",
    }
    at = vendor(replies(Answer(503, headers)))
    said = segcli(*sending_to("webhook", at.url), event)

    assert said.code == 0
    assert 1 <= report_in(tmp_path)["seconds"] < 9


def test_retry_after_date_beyond_retry_for_stops_the_run(
    segcli: Segcli, vendor: Serve, event: Path
) -> None:
    headers = {
        "date": "Tue, 03 Feb 2026 10:00:00 GMT",
        "retry-after": "Tue, 03 Feb 2026 11:00:00 GMT",
    }
    at = vendor(always(Answer(503, headers)))
    said = segcli(*sending_to("webhook", at.url), event, "--retry-for", "10min")

    assert said.code == 3
    assert "asks to wait 3600 s (HTTP 503), longer than --retry-for 600 s" in said.err


def test_exhausted_retries_stop_the_run_without_writing_rejects(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(100, users=40))
    at = start_sandbox(faults=(Fault("503", 1.0),))
    said = segcli(*sending_to("gist", at.endpoint("gist")), events, "--retry-for", "500ms")
    report = report_in(tmp_path)

    assert said.code == 3
    assert "gist took nothing for 0.5 s; the last answer, at " in said.err
    assert "was: HTTP 503" in said.err
    assert report["stopped"].endswith("was: HTTP 503")
    assert (report["read"], report["ledger"]["unsent"]) == (100, 100)
    assert not list(tmp_path.glob("*.rejects*"))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_truncated_success_reply_is_delivered_and_not_resent(
    transport: str, segcli: Segcli, vendor: Serve, event: Path, tmp_path: Path
) -> None:
    at = vendor(always(Answer(200, body=b'{"ok": true', length=900)))
    to = sending_to("webhook", at.url)
    said = segcli(*to, "--http-transport", transport, event)

    assert said.code == 0
    assert report_in(tmp_path)["retries"] == 0
    assert len(at.got) == report_in(tmp_path)["ledger"]["delivered"] == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_status_204_with_a_chunked_body_delivers_each_event_once(
    transport: str, segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3, users=1))
    text = b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    with socket_server(lambda call: call.answer(text)) as wire:
        said = segcli(*sending_to("webhook", wire.url), "--http-transport", transport, events)

    assert said.code == 0
    assert len(wire.got) == report_in(tmp_path)["ledger"]["delivered"] == 3


@pytest.mark.parametrize("status", [b"101", b"000", b"600"])
def test_invalid_status_is_retried(
    status: bytes, segcli: Segcli, event: Path, tmp_path: Path
) -> None:
    def talk(call: Call) -> None:
        call.read()
        first = len(wire.got) == 1
        call.say(b"HTTP/1.1 %s X\r\nContent-Length: 0\r\n\r\n" % (status if first else b"200"))

    with socket_server(talk) as wire:
        said = segcli(*sending_to("webhook", wire.url), event)
    report = report_in(tmp_path)

    assert said.code == 0
    assert (report["ledger"]["delivered"], report["ledger"]["refused"]) == (1, 0)
    assert (len(wire.got), report["retries"]) == (2, 1)


def test_undecodable_success_reply_is_delivered_and_not_resent(
    segcli: Segcli, vendor: Serve, event: Path, tmp_path: Path
) -> None:
    at = vendor(always(Answer(200, {"content-encoding": "gzip"}, b"this is no gzip")))
    said = segcli(*sending_to("webhook", at.url), event)

    assert said.code == 0
    assert report_in(tmp_path)["retries"] == 0
    assert len(at.got) == report_in(tmp_path)["ledger"]["delivered"] == 1


def test_timeout_is_retried(segcli: Segcli, start_sandbox: Start, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(20, users=20))
    at = start_sandbox(faults=(Fault("timeout", 0.2),), seed=3)
    segcli(*sending_to("gist", at.endpoint("gist")), events, "--timeout", "100ms")
    report = report_in(tmp_path)

    assert report["ledger"]["delivered"] == 20
    assert report["retries"] >= at.app.counts()["totals"]["faults"]["timeout"] > 0


def test_connection_reset_is_retried(segcli: Segcli, start_sandbox: Start, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(20, users=20))
    at = start_sandbox(faults=(Fault("reset", 0.3),), seed=3)
    segcli(*sending_to("gist", at.endpoint("gist")), events)
    report, faults = report_in(tmp_path), at.app.counts()["totals"]["faults"]

    assert report["ledger"]["delivered"] == 20
    assert report["retries"] == faults["reset before"] + faults["reset after"] > 0
    assert len(at.app.accepted) == 20 + faults["reset after"]


@pytest.mark.parametrize(
    ("host", "says"),
    [("127.0.0.1", "cannot connect"), ("no-such-host.invalid", "cannot connect")],
)
def test_refused_connection_is_retried_until_retry_for_ends(
    host: str, says: str, segcli: Segcli, event: Path, tmp_path: Path
) -> None:
    endpoint = f"http://{host}:{closed_port()}"
    said = segcli(*sending_to("webhook", endpoint), event, "--retry-for", "300ms", "--allow-http")
    report = report_in(tmp_path)

    assert said.code == 3
    assert says in report["stopped"]
    assert report["retries"] > 0
    assert report["ledger"]["unsent"] == 1


@pytest.mark.parametrize("host", ["1.2.3.999", "xn--"])
def test_unusable_address_stops_the_run(host: str, segcli: Segcli, event: Path) -> None:
    said = segcli(*sending_to("webhook", f"http://{host}/"), event, "--allow-http")

    assert said.code == 3
    assert "webhook gave no answer: cannot send to this address" in said.err
    assert "Check endpoint." in said.err


def test_vendor_cookie_is_not_sent_back(segcli: Segcli, vendor: Serve, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(3, users=1))
    at = vendor(always(Answer(200, {"set-cookie": "id=1"})))
    segcli(*sending_to("webhook", at.url), events)

    assert len(at.got) == 3
    assert all("cookie" not in name.lower() for got in at.got for name in got.headers)
