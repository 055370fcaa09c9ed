"""The brake is pulled once: whoever waits is told, and the first reason counts."""

import asyncio

from sending import clock, play

from segcli.delivery.shutdown import Brake
from segcli.errors import Stopped

ENOUGH = Stopped("enough")


def test_the_first_reason_counts_and_listeners_hear_it_once() -> None:
    async def story() -> tuple[BaseException | None, int]:
        brake, heard = Brake(), []
        brake.on_pull(lambda: heard.append(1))
        brake.pull(ENOUGH)
        brake.pull(Stopped("another"))
        return brake.reason, len(heard)

    assert play(story()) == (ENOUGH, 1)


def test_a_sleep_is_as_long_as_asked_unless_the_brake_is_pulled() -> None:
    async def story() -> list[float]:
        brake, began, slept = Brake(), clock(), []
        await brake.sleep(5)
        slept.append(clock() - began)
        asyncio.get_running_loop().call_later(2, brake.pull, ENOUGH)
        await brake.sleep(5)
        slept.append(clock() - began)
        await brake.sleep(5)
        slept.append(clock() - began)
        return slept

    assert play(story()) == [5, 7, 7]


def test_the_grace_ends_when_it_is_over_or_slammed() -> None:
    async def story() -> list[float]:
        brake, began, waited = Brake(), clock(), []
        await brake.wait_slammed(10)
        waited.append(clock() - began)
        asyncio.get_running_loop().call_later(2, brake.slam)
        await brake.wait_slammed(10)
        waited.append(clock() - began)
        return waited

    assert play(story()) == [10, 12]
