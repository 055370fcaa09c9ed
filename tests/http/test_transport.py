"""Each transport sends a request once, unchanged, and returns the result."""

import asyncio
import gzip
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from support.fakes import PATIENCE, closed_port, wait_until
from support.wires import OK, TIMEOUT, Call, over, pass_time, replies_to, socket_server

from segcli import __version__
from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http.client import NoReply, Post
from segcli.http.reply_reader import LONGEST_REPLY
from segcli.http.transports import TRANSPORTS, open_client

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)


def reply_to(transport: str, request: Request | str, timeout: float = TIMEOUT) -> Reply:
    (reply,) = replies_to(transport, request, timeout=timeout)
    assert isinstance(reply, Reply), reply
    return reply


def reason_of(transport: str, request: Request | str, timeout: float = TIMEOUT) -> NoReply:
    (reply,) = replies_to(transport, request, timeout=timeout)
    assert isinstance(reply, NoReply), reply
    return reply


def says(text: bytes) -> Callable[[Call], None]:
    """Read a request, send this reply, and close."""

    def talk(call: Call) -> None:
        call.read()
        call.say(text)

    return talk


def packed(coding: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


# --- requests


def test_request_is_sent_unchanged_with_header_names_as_written(
    transport: str,
) -> None:
    with socket_server(Call.answer) as wire:
        headers = {"apiToken": "key", "Content-Type": "application/json"}
        reply_to(transport, Request(f"{wire.url}event?a=b", b'{"a":1}', headers))

    assert wire.line() == b"POST /event?a=b HTTP/1.1"
    assert wire.got[0].endswith(b'\r\n\r\n{"a":1}')
    assert wire.headers() == {
        "Host": f"127.0.0.1:{wire.port}",
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": f"segcli/{__version__}",
        "apiToken": "key",
        "Content-Type": "application/json",
        "Content-Length": "7",
    }


def test_request_header_replaces_the_default_one(transport: str) -> None:
    with socket_server(Call.answer) as wire:
        reply_to(transport, Request(wire.url, b"", {"user-agent": "acme", "accept": "text/x"}))

    found = {name.lower(): value for name, value in wire.headers().items()}
    assert (found["user-agent"], found["accept"], len(found)) == ("acme", "text/x", 5)


def test_user_of_the_address_overrides_the_authorization_header(transport: str) -> None:
    with socket_server(Call.answer) as wire:
        url = wire.url.replace("//", "//ada:s%40cret@")
        reply_to(transport, Request(url, b"", {"Authorization": "Basic other"}))

    assert wire.headers()["Authorization"] == "Basic YWRhOnNAY3JldA=="
    assert b"other" not in wire.got[0]


def test_non_ascii_in_the_url_is_percent_encoded_once(transport: str) -> None:
    with socket_server(Call.answer) as wire:
        reply_to(transport, f"{wire.url}café%7E/a b?q=ü%2F&x=%20#part")

    assert wire.line() == b"POST /caf%C3%A9%7E/a%20b?q=%C3%BC%2F&x=%20 HTTP/1.1"


def test_ipv6_address_is_reached(transport: str) -> None:
    try:
        with socket_server(Call.answer, host="::1") as wire:
            reply_to(transport, wire.url)
    except OSError:
        pytest.skip("this machine has no IPv6")

    assert wire.headers()["Host"] == f"[::1]:{wire.port}"


def test_header_with_a_line_break_is_refused_before_sending(transport: str) -> None:
    with socket_server(Call.answer) as wire:
        found = reason_of(transport, Request(wire.url, b"", {"X-Label": "a\r\nX-Other: b"}))

    assert found.final
    assert "cannot send this request" in found.reason
    assert wire.got == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("X-Key", f"s3cret{control}") for control in ("\0", "\x01", "\n", "\x7f")),
        *((name, "s3cret") for name in ("", "X Key", "X-Key:", "X-Key: a", "X\tKey")),
    ],
)
def test_invalid_header_is_refused_without_its_value(transport: str, name: str, value: str) -> None:
    with socket_server(Call.answer) as wire:
        found = reason_of(transport, Request(wire.url, b"", {name: value}))

    assert found.final
    assert found.reason.startswith("cannot send this request")
    assert repr(name) in found.reason
    assert "s3cret" not in found.reason
    assert wire.got == []


def test_method_is_sent_in_capitals(transport: str) -> None:
    with socket_server(Call.answer) as wire:
        reply_to(transport, Request(wire.url, b"{}", method="patch"))

    assert wire.line() == b"PATCH / HTTP/1.1"


def test_large_body_is_sent_whole(transport: str) -> None:
    body = bytes(range(256)) * 20_000
    with socket_server(Call.answer) as wire:
        replies_to(transport, Request(wire.url, body), Request(wire.url, b"{}"))

    assert [text.partition(b"\r\n\r\n")[2] for text in wire.got] == [body, b"{}"]


@pytest.mark.parametrize("framing", [{"content-length": "7"}, {"Transfer-Encoding": "chunked"}])
def test_length_is_that_of_the_body_whatever_a_header_says(
    transport: str, framing: dict[str, str]
) -> None:
    with socket_server(Call.answer) as wire:
        replies_to(transport, Request(wire.url, b"{}", framing))

    assert wire.got[0].lower().count(b"content-length: ") == 1
    assert b"transfer-encoding" not in wire.got[0].lower()
    assert wire.got[0].endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"])
def test_close_ends_a_request_that_the_vendor_does_not_read(transport: str, begun: bytes) -> None:
    arrived, finished = threading.Event(), threading.Event()

    def talk(call: Call) -> None:
        call.socket.recv(1000)
        call.say(begun)
        arrived.set()
        finished.wait(PATIENCE)

    async def story(address: str) -> Reply | NoReply:
        async with open_client(transport, timeout=PATIENCE) as post:
            under_way = asyncio.create_task(post(Request(address, bytes(30_000_000))))
            await asyncio.to_thread(arrived.wait, PATIENCE)
        return await asyncio.wait_for(under_way, PATIENCE)

    with socket_server(talk) as wire:
        found = asyncio.run(asyncio.wait_for(story(wire.url), PATIENCE))
        finished.set()

    assert isinstance(found, NoReply) or found.broken


def test_connections_are_reused_and_limited_to_the_concurrency(
    transport: str,
) -> None:
    opened: list[Call] = []

    def talk(call: Call) -> None:
        opened.append(call)
        call.answer()

    async def story(post: Post) -> None:
        for _ in range(10):
            await asyncio.gather(*(post(Request(wire.url, b"{}")) for _ in range(4)))

    with socket_server(talk) as wire:
        over(transport, story)

    assert len(wire.got) == 40
    assert len(opened) == 4


# --- replies


def test_reply_headers_are_lower_case_and_repeated_ones_joined(transport: str) -> None:
    head = b"HTTP/1.1 429 X\r\nRetry-After: 7\r\nX-A: 1\r\nx-a: 2\r\nX-B: caf\xc3\xa9\xff\r\n"
    with socket_server(says(head + b"Content-Length: 4\r\n\r\nbody")) as wire:
        reply = reply_to(transport, wire.url)

    assert (reply.status, reply.body) == (429, b"body")
    assert (reply.headers["retry-after"], reply.headers["x-a"]) == ("7", "1, 2")
    assert reply.headers["x-b"].startswith("caf")
    assert reply.headers["date"].endswith("GMT")


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"{}"),
        (packed("gzip", gzip.compress(b"hello")), b"hello"),
        (packed("deflate", zlib.compress(b"hello")), b"hello"),
        (packed("unheard-of", b"hello"), b"hello"),
    ],
    ids=["none", "until the end", "chunked", "not the first", "gzip", "deflate", "unknown"],
)
def test_a_body_is_read_in_every_transfer_encoding(
    transport: str, text: bytes, body: bytes
) -> None:
    with socket_server(says(text)) as wire:
        assert reply_to(transport, wire.url).body == body


def test_reply_with_a_long_header_is_accepted(transport: str) -> None:
    text = b"HTTP/1.1 200 OK\r\nX-Long: %s\r\nContent-Length: 0\r\n\r\n" % (b"x" * 20_000)
    with socket_server(says(text)) as wire:
        assert len(reply_to(transport, wire.url).headers["x-long"]) == 20_000


def test_an_endless_reply_is_cut_off_and_its_connection_closed(
    transport: str,
) -> None:
    def talk(call: Call) -> None:
        call.read()
        call.say(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000000000\r\n\r\n")
        try:
            while True:
                call.say(bytes(65536))
        except OSError:
            call.wire.ended.set()

    with socket_server(talk) as wire:
        reply = reply_to(transport, wire.url)
        assert wire.ended.wait(PATIENCE)

    assert reply.status == 500
    assert len(reply.body) == LONGEST_REPLY


def test_highly_compressed_reply_uses_bounded_memory(
    transport: str,
) -> None:
    async def story(post: Post) -> tuple[int, int]:
        tracemalloc.start()
        reply = await post(Request(wire.url, b"{}"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return len(reply.body) if isinstance(reply, Reply) else 0, peak

    with socket_server(says(packed("gzip", gzip.compress(bytes(60_000_000))))) as wire:
        length, peak = over(transport, story)

    assert length == LONGEST_REPLY
    assert peak < 4 * LONGEST_REPLY


def test_redirect_is_returned_and_not_followed(transport: str) -> None:
    text = b"HTTP/1.1 307 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
    with socket_server(says(text)) as wire:
        reply = reply_to(transport, wire.url)

    assert (reply.status, reply.headers["location"], len(wire.got)) == (307, "/other", 1)


def test_a_cookie_is_not_sent_back(transport: str) -> None:
    text = b"HTTP/1.1 200 OK\r\nSet-Cookie: id=1; Path=/\r\nContent-Length: 0\r\n\r\n"
    with socket_server(lambda call: call.answer(text)) as wire:
        replies_to(transport, wire.url, wire.url)

    assert len(wire.got) == 2
    assert b"cookie" not in wire.got[1].lower()


def test_error_reply_is_read_even_if_the_request_was_not_fully_read(transport: str) -> None:
    def talk(call: Call) -> None:
        call.socket.recv(1000)
        call.say(b"HTTP/1.1 413 Big\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        call.socket.shutdown(socket.SHUT_WR)
        while call.socket.recv(1 << 20):
            pass

    with socket_server(talk) as wire:
        reply = reply_to(transport, Request(wire.url, bytes(20_000_000)))

    assert (reply.status, reply.body) == (413, b"big")


# --- missing replies


def closes(call: Call) -> None:
    call.read()


def resets(call: Call) -> None:
    call.read()
    call.reset()


def resets_unread(call: Call) -> None:
    call.reset()


def resets_within(text: bytes) -> Callable[[Call], None]:
    def talk(call: Call) -> None:
        call.read()
        call.say(text)
        call.await_read()
        call.reset()

    return talk


def test_a_body_that_its_header_does_not_describe_cannot_be_read(
    transport: str,
) -> None:
    with socket_server(says(packed("gzip", b"this is no gzip"))) as wire:
        reply = reply_to(transport, wire.url)

    assert reply.status == 200
    assert reply.body == b"(a body that cannot be decoded)"


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        (closes, "no complete reply: Server disconnected"),
        (resets, "the connection was reset: Connection reset by peer"),
        (resets_unread, ""),
        (resets_within(b"HTTP/1.1 200 OK\r\nCont"), "the connection was reset"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Le"), "no complete reply"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "no complete reply"),
    ],
    ids=[
        *("closed", "reset", "reset unread", "reset in the head", "cut in the head", "no HTTP"),
    ],
)
def test_connection_closed_before_the_status_is_no_reply_and_not_final(
    transport: str, talk: Callable[[Call], None], reason: str
) -> None:
    with socket_server(talk) as wire:
        found = reason_of(transport, wire.url)

    assert found.reason.startswith(reason)
    assert not found.final
    assert len(wire.got) <= 1


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("127.0.0.1", "Connection refused"),
        ("localhost", "Connection refused"),
        ("no-such-host.invalid", "Name or service not known"),
    ],
)
def test_unreachable_host_is_named_with_the_reason(transport: str, host: str, why: str) -> None:
    port = closed_port()
    found = reason_of(transport, f"http://{host}:{port}/")

    assert found.reason == f"cannot connect to {host}:{port}: {why}" or "resolution" in found.reason
    assert not found.final


@pytest.mark.parametrize(
    "address",
    [
        *("http://1.2.3.999/", "http://xn--/", "http://a:b:c/"),
        *("http://127.0.0.1:65536/", "http://127.0.0.1:-1/", "http://ada:s3cret/x@vendor.example/"),
        *("ftp://ada:s3cret@vendor.example/", "vendor.example/", "http://", "https:///event"),
    ],
)
def test_invalid_address_is_a_final_failure(transport: str, address: str) -> None:
    found = reason_of(transport, address)

    assert found.reason.startswith("cannot send to this address")
    assert "s3cret" not in found.reason
    assert found.final


def silent(call: Call) -> None:
    call.read()
    call.hold()


def test_timeout_closes_the_connection(transport: str) -> None:
    with socket_server(silent) as wire:
        post = Request(wire.url, b"{}")
        found = over(transport, lambda send: send(post), timeout=30.0, silent=[wire])
        assert wire.ended.wait(PATIENCE)

    assert found == NoReply("no answer within 30 s")


@pytest.mark.parametrize("length", [2, 100_000])
def test_reply_that_came_while_the_process_did_not_run_is_not_too_late(
    transport: str, length: int
) -> None:
    def talk(call: Call) -> None:
        while call.read():
            assert may_answer.wait(PATIENCE)
            call.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (length, b"x" * length))
            has_answered.set()

    async def story(post: Post) -> list[Reply | NoReply]:
        posted = asyncio.create_task(post(Request(wire.url, b"1")))
        await asyncio.to_thread(wait_until, lambda: bool(wire.got))
        # The event loop does nothing until all has come and the deadline has passed.
        may_answer.set()
        assert has_answered.wait(PATIENCE)
        pass_time(3600)
        return [await posted, await post(Request(wire.url, b"2"))]

    may_answer, has_answered = threading.Event(), threading.Event()
    with socket_server(talk) as wire:
        found = over(transport, story, timeout=60.0)

    assert [(reply.status, len(reply.body)) for reply in found] == [(200, length)] * 2
    assert [text[-1:] for text in wire.got] == [b"1", b"2"], "each was sent once"


def test_server_that_reads_nothing_times_out(transport: str) -> None:
    given_up = threading.Event()
    with socket_server(lambda _call: given_up.wait(PATIENCE) and None) as wire:
        found = reason_of(transport, Request(wire.url, bytes(20_000_000)), timeout=0.1)
        given_up.set()

    assert found == NoReply("no answer within 0.1 s")


def test_server_that_accepts_no_connection_times_out(transport: str) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        found = reason_of(transport, f"http://127.0.0.1:{listening.getsockname()[1]}/", timeout=0.1)
        for one in waiting:
            one.close()

    assert found == NoReply("no answer within 0.1 s")


def test_cancelled_post_closes_its_connection(transport: str) -> None:
    async def story(post: Post) -> None:
        posted = asyncio.create_task(post(Request(wire.url, b"{}")))
        await asyncio.to_thread(wait_until, lambda: bool(wire.got))
        posted.cancel()
        await asyncio.wait([posted])
        assert await asyncio.to_thread(wire.ended.wait, PATIENCE)

    with socket_server(silent) as wire:
        over(transport, story)


# --- connections kept alive


def test_connection_closed_while_idle_is_replaced(transport: str) -> None:
    def talk(call: Call) -> None:
        call.read()
        call.say(OK)
        call.socket.close()
        closed.set()

    async def story(post: Post) -> list[Reply | NoReply]:
        first = await post(Request(wire.url, b"1"))
        assert await asyncio.to_thread(closed.wait, PATIENCE)
        # The event loop sees it in one iteration and tells the connection in the next.
        for _ in range(3):
            await asyncio.sleep(0)
        return [first, await post(Request(wire.url, b"2"))]

    closed = threading.Event()
    with socket_server(talk) as wire:
        found = over(transport, story)

    assert [reply.status for reply in found] == [200, 200]
    assert len(wire.got) == 2


@pytest.mark.parametrize("talk", [closes, resets], ids=["closed", "reset"])
def test_a_request_without_an_answer_on_a_kept_connection_is_not_sent_again(
    transport: str, talk: Callable[[Call], None]
) -> None:
    """The vendor may have received it: only the delivery decides whether to send it again."""

    def once(call: Call) -> None:
        call.read()
        call.say(OK)
        talk(call)

    with socket_server(once) as wire:
        first, second = replies_to(transport, Request(wire.url, b"1"), Request(wire.url, b"2"))

    assert isinstance(first, Reply)
    assert isinstance(second, NoReply)
    assert not second.final
    assert [text[-1:] for text in wire.got] == [b"1", b"2"]


def test_server_that_closes_after_each_reply_gets_no_request_twice(transport: str) -> None:
    with socket_server(says(OK)) as wire:
        found = replies_to(transport, *(Request(wire.url, b"%02d" % n) for n in range(30)))

    answered = [reply for reply in found if isinstance(reply, Reply)]
    assert len(answered) <= len(wire.got) == len({text[-2:] for text in wire.got})
