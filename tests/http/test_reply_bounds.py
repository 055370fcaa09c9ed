"""Any reply needs bounded memory and time."""

import asyncio
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from support.bombs import SIZE, bomb, encoded_in
from support.fakes import PATIENCE, wait_until
from support.wires import Call, over, pass_time, replies_to, socket_server

from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http.client import NoReply, Post
from segcli.http.reply_reader import LONGEST_REPLY
from segcli.http.transports import TRANSPORTS

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Cost:
    """The reply and its cost: bytes, seconds, and the longest time that blocked other tasks.

    That is the time of this thread, which a busy machine makes no longer.
    """

    reply: Reply | NoReply
    memory: int
    seconds: float
    longest_step: float
    was_closed: bool


def cost_of(transport: str, talk: Callable[[Call], Any], *, lasts: float | None = None) -> Cost:
    """Post a request to this vendor once for its memory, and once more for its time.

    A trace of the memory makes small steps take four times as long.
    lasts: how many seconds the vendor may send before the request is overdue.
    """

    async def story(post: Post) -> Reply | NoReply:
        posted = asyncio.create_task(post(Request(wire.url, b"{}")))
        if lasts is not None:
            await asyncio.to_thread(wait_until, lambda: bool(wire.got))
            await asyncio.wait([posted], timeout=lasts)
            pass_time(TIMEOUT)
        return await posted

    with socket_server(talk) as wire, _traced_memory() as peak:
        over(transport, story, timeout=TIMEOUT)
    with socket_server(talk) as wire, _longest_step() as longest:
        began = time.monotonic()
        reply = over(transport, story, timeout=TIMEOUT)
        took = time.monotonic() - began
        return Cost(reply, peak[0], took, longest[0], wire.ended.wait(PATIENCE))


@contextmanager
def _traced_memory() -> Iterator[list[int]]:
    """Yield a list that has the most bytes at one time once the block ends."""
    peak: list[int] = []
    tracemalloc.start()
    try:
        yield peak
        peak.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


@contextmanager
def _longest_step() -> Iterator[list[float]]:
    """Yield a list with the longest time of a step of a task: until it ends, no other has one."""
    longest, run = [0.0], asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        longest[0] = max(longest[0], time.thread_time() - began)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.Handle, "_run", timed)
        yield longest


def packed(coding: str, body: bytes) -> Callable[[Call], None]:
    head = HEAD + f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    def talk(call: Call) -> None:
        call.read()
        with suppress(OSError):
            call.say(head + body)
            call.await_end()
        call.wire.ended.set()

    return talk


def for_ever(start: bytes, more: bytes) -> Callable[[Call], None]:
    """Send the start once, then the rest repeatedly until the connection is closed."""
    block = more * (1 + 65536 // len(more))

    def talk(call: Call) -> None:
        call.read()
        try:
            call.say(start)
            while True:
                call.say(block)
        except OSError:
            call.wire.ended.set()

    return talk


@pytest.mark.parametrize(
    "codings",
    [
        *(["gzip"], ["deflate"], ["zstd"], ["gzip", "gzip"], ["deflate", "gzip"]),
        *(["gzip", "deflate"], ["gzip", "zstd"], ["zstd", "zstd", "gzip"], ["gzip"] * 4),
    ],
    ids=", ".join,
)
def test_decompression_bomb_reply_is_cut_at_the_limit(transport: str, codings: list[str]) -> None:
    body = bomb(*codings)
    cost = cost_of(transport, packed(", ".join(codings), body))

    assert SIZE > 50 * LONGEST_REPLY
    assert isinstance(cost.reply, Reply)
    assert cost.reply.broken == "a body of more than 4,194,304 bytes"
    assert cost.reply.body == bytes(LONGEST_REPLY)
    assert cost.memory < 4 * LONGEST_REPLY
    assert cost.longest_step < 1.0


def test_reply_with_too_many_codings_is_not_decoded(transport: str) -> None:
    cost = cost_of(transport, packed(", ".join(["gzip"] * 9), bomb(*["gzip"] * 9)))

    assert isinstance(cost.reply, Reply)
    assert cost.reply.broken == "a body that cannot be decoded"
    assert cost.memory < LONGEST_REPLY


def test_reply_as_long_as_the_limit_is_complete(transport: str) -> None:
    body = encoded_in(["gzip", "gzip"], bytes(LONGEST_REPLY))
    cost = cost_of(transport, packed("gzip, gzip", body))

    assert isinstance(cost.reply, Reply)
    assert (cost.reply.broken, len(cost.reply.body)) == ("", LONGEST_REPLY)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (HEAD, b"X-More: and more\r\n"),
        (HEAD + b"X-Long: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"),
        (CHUNKED + b"5;", b"x=y;"),
        (CHUNKED, b"1;x=yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\na\r\n"),
        (CHUNKED + b"0\r\n", b"X-More: and more\r\n"),
        (CHUNKED + b"0\r\nX-Long: ", b"x"),
        (CHUNKED, b"1\r\na\r\n"),
        (b"", b"\r\n"),
        (b"", b"no HTTP at all "),
    ],
    ids=[
        *("headers", "a header", "interim replies", "longer interim replies"),
        *("an extension", "extensions", "trailers", "a trailer", "tiny chunks"),
        *("empty lines", "no HTTP"),
    ],
)
def test_a_reply_without_end_is_given_up_and_the_connection_closed(
    transport: str, start: bytes, more: bytes
) -> None:
    cost = cost_of(transport, for_ever(start, more), lasts=0.5)

    assert cost.was_closed
    assert cost.memory < 4 * LONGEST_REPLY
    assert cost.longest_step < 1.5
    assert cost.seconds < 0.5 + TIMEOUT
    assert isinstance(cost.reply, NoReply) or cost.reply.broken


def test_reply_with_many_long_headers_is_read(transport: str) -> None:
    headers = b"".join(b"X-%d: %s\r\n" % (n, b"x" * 500) for n in range(100))

    def talk(call: Call) -> None:
        call.read()
        call.say(HEAD + headers + b"Content-Length: 2\r\n\r\n{}")

    with socket_server(talk) as wire:
        (reply,) = replies_to(transport, wire.url)

    assert isinstance(reply, Reply)
    assert (reply.body, reply.headers["x-99"]) == (b"{}", "x" * 500)
