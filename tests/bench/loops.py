"""Minimal loops that only post events, for comparison with `segcli send`.

    python tests/bench/loops.py LOOP URL CONCURRENCY EVENTS FILE

Each prints how many events it posted a second, without the time that Python takes to start.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx

HEADERS = {"Content-Type": "application/json", "Authorization": "Basic a2V5Og=="}

Post = Callable[[bytes], Awaitable[Any]]


async def all_posted(post: Post, lines: Iterator[bytes], concurrency: int) -> None:
    """Post every line, `concurrency` at once."""

    async def work() -> None:
        for line in lines:
            await post(line)

    await asyncio.gather(*(work() for _ in range(concurrency)))


async def client(
    transport: httpx.AsyncBaseTransport | None, url: str, lines: Iterator[bytes], concurrency: int
) -> None:
    """Post as everybody does: with one `httpx.AsyncClient`."""
    async with httpx.AsyncClient(timeout=None, transport=transport) as session:

        async def post(line: bytes) -> None:
            reply = await session.post(url, content=line, headers=HEADERS)
            assert reply.status_code == 200, reply

        await all_posted(post, lines, concurrency)


async def plain(url: str, lines: Iterator[bytes], concurrency: int) -> None:
    """Post as everybody does with aiohttp: with one `aiohttp.ClientSession`."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def post(line: bytes) -> None:
            async with session.post(url, data=line, headers=HEADERS) as reply:
                await reply.read()
                assert reply.status == 200, reply

        await all_posted(post, lines, concurrency)


async def ours(url: str, lines: Iterator[bytes], concurrency: int) -> None:
    """Post over a transport of segcli, as `segcli send` does."""
    from segcli.core.destination import Request
    from segcli.core.reply import Reply
    from segcli.http.transports import open_client

    async with open_client("aiohttp", timeout=60) as post_request:

        async def post(line: bytes) -> None:
            reply = await post_request(Request(url, line, HEADERS))
            assert isinstance(reply, Reply), reply
            assert reply.status == 200, reply

        await all_posted(post, lines, concurrency)


def rust() -> httpx.AsyncBaseTransport:
    from pyreqwest.compatibility.httpx import HttpxTransport

    found: httpx.AsyncBaseTransport = HttpxTransport()
    return found


def theirs() -> httpx.AsyncBaseTransport:
    from httpx_aiohttp import AiohttpTransport

    found: httpx.AsyncBaseTransport = AiohttpTransport(limits=httpx.Limits(max_connections=None))
    return found


def segments_own(url: str, lines: Iterator[bytes]) -> None:
    """Post with Segment's client for Python, in the batches it makes."""
    from segment.analytics.client import Client

    failed: list[object] = []
    sender = Client(
        "key",
        host=url.removesuffix("/v1"),
        max_queue_size=1_000_000,
        on_error=lambda error, _: failed.append(error),
    )
    for line in lines:
        event = json.loads(line)
        common = {
            "user_id": event.get("userId") or None,
            "anonymous_id": event["anonymousId"],
            "context": event["context"],
            "integrations": event["integrations"],
        }
        if event["type"] == "identify":
            sender.identify(traits=event["traits"], **common)
        else:
            sender.track(event=event["event"], properties=event["properties"], **common)
    sender.flush()
    sender.join()
    assert not failed, failed[0]


LOOPS: dict[str, Callable[[str, Iterator[bytes], int], Any]] = {
    "httpx": lambda *how: asyncio.run(client(None, *how)),
    "httpx over pyreqwest": lambda *how: asyncio.run(client(rust(), *how)),
    "httpx over httpx-aiohttp": lambda *how: asyncio.run(client(theirs(), *how)),
    "aiohttp": lambda *how: asyncio.run(plain(*how)),
    "aiohttp transport": lambda *how: asyncio.run(ours(*how)),
    "segment": lambda url, lines, _: segments_own(url, lines),
}


CARRIERS = {
    "aiohttp": "aiohttp",
    "httpx over pyreqwest": "pyreqwest.compatibility.httpx",
    "httpx over httpx-aiohttp": "httpx_aiohttp",
    "aiohttp transport": "segcli.http.aiohttp_transport",
}


def main() -> None:
    name, url, concurrency, events, file = sys.argv[1:]
    read = Path(file).read_bytes().splitlines()
    lines = iter(list(islice(cycle(read), int(events))))
    # To import what carries the requests is no part of what they take.
    import_module(CARRIERS.get(name, "httpx"))
    began = time.perf_counter()
    LOOPS[name](url, lines, int(concurrency))
    sys.stdout.write(f"{int(events) / (time.perf_counter() - began)}\n")


if __name__ == "__main__":
    main()
