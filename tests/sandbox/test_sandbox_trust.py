"""The sandbox answers programs but no pages of other sites; uploads are limited."""

import gzip
import json
import socket
import time
from contextlib import ExitStack, closing, suppress

import httpx
import pytest
from support.fakes import CommandResult, wait_until
from support.keyless_sandbox import PLUG_IN, running_with_plug_in

from segcli.local_server.request_body import Uploads
from segcli.sandbox import SandboxServer, Script

ELSEWHERE = "https://evil.example"
KEYLESS = f"/{PLUG_IN}"


def port_of(sandbox: SandboxServer) -> str:
    return sandbox.url.rpartition(":")[2]


# --- its own Host


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_local_host_names_are_accepted(
    name: str, client: httpx.Client, sandbox: SandboxServer
) -> None:
    host = f"{name}:{port_of(sandbox)}"

    reply = client.get(f"{sandbox.url}/_sandbox", headers={"Host": host})

    assert reply.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "localhost.:{port}"]
)
def test_request_for_another_host_is_refused_and_not_counted(
    host: str, client: httpx.Client, sandbox: SandboxServer
) -> None:
    headers = {"Host": host.format(port=port_of(sandbox))}
    accepted = len(sandbox.app.accepted)

    counts = client.get(f"{sandbox.url}/_sandbox", headers=headers)
    post = client.post(f"{sandbox.url}{KEYLESS}", json={}, headers=headers)

    assert (counts.status_code, post.status_code) == (421, 421)
    assert "vendors" not in counts.json()
    assert f"localhost:{port_of(sandbox)}" in counts.json()["message"]
    assert len(sandbox.app.accepted) == accepted


def test_request_without_a_host_is_refused(sandbox: SandboxServer) -> None:
    with closing(socket.create_connection(("127.0.0.1", int(port_of(sandbox))), 30)) as connection:
        connection.sendall(b"GET /_sandbox HTTP/1.0\r\n\r\n")

        assert b" 421 " in connection.makefile("rb").readline()


# --- pages of elsewhere


@pytest.mark.parametrize("origin", [ELSEWHERE, "null", "http://localhost:1", "http://127.0.0.1"])
def test_page_of_another_origin_is_refused(
    origin: str, client: httpx.Client, sandbox: SandboxServer
) -> None:
    headers = {"Origin": origin}
    accepted = len(sandbox.app.accepted)

    post = client.post(f"{sandbox.url}{KEYLESS}", content=b"{}", headers=headers)
    counts = client.get(f"{sandbox.url}/_sandbox", headers=headers)

    assert (post.status_code, counts.status_code) == (403, 403)
    assert "access-control-allow-origin" not in post.headers
    assert "--allow-origin" in post.json()["message"]
    assert len(sandbox.app.accepted) == accepted


def test_page_of_the_sandbox_itself_is_accepted(
    client: httpx.Client, sandbox: SandboxServer
) -> None:
    headers = {"Origin": f"http://localhost:{port_of(sandbox)}"}

    assert client.post(f"{sandbox.url}{KEYLESS}", json={}, headers=headers).is_success


def test_page_of_an_allowed_origin_may_send_and_read_the_reply(client: httpx.Client) -> None:
    with running_with_plug_in(Script(allow_origin=("http://localhost:3000",))) as sandbox:
        url, headers = f"{sandbox.url}{KEYLESS}", {"Origin": "http://localhost:3000"}
        asked = client.options(
            url,
            headers=headers
            | {
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type",
            },
        )
        post = client.post(url, json={}, headers=headers)
        other = client.post(url, json={}, headers={"Origin": ELSEWHERE})

    assert asked.status_code == 204
    assert asked.headers["access-control-allow-headers"] == "content-type"
    assert "POST" in asked.headers["access-control-allow-methods"]
    for reply in (asked, post):
        assert reply.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert (post.status_code, other.status_code) == (200, 403)


def test_invalid_allow_origin_option_exits_2_with_an_example(segcli: "object") -> None:
    said: CommandResult = segcli("sandbox", "--allow-origin", "*")  # type: ignore[operator]

    assert said.code == 2
    assert "http://localhost:3000" in said.err


# --- what uploads hold


def begun(sandbox: SandboxServer, size: int, sent: int) -> socket.socket:
    """Send the start of a body, and no more."""
    connection = socket.create_connection(("127.0.0.1", int(port_of(sandbox))), 30)
    host = f"127.0.0.1:{port_of(sandbox)}"
    head = f"POST {KEYLESS} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {size}\r\n\r\n"
    connection.sendall(head.encode() + b" " * sent)
    return connection


def test_concurrent_uploads_use_bounded_memory(client: httpx.Client) -> None:
    room, part = 1_000_000, 300_000
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_with_plug_in(Script()))
        sandbox.app.uploads = Uploads(most_held=room)
        held: list[int] = []
        slow = [stack.enter_context(begun(sandbox, part + 1, part)) for _ in range(3)]
        wait_until(lambda: sandbox.app.uploads.held == 3 * part)
        over = client.post(f"{sandbox.url}{KEYLESS}", content=b" " * part)
        held.append(sandbox.app.uploads.held)
        small = client.post(f"{sandbox.url}{KEYLESS}", content=b"{}")
        for connection in slow:
            connection.close()
        wait_until(lambda: sandbox.app.uploads.held == 0)
        again = client.post(f"{sandbox.url}{KEYLESS}", content=b"{}" + b" " * part)

    assert over.status_code == 503
    assert "room" in over.json()["message"]
    assert held == [3 * part]
    assert (small.status_code, again.status_code) == (200, 200)


def test_body_is_released_while_its_reply_is_delayed() -> None:
    with running_with_plug_in(Script(latency=60.0)) as sandbox:
        connection = begun(sandbox, 2, 0)
        wait_until(lambda: sandbox.app.uploads.held == 0)
        connection.sendall(b"{}")
        wait_until(lambda: sandbox.app.counts()["totals"]["accepted"] == 1)

        assert sandbox.app.uploads.held == 0
        connection.close()


def test_gzip_body_of_a_webhook_is_not_decompressed(
    client: httpx.Client, sandbox: SandboxServer
) -> None:
    bomb = gzip.compress(json.dumps({"a": "0" * 20_000_000}).encode())

    started = time.process_time()
    reply = client.post(
        f"{sandbox.url}{KEYLESS}", content=bomb, headers={"Content-Encoding": "gzip"}
    )

    assert len(bomb) < 100_000
    assert reply.status_code == 400
    assert time.process_time() - started < 5


def test_request_headers_are_bounded(sandbox: SandboxServer) -> None:
    with closing(socket.create_connection(("127.0.0.1", int(port_of(sandbox))), 30)) as connection:
        head = f"GET /_sandbox HTTP/1.1\r\nHost: 127.0.0.1:{port_of(sandbox)}\r\nX: "
        answer = b""
        # The server may close before all is sent, and its answer is lost then.
        with suppress(ConnectionError):
            connection.sendall(head.encode() + b"x" * 4_000_000)
            answer = connection.makefile("rb").readline()

        assert answer == b"" or b" 400 " in answer
