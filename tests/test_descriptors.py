"""Waiting for descriptors, also for those of 1024 and more."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from support.fakes import PATIENCE, wait_until
from support.pipes import DESCRIPTORS, is_waiting, pipe_of

from segcli.descriptors import can_read, wait_until_writable

if sys.platform != "linux":
    pytest.skip("nowhere else it can be read for what a thread waits", allow_module_level=True)


@pytest.fixture(params=DESCRIPTORS)
def pipe(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    with pipe_of(request.param) as both:
        yield both


def fill(write: int) -> None:
    for size in (64 * 1024, 1):
        try:
            while True:
                os.write(write, bytes(size))
        except BlockingIOError:
            pass


def during_wait(wait: Callable[[], object], act: Callable[[], object]) -> object:
    """Return what a wait returns that must last until `act` is called."""
    thread: Future[int] = Future()

    def waiting() -> object:
        thread.set_result(threading.get_native_id())
        return wait()

    with ThreadPoolExecutor(1) as threads:
        result = threads.submit(waiting)
        number = thread.result(PATIENCE)
        try:
            wait_until(lambda: result.done() or is_waiting(number))
            assert not result.done(), "it did not wait"
        finally:
            act()
        return result.result(PATIENCE)


def test_reader_waits_until_there_is_something(pipe: tuple[int, int]) -> None:
    read, write = pipe

    assert during_wait(lambda: can_read([read]), lambda: os.write(write, b"a")) is True


def test_nothing_can_be_read_in_time_from_an_empty_pipe(pipe: tuple[int, int]) -> None:
    read, write = pipe
    assert not can_read([read], timeout=0)
    os.write(write, b"a")

    assert can_read([read], timeout=0)


def test_writer_waits_until_there_is_room(pipe: tuple[int, int]) -> None:
    read, write = pipe
    fill(write)
    during_wait(lambda: wait_until_writable(write), lambda: os.read(read, 1024 * 1024))

    assert os.write(write, b"a") == 1


def test_wait_to_read_ends_when_there_is_no_writer_left() -> None:
    read, write = os.pipe()
    os.close(write)

    assert can_read([read])
    os.close(read)


def test_wait_to_write_ends_when_there_is_no_reader_left() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    fill(write)
    os.close(read)
    wait_until_writable(write)

    with pytest.raises(BrokenPipeError):
        os.write(write, b"a")
    os.close(write)
