"""With TLS nothing is sent before the server's certificate is verified."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from support.fakes import PATIENCE
from support.wires import Call, SocketServer, over, replies_to, socket_server

from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http.client import NoReply, Post
from segcli.http.transports import TRANSPORTS

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)

BEGAN, ENDED = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(autouse=True)
def trust_only(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this the only authority that the machine trusts."""
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


@pytest.fixture
def wire(authority: trustme.CA) -> Iterator[SocketServer]:
    with socket_server(Call.answer, context=context_of(authority.issue_cert("127.0.0.1"))) as wire:
        yield wire


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def test_trusted_server_gets_the_request(transport: str, wire: SocketServer) -> None:
    found = replies_to(transport, wire.url, wire.url)

    assert all(isinstance(reply, Reply) for reply in found)
    assert len(wire.got) == 2


def test_large_body_is_sent_whole(transport: str, wire: SocketServer) -> None:
    body = bytes(range(256)) * 20_000
    replies_to(transport, Request(wire.url, body), Request(wire.url, b"{}"))

    assert [text.partition(b"\r\n\r\n")[2] for text in wire.got] == [body, b"{}"]


def test_reply_before_the_request_is_whole_closes_the_connection(
    transport: str, authority: trustme.CA
) -> None:
    """The vendor does not read on, so a second request over the connection would not arrive."""
    if transport == "httpx":
        pytest.skip("httpx reads no reply before it has written the whole request")
    opened: list[Call] = []

    def talk(call: Call) -> None:
        opened.append(call)
        if len(opened) > 1:
            call.answer()
            return
        call.socket.recv(1000)
        call.say(b"HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\n{}")
        finished.wait(PATIENCE)

    finished = threading.Event()
    with socket_server(talk, context=context_of(authority.issue_cert("127.0.0.1"))) as wire:
        large = Request(wire.url, bytes(20_000_000))
        found = replies_to(transport, large, Request(wire.url, b"2"))
        finished.set()

    assert [reply.status for reply in found if isinstance(reply, Reply)] == [413, 200]
    assert [text[-1:] for text in wire.got] == [b"2"]


def test_connection_that_is_not_used_again_is_closed_at_once(
    transport: str, authority: trustme.CA
) -> None:
    """Not only TLS ends: the vendor, which does not end it too, would keep the connection open."""

    def talk(call: Call) -> None:
        call.read()
        call.say(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
        with socket.socket(fileno=call.socket.detach()) as below, suppress(ConnectionResetError):
            while below.recv(1000):
                pass
        wire.ended.set()

    async def story(post: Post) -> Reply | NoReply:
        found = await post(Request(wire.url, b"{}"))
        # Less than the 30 seconds that asyncio waits for the other end of TLS.
        assert await asyncio.to_thread(wire.ended.wait, 28)
        return found

    with socket_server(talk, context=context_of(authority.issue_cert("127.0.0.1"))) as wire:
        found = over(transport, story)

    assert isinstance(found, Reply)


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (lambda _: trustme.CA().issue_cert("127.0.0.1"), "unable to get local issuer certificate"),
        (lambda authority: authority.issue_cert("example.org"), "IP address mismatch"),
        (
            lambda authority: authority.issue_cert("127.0.0.1", not_before=BEGAN, not_after=ENDED),
            "certificate has expired",
        ),
    ],
    ids=["of an unknown authority", "of another host", "expired"],
)
def test_untrusted_certificate_is_final_with_the_reason(
    transport: str, certificate: object, why: str, authority: trustme.CA
) -> None:
    assert callable(certificate)
    with socket_server(Call.answer, context=context_of(certificate(authority))) as wire:
        (found,) = replies_to(transport, wire.url)

    assert isinstance(found, NoReply)
    assert found.final
    assert found.reason.startswith(f"cannot connect to 127.0.0.1:{wire.port}: ")
    assert why in found.reason
    assert wire.got == []


def test_server_without_tls_is_not_final(transport: str) -> None:
    with socket_server(lambda call: call.say(b"HTTP/1.1 400 Bad\r\n\r\n" + bytes(99))) as wire:
        (found,) = replies_to(transport, wire.url.replace("http:", "https:"))

    assert isinstance(found, NoReply)
    assert found.reason.startswith(f"cannot connect to 127.0.0.1:{wire.port}: ")
    assert not found.final


def test_plain_http_to_a_tls_server_is_no_reply(transport: str, wire: SocketServer) -> None:
    (found,) = replies_to(transport, wire.url.replace("https:", "http:"))

    assert isinstance(found, NoReply)
    assert wire.got == []
