"""A thread reads the input a little ahead, so that a slow disk or pipe delays no request."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from support.fakes import PATIENCE, wait_until

from segcli.lines.read_ahead import read_ahead


async def collected(items: Iterator[int]) -> list[int]:
    return [item async for item in read_ahead(items)]


def test_items_are_delivered_once_in_order() -> None:
    assert asyncio.run(collected(iter(range(1_000)))) == list(range(1_000))


def test_read_ahead_is_bounded() -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    async def story() -> list[int]:
        found = []
        async for item in read_ahead(items()):
            wait_until(lambda: len(read) >= min(100, item + 9))  # noqa: B023  # called at once
            found.append(len(read) - item)
        return found

    ahead = asyncio.run(story())
    assert len(ahead) == 100
    assert max(ahead) <= 10


def test_input_error_is_raised_in_the_consumer() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError(5, "Input/output error")

    async def story() -> int:
        read = read_ahead(items())
        first = await anext(read)
        with pytest.raises(OSError, match="Input/output error"):
            await anext(read)
        return first

    assert asyncio.run(story()) == 1


def test_blocking_input_does_not_block_the_event_loop() -> None:
    began, released = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        began.set()
        released.wait(PATIENCE)
        yield 1

    async def story() -> list[int]:
        reading = asyncio.create_task(collected(items()))
        async with asyncio.timeout(PATIENCE):
            while not began.is_set():
                await asyncio.sleep(0)
        assert not reading.done()
        released.set()
        return await reading

    assert asyncio.run(story()) == [1]


def test_reader_thread_ends_when_the_consumer_closes() -> None:
    async def story() -> None:
        items = read_ahead(iter(range(1_000_000)))
        assert await anext(items) == 0
        await items.aclose()

    asyncio.run(story())
    wait_until(lambda: all(thread.name != "segcli-read" for thread in threading.enumerate()))
