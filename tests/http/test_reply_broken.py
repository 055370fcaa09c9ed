"""A reply with a status is a reply, even if the rest is broken."""

import asyncio
import gzip
import socket
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

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = HEAD + b"Content-Length: 9\r\n\r\n"


def says(*texts: bytes) -> Callable[[Call], None]:
    """Read a request, send these pieces in order, and close."""

    def talk(call: Call) -> None:
        call.read()
        for text in texts:
            call.say(text)

    return talk


def drips(call: Call) -> None:
    call.read()
    call.say(HEAD + b"Content-Length: 1000000\r\n\r\nx")
    call.await_read()
    # What it says from now on tells the client nothing new.
    call.wire.silent.set()
    with suppress(OSError):
        while not call.wire.ended.wait(0.01):
            call.say(b"x")


def halts(call: Call) -> None:
    call.read()
    call.say(LENGTH + b"abc")
    call.hold()


def resets_once_much_was_read(call: Call) -> None:
    """Reset the connection after the client has read the head, which it could lose otherwise."""
    call.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    call.read()
    call.say(HEAD + b"Content-Length: 9000000\r\n\r\n" + bytes(3_000_000))
    call.reset()


@pytest.mark.parametrize(
    ("talk", "why"),
    [
        (resets_once_much_was_read, ""),
        (says(LENGTH + b"abc"), ""),
        (says(CHUNKED + b"9\r\nabc"), ""),
        (says(CHUNKED + b"9\r\n"), ""),
        (says(CHUNKED + b"zz\r\nabc"), "chunk"),
        (says(CHUNKED + b"3\r\nabcXX\r\n0\r\n\r\n"), ""),
    ],
    ids=[
        *("reset", "cut short", "cut within a chunk", "cut before a chunk", "no chunk"),
        "a longer chunk",
    ],
)
def test_reply_with_a_broken_body_has_its_status_and_the_reason(
    transport: str, talk: Callable[[Call], None], why: str
) -> None:
    with socket_server(talk) as wire:
        (reply,) = replies_to(transport, wire.url, timeout=30.0)
        wire.ended.set()

    check_broken_off(reply, why)
    assert len(wire.got) == 1


def test_reply_that_does_not_end_in_time_has_its_status_and_the_reason(transport: str) -> None:
    async def story(post: Post) -> list[Reply | NoReply]:
        return await asyncio.gather(*(post(Request(wire.url, b"{}")) for wire in wires))

    with socket_server(halts) as halting, socket_server(drips) as dripping:
        wires = (halting, dripping)
        found = over(transport, story, timeout=30.0, silent=wires)
        for wire in wires:
            wire.ended.set()

    for reply in found:
        check_broken_off(reply, "not complete within 30 s")
    assert [len(wire.got) for wire in wires] == [1, 1]


def check_broken_off(reply: Reply | NoReply, why: str) -> None:
    assert isinstance(reply, Reply), reply
    assert reply.status == 200
    assert reply.broken.startswith("a body that broke off: ")
    assert why in reply.broken
    # A reader must not take it for the empty reply of a vendor.
    assert reply.body


def test_invalid_chunk_is_detected_at_once(transport: str) -> None:
    def talk(call: Call) -> None:
        call.read()
        call.say(CHUNKED + b"3\r\nabc\r\n")
        call.await_read()
        call.say(b"zz\r\n")
        call.await_end()

    with socket_server(talk) as wire:
        (reply,) = replies_to(transport, wire.url, timeout=20.0)
        assert wire.ended.wait(PATIENCE)

    assert isinstance(reply, Reply)
    assert "chunk" in reply.broken


def test_end_of_a_chunk_before_an_error_does_not_hide_it(transport: str) -> None:
    """The reader is woken by the end of the chunk, and must see the error instead of waiting."""

    def talk(call: Call) -> None:
        call.read()
        call.say(CHUNKED + b"2\r\n{}")
        call.await_read()
        call.say(b"\r\n0\r\nno colon\r\n\r\n")
        call.await_end()

    with socket_server(talk) as wire:
        found = replies_to(transport, *[wire.url] * 3, timeout=20.0)

    for reply in found:
        check_broken_off(reply, "")
        assert isinstance(reply, Reply)
        assert "not complete within" not in reply.broken


def test_reply_with_both_length_and_chunks_has_its_status(transport: str) -> None:
    text = HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    with socket_server(says(text)) as wire:
        (reply,) = replies_to(transport, wire.url)

    assert isinstance(reply, Reply), reply
    assert (reply.status, len(wire.got)) == (200, 1)
    assert reply.broken or reply.body == b"{}"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "gzip, gzip"])
@pytest.mark.parametrize(
    "body", [b"this is none of them", gzip.compress(bytes(1000))[:-1]], ids=["none", "cut short"]
)
def test_body_that_does_not_match_its_coding_is_broken(
    transport: str, coding: str, body: bytes
) -> None:
    head = HEAD + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
    with socket_server(says(head % (coding.encode(), len(body)) + body)) as wire:
        (reply,) = replies_to(transport, wire.url)

    assert isinstance(reply, Reply)
    assert (reply.status, reply.broken) == (200, "a body that cannot be decoded")


@pytest.mark.parametrize("text", [OK, b"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n"])
def test_complete_reply_is_not_broken(transport: str, text: bytes) -> None:
    with socket_server(says(text)) as wire:
        (reply,) = replies_to(transport, wire.url)

    assert isinstance(reply, Reply)
    assert reply.broken == ""


@pytest.mark.parametrize("status", ["000", "101", "199", "600", "999", "1000", "20", "abc", "-20"])
def test_invalid_status_is_no_reply(transport: str, status: str) -> None:
    text = f"HTTP/1.1 {status} X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".encode()
    with socket_server(says(text)) as wire:
        (reply,) = replies_to(transport, wire.url)

    assert isinstance(reply, NoReply), reply
    assert reply.reason.startswith("no complete reply")
    assert not reply.final


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}and more",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n",
    ],
    ids=["a chunk's end", "announced chunks", "announced bytes", "bytes", "more", "two replies"],
)
def test_bytes_after_a_reply_are_ignored_and_no_request_is_resent(
    transport: str, text: bytes
) -> None:
    opened: list[Call] = []

    def talk(call: Call) -> None:
        opened.append(call)
        call.answer(text)

    with socket_server(talk) as wire:
        found = replies_to(transport, *(Request(wire.url, b"%d" % n) for n in range(5)))

    assert [reply.status for reply in found if isinstance(reply, Reply) and not reply.broken] == [
        int(text[9:12])
    ] * 5
    assert [got[-1:] for got in wire.got] == [b"0", b"1", b"2", b"3", b"4"]
    # Bytes that come later would be read as the reply to another request.
    assert len(opened) == 5
