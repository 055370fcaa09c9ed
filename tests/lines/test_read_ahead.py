"""A thread reads the input a little ahead, so that a slow disk or pipe delays no request."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from support.fakes import PATIENCE, wait_until

from segcli.lines.read_ahead import read_ahead


async def collected(items: Iterator[int]) -> list[int]:
    return [item async for item in read_ahead(items)]


def test_everything_comes_once_and_in_order() -> None:
    assert asyncio.run(collected(iter(range(1_000)))) == list(range(1_000))


def test_only_a_little_is_read_that_nobody_has_asked_for() -> None:
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


def test_an_error_of_the_input_is_raised_where_the_items_are_awaited() -> None:
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


def test_an_input_that_blocks_leaves_the_loop_free() -> None:
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


def test_a_reader_that_nobody_follows_ends() -> None:
    async def story() -> None:
        items = read_ahead(iter(range(1_000_000)))
        assert await anext(items) == 0
        await items.aclose()

    asyncio.run(story())
    wait_until(lambda: all(thread.name != "segcli-read" for thread in threading.enumerate()))
