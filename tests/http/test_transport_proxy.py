"""The proxies of the environment are used, but never for requests to this machine."""

import asyncio
import ssl
import threading
from pathlib import Path

import pytest
import trustme
from support.fakes import PATIENCE, closed_port, wait_until
from support.wires import OK, Call, over, pass_time, replies_to, socket_server

from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http.client import NoReply, Post
from segcli.http.transports import TRANSPORTS

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)

VENDOR = "http://vendor.example/event"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".upper(), raising=False)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("prefix", ["http://", ""])
def test_a_request_goes_through_the_proxy(
    transport: str, name: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket_server(Call.answer) as proxy:
        monkeypatch.setenv(name, f"{prefix}127.0.0.1:{proxy.port}")
        found = replies_to(transport, VENDOR, VENDOR)

    assert [reply.status for reply in found if isinstance(reply, Reply)] == [200, 200]
    assert proxy.line() == b"POST http://vendor.example/event HTTP/1.1"
    assert proxy.headers()["Host"] == "vendor.example"


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("http://vendor.example", b"http://vendor.example/"),
        ("http://ada:pw@vendor.example:80?a=b#c", b"http://vendor.example/?a=b"),
        ("http://vendor.example:8080/a%20b/", b"http://vendor.example:8080/a%20b/"),
    ],
)
def test_a_proxy_gets_the_whole_address_with_a_path(
    transport: str, address: str, target: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket_server(Call.answer) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        replies_to(transport, address)

    assert proxy.line() == b"POST %b HTTP/1.1" % target


def test_user_of_a_proxy_address_becomes_proxy_authorization(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket_server(Call.answer) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://ada:s%40cret@127.0.0.1:{proxy.port}")
        replies_to(transport, VENDOR)

    assert proxy.headers()["Proxy-Authorization"] == "Basic YWRhOnNAY3JldA=="
    assert "Authorization" not in proxy.headers()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("user", ["jürgen", "j%C3%BCrgen"])
def test_user_of_a_proxy_address_is_sent_in_utf_8(
    transport: str, scheme: str, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def talk(call: Call) -> None:
        call.read()
        call.say(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")

    with socket_server(talk) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://{user}:x@127.0.0.1:{proxy.port}")
        replies_to(transport, f"{scheme}://vendor.example/")

    assert proxy.headers()["Proxy-Authorization"] == "Basic asO8cmdlbjp4"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "proxy",
    [
        *("http://ada:s3cret@127.0.0.1:port", "http://ada:s3cret@127.0.0.1:65536"),
        *("http://ada:s3cret/x@127.0.0.1:1", "ada:s3cret#x@127.0.0.1:1"),
        *("http://ada:s3cret@", "http://ada:s3cret@[::1", "http://ada:s3cret\x7f@127.0.0.1:1"),
    ],
)
def test_invalid_address_of_a_proxy_is_final_and_its_password_is_hidden(
    transport: str, scheme: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    (found,) = replies_to(transport, f"{scheme}://vendor.example/")

    assert isinstance(found, NoReply)
    assert found.final
    assert found.reason.startswith("cannot send to this address: ")
    assert "proxy" in found.reason
    assert "s3" not in found.reason


@pytest.mark.parametrize("no", ["vendor.invalid", ".invalid", "*", "a.example, vendor.invalid"])
def test_no_proxy_variable_is_respected(
    transport: str, no: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket_server(Call.answer) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", no)
        (found,) = replies_to(transport, "http://vendor.invalid/")

    assert isinstance(found, NoReply)
    assert found.reason.startswith("cannot connect to vendor.invalid")
    assert proxy.got == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.9.9.9"])
def test_requests_to_this_machine_bypass_the_proxy(
    transport: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket_server(Call.answer) as proxy, socket_server(Call.answer) as wire:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        replies_to(transport, f"http://{host}:{wire.port}/")

    assert proxy.got == []


@pytest.mark.parametrize("user", ["", "ada:s3cret@"])
def test_tls_goes_through_a_proxy_tunnel(
    transport: str, user: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("vendor.example").configure_cert(context)

    def talk(call: Call) -> None:
        call.read()
        call.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with context.wrap_socket(call.socket, server_side=True) as inner:
            Call(inner, call.wire).answer(OK)

    with socket_server(talk) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{user}127.0.0.1:{proxy.port}")
        found = replies_to(transport, *["https://vendor.example/event"] * 3)

    assert all(isinstance(reply, Reply) for reply in found), found
    lines = [proxy.line(number) for number in range(len(proxy.got))]
    assert lines == [b"CONNECT vendor.example:443 HTTP/1.1", *[b"POST /event HTTP/1.1"] * 3]
    assert ("Proxy-Authorization" in proxy.headers(0)) == bool(user)
    assert "Proxy-Authorization" not in proxy.headers(1)


def test_certificate_of_a_proxy_is_checked_as_that_of_a_vendor(
    transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    with socket_server(Call.answer, context=context) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"https://127.0.0.1:{proxy.port}")
        (refused,) = replies_to(transport, VENDOR)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        (found,) = replies_to(transport, VENDOR)

    assert isinstance(refused, NoReply)
    assert isinstance(found, Reply), found
    assert proxy.line() == b"POST http://vendor.example/event HTTP/1.1"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_unreachable_proxy_is_not_final_and_its_password_is_hidden(
    transport: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = closed_port()
    monkeypatch.setenv("ALL_PROXY", f"http://ada:secret@127.0.0.1:{port}")
    (found,) = replies_to(transport, f"{scheme}://vendor.example/")

    assert isinstance(found, NoReply)
    assert "Connection refused" in found.reason
    assert "proxy" in found.reason
    assert "secret" not in found.reason
    assert not found.final


def test_tunnel_refused_by_the_proxy_is_no_reply(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"
    with socket_server(lambda call: call.answer(no)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        (found,) = replies_to(transport, "https://vendor.example/")

    assert isinstance(found, NoReply)
    assert found.reason.startswith("the proxy failed: ")
    assert "407" in found.reason or "Who are you" in found.reason


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "headers",
    [b"no colon", b"Content-Length: 2\r\nContent-Length: 3", b"Content-Length: two"],
    ids=["no colon", "two lengths", "no number"],
)
def test_tunnel_reply_of_a_proxy_is_never_the_reply_of_the_vendor(
    transport: str, headers: bytes, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = b"HTTP/1.1 200 Connection established\r\n%s\r\n\r\n" % headers
    with socket_server(lambda call: call.answer(text)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        (found,) = replies_to(transport, f"{scheme}://vendor.example/")

    # Without TLS the proxy passes on what the vendor says.
    assert isinstance(found, NoReply if scheme == "https" else Reply), found


def test_unsupported_proxy_scheme_is_final(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    (found,) = replies_to(transport, VENDOR)

    assert isinstance(found, NoReply)
    assert found.final
    assert "socks5" in found.reason


def test_netrc_is_ignored(transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password s3cret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with socket_server(Call.answer) as wire:
        replies_to(transport, wire.url)

    assert "Authorization" not in wire.headers()


def test_a_request_that_is_not_sent_by_its_deadline_is_not_sent_after_it(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy takes long to connect, and the process does not run when it has."""

    def talk(call: Call) -> None:
        call.read()
        assert may_answer.wait(PATIENCE)
        call.say(b"HTTP/1.1 200 OK\r\n\r\n")
        has_answered.set()
        came.append(call.socket.recv(1))
        has_ended.set()

    async def story(post: Post) -> Reply | NoReply:
        posted = asyncio.create_task(post(Request("https://vendor.example/", b"{}")))
        await asyncio.to_thread(wait_until, lambda: bool(proxy.got))
        may_answer.set()
        assert has_answered.wait(PATIENCE)
        pass_time(3600)
        return await posted

    came: list[bytes] = []
    may_answer, has_answered, has_ended = (threading.Event() for _ in range(3))
    with socket_server(talk) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        found = over(transport, story, timeout=60.0)
        assert has_ended.wait(PATIENCE)

    assert found == NoReply("no answer within 60 s")
    assert came == [b""], "the connection was closed"
