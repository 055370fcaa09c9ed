"""A run is stopped once: every waiting task is woken, and the first reason counts."""

import asyncio

from support.fakes import clock, play

from segcli.delivery.shutdown import StopSignal
from segcli.errors import Stopped

ENOUGH = Stopped("enough")


def test_first_stop_reason_is_kept_and_listeners_are_called_once() -> None:
    async def story() -> tuple[BaseException | None, int]:
        stop_signal, heard = StopSignal(), []
        stop_signal.on_stop(lambda: heard.append(1))
        stop_signal.stop(ENOUGH)
        stop_signal.stop(Stopped("another"))
        return stop_signal.reason, len(heard)

    assert play(story()) == (ENOUGH, 1)


def test_stop_ends_every_sleep_early() -> None:
    async def story() -> list[float]:
        stop_signal, began, slept = StopSignal(), clock(), []
        await stop_signal.sleep(5)
        slept.append(clock() - began)
        asyncio.get_running_loop().call_later(2, stop_signal.stop, ENOUGH)
        await stop_signal.sleep(5)
        slept.append(clock() - began)
        await stop_signal.sleep(5)
        slept.append(clock() - began)
        return slept

    assert play(story()) == [5, 7, 7]


def test_wait_aborted_ends_on_timeout_or_abort() -> None:
    async def story() -> list[float]:
        stop_signal, began, waited = StopSignal(), clock(), []
        await stop_signal.wait_aborted(10)
        waited.append(clock() - began)
        asyncio.get_running_loop().call_later(2, stop_signal.abort)
        await stop_signal.wait_aborted(10)
        waited.append(clock() - began)
        return waited

    assert play(story()) == [10, 12]
