"""The capture accepts what Segment accepts, from any origin, and returns no captured data."""

import base64
import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from queue import SimpleQueue
from typing import Any

import httpx
import pytest
from support.fakes import wait_until
from support.tables import for_each

from segcli.capture.capture_server import CaptureServer, capturing, listening, wait_until_quiet
from segcli.core.event import parse
from segcli.local_server.guard import parse_host
from segcli.local_server.segment_api import ROUTES

Start = Callable[..., CaptureServer]
TRACK = {"type": "track", "event": "Order Completed", "userId": "u1"}
BASIC = {"Authorization": "Basic " + base64.b64encode(b"KEY:").decode()}
PAGE = {"Origin": "https://shop.example"}


@pytest.fixture
def lines() -> list[bytes]:
    """What was written, piece by piece."""
    return []


@pytest.fixture
def start(lines: list[bytes]) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(write: Callable[[bytes], object] = lines.append, **more: Any) -> CaptureServer:
            listeners = stack.enter_context(listening(0))
            return stack.enter_context(capturing(listeners, write, **more))

        yield start


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(verify=False, trust_env=False, timeout=30) as client:
        yield client


def post(client: httpx.Client, server: CaptureServer, body: Any, **more: Any) -> httpx.Response:
    url = server.url + more.pop("route", "/v1/batch")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(url, content=content, **more)


def events(lines: list[bytes]) -> list[Any]:
    return [json.loads(line) for line in b"".join(lines).splitlines()]


# --- what it takes


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("route", ROUTES)
def test_every_route_writes_the_event_before_the_success_reply(
    route: str, slash: str, client: httpx.Client, start: Start, lines: list[bytes]
) -> None:
    kind = ROUTES[route]
    body = {"batch": [TRACK, TRACK]} if kind == "batch" else TRACK | {"type": "other"}
    server = start()
    for headers in (BASIC, {}, {"Content-Type": "text/plain"}):
        reply = post(
            client, server, body | {"writeKey": "KEY"}, route=route + slash, headers=headers
        )

        assert (reply.status_code, reply.json()) == (200, {"success": True})
        assert b"KEY" not in lines[-1]
        assert lines[-1].endswith(b"\n")
    assert server.app.events == len(events(lines)) == (6 if kind == "batch" else 3)
    assert {event["type"] for event in events(lines)} == {"track" if kind == "batch" else kind}
    for line in b"".join(lines).splitlines():
        assert parse(line)


def test_gzip_body_is_decompressed_up_to_a_limit(
    client: httpx.Client, start: Start, lines: list[bytes]
) -> None:
    server, packed = start(), {"Content-Encoding": "gzip"}

    assert post(
        client, server, gzip.compress(json.dumps({"batch": [TRACK]}).encode()), headers=packed
    )
    bomb = post(client, server, gzip.compress(b" " * 64_000_000), headers=packed)
    assert bomb.status_code == 413
    assert post(client, server, b"{}", headers=packed).status_code == 400
    assert post(client, server, b"{}", headers={"Content-Encoding": "br"}).status_code == 415
    assert len(events(lines)) == 1


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "the body is not JSON"),
        (b'{"batch": [NaN]}', 400, "the body is not JSON"),
        (b'{"batch": ["\xff"]}', 400, "the body is not UTF-8 text"),
        (b'{"batch":' + b"[" * 200 + b"]" * 200 + b"}", 400, "nested deeper"),
        (b"{}", 400, "batch must be an array"),
        (b"[]", 400, "the body must be an object"),
        (b" " * 17_000_000, 413, "16,777,216 bytes"),
    ],
)
def test_body_without_events_is_refused_and_reported(
    body: bytes, status: int, says: str, client: httpx.Client, start: Start, lines: list[bytes]
) -> None:
    server = start()
    reply = post(client, server, body)

    assert (reply.status_code, says in reply.json()["message"]) == (status, True)
    assert (server.app.events, lines) == (0, [])
    assert list(server.app.problems) == [reply.json()["message"]]


def test_captured_numbers_keep_every_digit(
    client: httpx.Client, start: Start, lines: list[bytes]
) -> None:
    body = (
        b'{"batch":[{"properties":{"n":0.12345678901234567890123,"i":123456789012345678901234}}]}'
    )
    post(client, start(), body)

    assert b'{"n":0.12345678901234567890123,"i":123456789012345678901234}' in lines[0]


def test_requests_too_large_for_segment_are_counted(client: httpx.Client, start: Start) -> None:
    server = start()
    small = TRACK | {"properties": {"x": "y" * 1000}}

    for count in (400, 500, 3000):
        batch = [small if count < 3000 else {"type": "page"}] * count
        body = gzip.compress(json.dumps({"batch": batch}).encode())
        reply = post(client, server, body, headers={"Content-Encoding": "gzip"})
        assert reply.status_code == 200

    assert (server.app.large_requests, server.app.large) == (2, 0)


def test_events_too_large_for_segment_are_counted(client: httpx.Client, start: Start) -> None:
    server = start()
    post(client, server, {"batch": [TRACK, TRACK | {"properties": {"text": "x" * 40_000}}]})

    assert (server.app.events, server.app.large) == (2, 1)


def test_number_of_different_problems_is_bounded(client: httpx.Client, start: Start) -> None:
    server = start()
    for number in range(50):
        assert client.get(f"{server.url}/{number}").status_code == 404

    assert len(server.app.problems) <= 21
    assert sum(server.app.problems.values()) == 50


# --- who may send, and that reading is refused


@pytest.mark.parametrize("origin", ["https://shop.example", "http://localhost:3000", "null"])
def test_cors_allows_any_origin(
    origin: str, client: httpx.Client, start: Start, lines: list[bytes]
) -> None:
    server, headers = start(), {"Origin": origin}
    asks = headers | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    asked = client.options(server.url + "/v1/t", headers=asks)
    sent = post(client, server, TRACK, route="/v1/t", headers=headers)

    assert (asked.status_code, sent.status_code) == (204, 200)
    assert asked.headers["access-control-allow-headers"] == "authorization,content-type"
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-private-network"] == "true"
    for reply in (asked, sent, client.get(server.url + "/v1/projects/K/settings", headers=headers)):
        assert reply.headers["access-control-allow-origin"] == origin
        assert reply.headers["access-control-allow-credentials"] == "true"
    assert len(events(lines)) == 1


def test_no_reply_contains_captured_data(client: httpx.Client, start: Start) -> None:
    server = start()
    secret = TRACK | {"properties": {"x": "SECRET"}, "messageId": "SECRET", "writeKey": "SECRET"}
    replies = [post(client, server, secret, route=route) for route in ROUTES]
    replies += [post(client, server, {"batch": [secret]}), post(client, server, [secret])]
    for path in ("/", "/v1/projects/KEY/settings", "/events", *ROUTES):
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST"):
            replies.append(client.request(method, server.url + path, headers=PAGE))

    assert server.app.events > 0
    assert not [reply for reply in replies if "SECRET" in reply.text]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_local_host_names_are_accepted(name: str, client: httpx.Client, start: Start) -> None:
    server = start()

    for host in (f"{name}:{server.url.rpartition(':')[2]}", name):
        assert post(client, server, {"batch": []}, headers={"Host": host}).status_code == 200


def test_refusal_lists_the_hosts_that_exist_and_says_how_to_add_one(
    client: httpx.Client, start: Start
) -> None:
    server = start(hosts=["app.test", "proxy.test:3000"])
    port = server.url.rpartition(":")[2]

    said = post(client, server, {}, headers={"Host": "evil.example"}).json()["message"]

    named, _, hint = said.partition("Host: ")[2].partition("; ")
    names = ["127.0.0.1", "[::1]", "app.test", "localhost"]
    hosts = sorted([*names, *(f"{name}:{port}" for name in names), "proxy.test:3000"])
    assert named.split(", ") == hosts
    assert hint == "to allow this one, start it with --host NAME"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{}", "localhost:1", "app.tests"])
def test_request_for_another_host_is_refused(
    host: str, client: httpx.Client, start: Start, lines: list[bytes]
) -> None:
    server = start(hosts=["app.test"])
    headers = PAGE | {"Host": host.format(server.url.rpartition(":")[2])}
    reply = post(client, server, {"batch": [TRACK]}, headers=headers)

    assert (reply.status_code, lines) == (421, [])
    assert "access-control-allow-origin" not in reply.headers
    assert "app.test" in reply.json()["message"]


@pytest.mark.parametrize("host", ["app.test", "APP.test:{}", "other.test:3000"])
def test_configured_hosts_are_accepted(host: str, client: httpx.Client, start: Start) -> None:
    server = start(hosts=["app.test", "other.test:3000"])
    headers = {"Host": host.format(server.url.rpartition(":")[2])}

    assert post(client, server, {"batch": [TRACK]}, headers=headers).status_code == 200


@for_each("text", ["http://app.test", "a/b", "é.test", "", "a b", "app.test:port"])
def test_invalid_host_option_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a host"):
        parse_host(text)


def test_server_listens_on_loopback_addresses_only() -> None:
    with listening(0) as listeners:
        names = [listener.getsockname()[:2] for listener in listeners]
        for address in names:
            socket.create_connection(address, 30).close()

    assert {address for address, _ in names} == {"127.0.0.1", "::1"} or not has_ipv6()
    assert len({port for _, port in names}) == 1


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_taken_port_raises_os_error() -> None:
    with listening(0) as taken:
        port = taken[0].getsockname()[1]
        with pytest.raises(OSError, match="in use"), listening(port):
            pass


# --- analytics.js


def test_settings_reply_directs_analytics_js_to_the_capture(
    client: httpx.Client, start: Start
) -> None:
    server = start()
    port = server.url.rpartition(":")[2]
    headers = PAGE | {"Host": f"localhost:{port}"}
    reply = client.get(server.url + "/v1/projects/MY%2FKEY/settings", headers=headers)
    found = client.get(server.url + "/v1/projects/MY_KEY/settings", headers=headers).json()

    assert reply.status_code == 404
    assert list(found["integrations"]) == ["Segment.io"]
    assert found["integrations"]["Segment.io"]["apiKey"] == "MY_KEY"
    assert found["integrations"]["Segment.io"]["apiHost"] == f"localhost:{port}/v1"
    assert found["integrations"]["Segment.io"]["protocol"] == "http"
    assert post(client, server, b"", route="/v1/projects/K/settings").status_code == 405


@for_each(
    ("said", "protocol"),
    [("https", "https"), ("HTTPS, http", "https"), ("http", "http"), ("javascript", "http")],
)
def test_settings_reply_has_the_protocol_of_a_proxy(
    said: str, protocol: str, client: httpx.Client, start: Start
) -> None:
    server = start()
    headers = {"X-Forwarded-Proto": said}

    found = client.get(server.url + "/v1/projects/K/settings", headers=headers).json()

    assert found["integrations"]["Segment.io"]["protocol"] == protocol


def test_analytics_js_metrics_are_not_events(
    client: httpx.Client, start: Start, lines: list[bytes]
) -> None:
    server = start()

    assert post(client, server, {"series": []}, route="/v1/m").status_code == 200
    assert (lines, server.app.events, server.app.problems) == ([], 0, {})


def test_root_path_answers_200_for_health_checks(client: httpx.Client, start: Start) -> None:
    server = start()

    assert client.get(server.url).status_code == client.head(server.url).status_code == 200
    assert client.put(server.url + "/v1/t").headers["allow"] == "POST"


# --- what cannot be written


def test_unwritten_event_is_not_acknowledged(client: httpx.Client, start: Start) -> None:
    written: list[bytes] = []
    failed: list[int] = []

    def write(line: bytes) -> None:
        if b"full" in line:
            raise OSError(28, "No space left on device")
        written.append(line)

    server = start(write, failed=lambda: failed.append(1))
    first = post(client, server, {"batch": [TRACK]})
    # Clients try a 5xx again, for minutes.
    second = post(client, server, {"batch": [TRACK, TRACK | {"event": "full"}]})
    third = post(client, server, {"batch": [TRACK]})

    assert [reply.status_code for reply in (first, second, third)] == [200, 400, 400]
    assert (len(written), server.app.events, failed) == (1, 1, [1])
    assert isinstance(server.app.failure, OSError)


# --- until it is quiet


def test_server_is_quiet_if_no_request_is_open(start: Start) -> None:
    server, signals = start(), SimpleQueue[int]()

    assert wait_until_quiet(server.app, 0.0, signals) is None
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    with closing(socket.create_connection(address, 30)) as connection:
        head = f"POST /v1/t HTTP/1.1\r\nHost: localhost:{address[1]}\r\nContent-Length: 9\r\n\r\n"
        connection.sendall(head.encode())
        wait_until(lambda: server.app.open == 1)
        # As long as a request is open, only a signal ends the wait.
        signals.put(2)
        assert wait_until_quiet(server.app, 0.0, signals) == 2
    wait_until(lambda: server.app.open == 0)
    assert wait_until_quiet(server.app, 0.0, signals) is None


def test_body_that_is_shorter_than_announced_is_refused_after_a_while(start: Start) -> None:
    server = start()
    server.app.uploads.patience = 0.2
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    with closing(socket.create_connection(address, 30)) as connection:
        head = f"POST /v1/t HTTP/1.1\r\nHost: localhost:{address[1]}\r\nContent-Length: 9\r\n\r\n"
        connection.sendall(head.encode() + b'{"a"')
        reply = connection.makefile("rb").read()  # until the connection ends

    assert reply.startswith(b"HTTP/1.1 408 ")
    assert server.app.problems == {"the rest of the body did not come for 0.2 seconds": 1}
    assert wait_until_quiet(server.app, 0.0, SimpleQueue()) is None


def test_body_that_comes_in_pieces_is_received(start: Start, lines: list[bytes]) -> None:
    server = start()
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    body = json.dumps(TRACK).encode()
    with closing(socket.create_connection(address, 30)) as connection:
        head = f"POST /v1/t HTTP/1.1\r\nHost: localhost:{address[1]}\r\nContent-Length: {len(body)}"
        connection.sendall(head.encode() + b"\r\n\r\n")
        for at in range(0, len(body), 10):
            connection.sendall(body[at : at + 10])
        assert connection.recv(12) == b"HTTP/1.1 200"

    assert len(events(lines)) == 1


def test_each_request_restarts_the_quiet_time(client: httpx.Client, start: Start) -> None:
    server = start()
    before = server.app.last
    post(client, server, {"batch": []})

    assert server.app.last > before
