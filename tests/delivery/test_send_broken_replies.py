"""A vendor gives broken replies: an event is sent again only if it was not accepted."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.destination_file import ACME, changed
from support.fakes import CommandResult, records, report_in, sending_to, tracks, write_events
from support.reply_kinds import KINDS, OK, AfterReply, ReplyKind
from support.wires import Call, socket_server

from segcli.http.transports import TRANSPORTS

Segcli = Callable[..., CommandResult]

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)

BY_NAME = {kind.name: kind for kind in KINDS}
TAKEN = [
    *(
        "103 with links before it",
        "204 with the end of chunks",
        "204 with unannounced bytes",
    ),
    *("length and chunks", "the same length twice", "two lengths", "a length that is too large"),
    *("a length that is too large, and a reset", "chunked twice", "gzip cut short"),
    *("a size too large", "no last chunk", "cut behind the head", "HTTP/1.0 with a length"),
    *("no reason", "a name without a colon", "a header of 90 KB", "LF and two lengths"),
    *("a yes behind it", "a no behind it", "an interim reply behind it"),
]
# No status came, or one that says later.
LATER = [
    *("100 and no more", "101", "no reply", "no reply and a reset", "cut in a name"),
    *("cut before the empty line", "a page", "a digit and a letter", "000", "a header of 200 KB"),
    *("two lengths of a no", "a no, cut", "both, of a no"),
]
REFUSED = ["a refusal, cut", "two lengths of a refusal"]
# The bodies of these say which events were not taken.
BROKEN = [
    *("length and chunks", "two lengths", "a length that is too large", "gzip cut short"),
    *("a size too large", "no last chunk", "cut behind the head", "a name without a colon"),
]
ITEMS = {
    "settings.endpoint": {"default": "http://127.0.0.1"},
    "request.url": "{settings.endpoint}/track",
    "actions.0.mapping": {"messageId": {"@path": "$.messageId"}},
    "reply": {"items": {"list": "errors", "index": "index"}},
}


class Vendor:
    """Says one kind of reply to each event that comes for the first time, and then OK."""

    def __init__(self, kind: ReplyKind) -> None:
        self._kind = kind
        self._lock = threading.Lock()
        self.took: Counter[str] = Counter()

    def talk(self, call: Call) -> None:
        while call.read():
            body = json.loads(call.last.partition(b"\r\n\r\n")[2])
            with self._lock:
                self.took[body["messageId"]] += 1
                is_first = self.took[body["messageId"]] == 1
            call.say(self._kind.says if is_first else OK)
            if is_first and self._kind.then is not AfterReply.NEXT:
                if self._kind.then is AfterReply.RESET:
                    call.await_read()
                    call.reset()
                return


def send(
    kind: ReplyKind, transport: str, segcli: Segcli, folder: Path, *options: object
) -> tuple[CommandResult, Counter[str], dict[str, Any]]:
    vendor = Vendor(kind)
    path = write_events(folder / "events.jsonl", tracks(4, users=2))
    with socket_server(vendor.talk) as wire:
        to = options or sending_to("webhook", wire.url)
        at = ["--endpoint", wire.url] if options else []
        said = segcli(*to, *at, "--http-transport", transport, path)
    return said, vendor.took, report_in(folder)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segcli.delivery.retry._FIRST_WAIT", 0.01)


@pytest.mark.parametrize("name", TAKEN)
def test_an_accepted_event_is_sent_once_although_the_reply_breaks_off(
    name: str, transport: str, segcli: Segcli, tmp_path: Path
) -> None:
    said, took, report = send(BY_NAME[name], transport, segcli, tmp_path)

    assert said.code == 0
    assert report["ledger"]["delivered"] == 4
    assert took == {f"m{number}": 1 for number in range(4)}


@pytest.mark.parametrize("name", LATER)
def test_an_event_is_sent_again_after_no_reply_or_a_retry_reply(
    name: str, transport: str, segcli: Segcli, tmp_path: Path
) -> None:
    said, took, report = send(BY_NAME[name], transport, segcli, tmp_path)

    assert said.code == 0
    assert report["ledger"]["delivered"] == 4
    assert took == {f"m{number}": 2 for number in range(4)}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_events_with_a_broken_body_are_kept_and_not_resent(
    name: str, transport: str, segcli: Segcli, tmp_path: Path
) -> None:
    said, took, report = send(BY_NAME[name], transport, segcli, tmp_path)

    assert said.code == 1
    assert report["ledger"]["refused"] == 4
    assert took == {f"m{number}": 1 for number in range(4)}
    assert len(records(tmp_path / "webhook.rejects.ndjson")) == 4


@pytest.mark.parametrize("name", BROKEN)
def test_broken_reply_with_item_results_stops_the_run(
    name: str, transport: str, segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "acme.json").write_text(json.dumps(changed(ACME, ITEMS)))
    to = ["send", "-d", "./acme.json", "--set", "api_key=k", "--report", "report.json"]
    alone = ["--concurrency", "1"]
    said, took, report = send(BY_NAME[name], transport, segcli, tmp_path, *to, *alone)

    assert said.code == 3
    assert "acme answered HTTP 200, but with a body that" in said.err
    assert report["ledger"]["delivered"] == 0
    assert report["ledger"]["unsent"] == 4
    assert took == {"m0": 1}


def test_vendor_that_closes_reused_connections_gets_all_events_once(
    transport: str, segcli: Segcli, tmp_path: Path
) -> None:
    """The vendor accepts no request that it does not read: to send it again is no duplicate."""
    took: Counter[str] = Counter()

    def talk(call: Call) -> None:
        if call.read():
            took[json.loads(call.last.partition(b"\r\n\r\n")[2])["messageId"]] += 1
            call.say(OK)
            call.socket.recv(1)

    path = write_events(tmp_path / "events.jsonl", tracks(12, users=4))
    with socket_server(talk) as wire:
        said = segcli(*sending_to("webhook", wire.url), "--http-transport", transport, path)

    assert said.code == 0
    assert report_in(tmp_path)["ledger"]["delivered"] == 12
    assert took == {f"m{number}": 1 for number in range(12)}
