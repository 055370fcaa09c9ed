"""A key is never shown, at any place of the request and with any echo of the vendor."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support.destination_file import ACME, changed
from support.fakes import Answer, CommandResult, ReceivedRequest, closed_port, tracks, write_events
from support.resuming import Segcli, Serve

# What is percent-encoded in an address, and escaped in JSON.
KEY = 'k%2f "8f2b61c0" \\d9e74a53/b1'
PIECE = 8
KEY_IN = "{settings.api_key}"
PLACES: dict[str, dict[str, Any]] = {
    "bearer": {},
    "basic": {"request.auth": {"basic": "{settings.site}:" + KEY_IN}},
    "both": {"request.auth": {"basic": "{settings.site}/token:" + KEY_IN}},
    "literal": {"request.auth": {"basic": f"id-{KEY_IN}:zz"}},
    "user": {"request.auth": {"basic": f"{KEY_IN}:"}},
    "header": {"request.auth": {"header": "X-Key", "key": KEY_IN}},
    "further header": {"request.headers": {"X-Key": f"key={KEY_IN}"}},
    "path": {"request.url": f"https://acme.example/k/{KEY_IN}/events"},
    "query": {"request.url": f"https://acme.example/events?a=1&key={KEY_IN}"},
    "body": {"batch": {"events": 5, "under": "batch", "with": {"key": KEY_IN}}},
    "form": {"request.form": {"key": KEY_IN, "data": "{payload}"}},
    "table": {"request.body": {"key": KEY_IN, "deep": [f"k={KEY_IN}"], "data": "{payload}"}},
}
SITE = "site-of-acme"


def forms() -> list[str]:
    pairs = [f"{KEY}:", f"{SITE}:{KEY}", f"{SITE}/token:{KEY}", f"id-{KEY}:zz"]
    shown = [KEY, quote(KEY, safe=""), json.dumps(KEY)[1:-1], json.dumps(json.dumps(KEY))[2:-2]]
    return [*shown, *(base64.b64encode(pair.encode()).decode().rstrip("=") for pair in pairs)]


PIECES = {
    form[start : start + PIECE] for form in forms() for start in range(len(form) - PIECE + 1)
} - {base64.b64encode(f"{SITE}:".encode()).decode()[start : start + PIECE] for start in range(12)}


def leaks(folder: Path, said: CommandResult, *known: Path) -> list[str]:
    """Return what a run has said of the key, or written into any file."""
    files = [path for path in folder.rglob("*") if path.is_file() and path not in known]
    assert files
    contents = [path.read_bytes().rstrip(b"\0").decode(errors="replace") for path in files]
    texts = [said.out, said.err, *contents]
    return [piece for text in texts for piece in PIECES if piece in text]


def echo(status: int, part: str = "path") -> Callable[[ReceivedRequest], Answer]:
    """Answer as careless vendors do: with a part of the request, which an excerpt has room for."""

    def answer(got: ReceivedRequest) -> Answer:
        parts = {"path": got.path, "body": got.body.decode()} | dict(got.headers)
        said = parts.get(part) or parts.get(part.lower()) or ""
        body = {"errors": [{"index": 0, "message": said}]} if status == 207 else {"echo": said}
        return Answer(status, body=json.dumps(body).encode())

    return answer


# Which part of the request holds the key.
PARTS = dict.fromkeys(PLACES, "Authorization") | {
    "header": "X-Key", "further header": "X-Key", "path": "path", "query": "path", "body": "body",
    "form": "body", "table": "body",
}  # fmt: skip


@pytest.fixture
def description(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    def write(changes: dict[str, Any]) -> Path:
        items = {"reply": {"items": {"list": "errors", "index": "index", "reason": "message"}}}
        site = {"settings.site": {"default": SITE}} if "site" in str(changes) else {}
        auth = {} if "request.auth" in changes else {"request.auth.bearer": f"no{KEY_IN}"}
        path = tmp_path / "acme.json"
        path.write_text(json.dumps(changed(ACME, auth | items | site | changes)))
        return path

    return write


Write = Callable[[dict[str, Any]], Path]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("status", [207, 400, 401, 422, 503])
def test_echoed_request_reveals_no_key(
    status: int, place: str, segcli: Segcli, vendor: Serve, description: Write, tmp_path: Path
) -> None:
    at = vendor(echo(status, PARTS[place]))
    path = description(PLACES[place])
    (tmp_path / "key").write_text(KEY)
    events = write_events(tmp_path / "events.jsonl", tracks(3))
    said = segcli("send", "-d", path, "--api-key-file", "key", "--endpoint", at.url, "--report",
                  "report.json", "--retry-for", "0s", events)  # fmt: skip

    got = str(at.got)
    assert any(piece in got for piece in PIECES)
    assert said.code == {207: 1, 400: 1, 401: 3, 422: 1, 503: 3}[status]
    assert leaks(tmp_path, said, events, tmp_path / "key") == []
    told = said.err + "".join(file.read_text() for file in tmp_path.glob("*.ndjson"))
    assert "***" in told or status == 503


def test_a_key_of_digits_is_hidden_and_the_reply_is_still_read(
    segcli: Segcli, vendor: Serve, description: Write, tmp_path: Path
) -> None:
    body = b'{"account": 12345678, "errors": [{"index": 1, "message": "12345678 is full"}]}'
    at = vendor(lambda _: Answer(207, body=body))
    changes = {"batch": {"events": 5}, "actions.0.subscribe": 'type = "track"'}
    events = write_events(tmp_path / "events.jsonl", tracks(3, users=1))
    said = segcli("send", "-d", description(changes), "--set", "api_key=12345678", "--endpoint",
                  at.url, events)  # fmt: skip

    assert said.code == 1
    assert "2  delivered" in said.err
    assert "1  *** is full" in said.err


HOOK = {
    "settings.hook": {"type": "address", "secret": True, "required": True},
    "settings.api_key": {"secret": True, "required": True},
    "request.url": "{settings.hook}",
}


@pytest.mark.parametrize("status", [207, 400, 401, 302])
def test_secret_address_is_not_shown(
    status: int,
    segcli: Segcli,
    vendor: Serve,
    description: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = vendor(echo(status))
    secret = "/services/T0HL/" + "".join(piece for piece in KEY if piece.isalnum())
    monkeypatch.setenv("SEGCLI_ACME_HOOK", at.url + secret)
    monkeypatch.setenv("SEGCLI_ACME_API_KEY", "another-key")
    events = write_events(tmp_path / "events.jsonl", tracks(2))
    said = segcli("send", "-d", description(HOOK), "--report", "report.json", events)

    assert {got.path for got in at.got} == {secret}
    everything = said.out + said.err + (tmp_path / "report.json").read_text()
    everything += "".join(path.read_text() for path in tmp_path.glob("*.ndjson"))
    assert "services" not in everything
    assert secret[-12:] not in everything


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "no-such-host.invalid", "1.2.3.999"])
@pytest.mark.parametrize("place", ["path", "query"])
def test_error_about_a_bad_address_does_not_show_its_key(
    place: str,
    host: str,
    segcli: Segcli,
    description: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEGCLI_ACME_API_KEY", KEY)
    url = PLACES[place]["request.url"].replace("https://acme.example", f"http://{host}")
    path = description({"request.url": url.replace("{port}", str(closed_port()))})
    events = write_events(tmp_path / "events.jsonl", tracks(1))
    said = segcli("send", "-d", path, "--report", "report.json", "--retry-for", "0s",
                  "--allow-http", events)  # fmt: skip

    assert said.code == 3
    assert "acme" in said.err
    assert leaks(tmp_path, said, events) == []


def test_commands_that_do_not_send_show_no_key(
    segcli: Segcli,
    description: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEGCLI_ACME_API_KEY", KEY)
    events = write_events(tmp_path / "events.jsonl", tracks(1))
    for place in PLACES.values():
        path = description(place)
        for words in (("destinations", path), ("check", "-d", path, events),
                      ("transform", "--outcomes", "-d", path, events),
                      ("send", "--sandbox", "-d", path, events)):  # fmt: skip
            said = segcli(*words)
            assert said.code == 0, said
            assert leaks(tmp_path, said, events) == []
