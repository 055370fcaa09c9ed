"""Bytes between two replies on a kept connection belong to neither."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from support.fakes import PATIENCE
from support.wires import OK, Call, over, replies_to, socket_server

from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http.client import NoReply, Post
from segcli.http.transports import TRANSPORTS

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"


def statuses(found: list[Reply | NoReply]) -> list[int | str]:
    return [reply.status if isinstance(reply, Reply) else reply.reason for reply in found]


@pytest.mark.parametrize("first", [OK, NO_CONTENT])
@pytest.mark.parametrize(
    "late",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConte",
        b"0\r\n\r\n",
        b"\r\n",
    ],
    ids=["a yes", "a no", "too late", "go on", "half a yes", "the end of chunks", "an empty line"],
)
def test_bytes_on_an_idle_connection_are_not_the_next_reply(
    transport: str, late: bytes, first: bytes
) -> None:
    asked, said = threading.Event(), threading.Event()
    opened: list[Call] = []

    def talk(call: Call) -> None:
        opened.append(call)
        if len(opened) > 1:
            call.answer(CREATED)
            return
        call.read()
        call.say(first)
        asked.wait(PATIENCE)
        call.say(late)
        said.set()
        call.answer(CREATED)

    async def story(post: Post) -> list[Reply | NoReply]:
        found = [await post(Request(wire.url, b"1"))]
        asked.set()
        assert await asyncio.to_thread(said.wait, PATIENCE)
        for _ in range(3):
            await asyncio.sleep(0)
        return [*found, *[await post(Request(wire.url, b"%d" % number)) for number in (2, 3)]]

    with socket_server(talk) as wire:
        found = over(transport, story)

    assert statuses(found) == [int(first[9:12]), 201, 201]
    assert [text[-1:] for text in wire.got] == [b"1", b"2", b"3"]
    assert len(opened) == 2


@pytest.mark.parametrize(
    "stray", [b"0\r\n\r\n", b"abcd", b'{"ok":true}', b"\r\n", b"\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_bytes_after_a_204_are_not_the_reply_to_the_next_request(
    transport: str, stray: bytes, step: int
) -> None:
    """The next request is sent before these bytes can be seen, and the vendor answers it."""
    opened: list[Call] = []

    def talk(call: Call) -> None:
        opened.append(call)
        while call.read():
            call.say(NO_CONTENT)
            if not call.read():
                return
            text = stray + CREATED
            for at in range(0, len(text), step):
                call.say(text[at : at + step])

    with socket_server(talk) as wire:
        requests = [Request(wire.url, b"%d" % number) for number in range(4)]
        found = replies_to(transport, *requests, timeout=30.0)

    assert statuses(found) == [204, 201, 204, 201]
    assert [text[-1:] for text in wire.got] == [b"0", b"1", b"2", b"3"]
    assert len(opened) == 2


def test_reply_before_the_request_is_whole_closes_the_connection(transport: str) -> None:
    """The rest of the request would be read as the next one."""
    if transport == "httpx":
        pytest.skip("httpx reads no reply before it has written the whole request")
    opened: list[Call] = []

    def talk(call: Call) -> None:
        opened.append(call)
        if len(opened) > 1:
            call.answer(CREATED)
            return
        call.socket.recv(1000)
        call.say(b"HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\n{}")
        second.wait(PATIENCE)
        with suppress(OSError):
            while call.socket.recv(1 << 20):
                pass
        call.wire.ended.set()

    async def story(post: Post) -> list[Reply | NoReply]:
        found = [await post(Request(wire.url, bytes(20_000_000)))]
        found += [await post(Request(wire.url, b"2"))]
        second.set()
        assert await asyncio.to_thread(wire.ended.wait, PATIENCE)
        return found

    second = threading.Event()
    with socket_server(talk) as wire:
        found = over(transport, story)

    assert statuses(found) == [413, 201]
    assert [text[-1:] for text in wire.got] == [b"2"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("reads", [True, False], ids=["read", "not read"])
def test_no_method_is_resent_if_a_kept_connection_breaks(
    transport: str, method: str, reads: bool
) -> None:
    """The vendor may have received it: only the delivery decides whether to send it again."""

    def talk(call: Call) -> None:
        call.read()
        call.say(OK)
        if reads:
            call.read()
        else:
            call.socket.recv(1)

    with socket_server(talk) as wire:
        requests = [Request(wire.url, b"%d" % number, method=method) for number in (1, 2)]
        first, second = replies_to(transport, *requests)

    assert isinstance(first, Reply)
    assert isinstance(second, NoReply)
    assert (second.final, second.closed) == (False, True)
    assert [text[-1:] for text in wire.got] == [b"1", b"2"][: 1 + reads]


@pytest.mark.parametrize(
    ("talk", "is_closed"),
    [
        (lambda call: call.read(), True),
        (lambda call: call.read() and call.say(b"HTTP/1.1 200 OK\r\n"), True),
        (lambda call: call.read() and call.reset(), True),
        (lambda call: call.read() and call.say(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), False),
    ],
    ids=["closed", "closed in the head", "reset", "no HTTP"],
)
def test_no_reply_tells_whether_the_vendor_closed_the_connection(
    transport: str, talk: Callable[[Call], None], is_closed: bool
) -> None:
    with socket_server(talk) as wire:
        (found,) = replies_to(transport, wire.url)

    assert isinstance(found, NoReply)
    assert found.closed == is_closed
    # No address, and nothing of a library's own.
    assert "127.0.0.1" not in found.reason
    assert "RawResponse" not in found.reason
