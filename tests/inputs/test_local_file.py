"""A pipe is read in few large reads; a regular file in reads of the requested size."""

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any

import pytest
from support.fakes import PATIENCE, wait_until
from support.pipes import DESCRIPTORS, is_waiting, pipe_of, write_while_waiting

from segcli.inputs import PlainFile

KIB = 1024

if sys.platform != "linux":
    pytest.skip("nowhere else a pipe can be told what to hold", allow_module_level=True)


@pytest.fixture
def pipe() -> Iterator[tuple[BufferedReader, int]]:
    """Both ends of a pipe; the writing end does not block."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with open(read, "rb") as reader:
        yield reader, write
    os.close(write)


def test_pipe_buffer_is_enlarged(
    pipe: tuple[BufferedReader, int],
) -> None:
    reader, write = pipe
    file = PlainFile(reader)
    written = os.write(write, bytes(1024 * KIB))

    assert written == 256 * KIB
    assert len(file.read1(1024 * KIB)) == written


def test_larger_pipe_buffer_is_not_reduced(pipe: tuple[BufferedReader, int]) -> None:
    reader, _ = pipe
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 512 * KIB)
    PlainFile(reader)

    assert fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ) == 512 * KIB


def test_pipe_that_cannot_be_enlarged_is_still_read(
    pipe: tuple[BufferedReader, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcntl.fcntl", refusing(fcntl.fcntl))
    reader, write = pipe
    file = PlainFile(reader)
    os.write(write, b"a\n")

    assert file.read1(1024 * KIB) == b"a\n"


def refusing(fcntl_: Callable[..., int]) -> Callable[..., int]:
    def called(pipe: BufferedReader, command: int, *size: int) -> int:
        if command == fcntl.F_SETPIPE_SZ:
            raise PermissionError
        return fcntl_(pipe, command, *size)

    return called


def test_regular_file_is_read_in_the_requested_size(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(bytes(1024 * KIB))
    with path.open("rb") as file:
        assert len(PlainFile(file).read1(1024 * KIB)) == 1024 * KIB


class ReadFewTimes(FileIO):
    """A file that fails instead of being read again and again, as without a wait."""

    reads = 0

    def read(self, size: int | None = -1, /) -> Any:
        self.reads += 1
        assert self.reads < 5, "there is no wait between the reads"
        return super().read(size)


def in_this_thread(read: Callable[[], bytes]) -> bytes:
    return read()


def in_another_thread(read: Callable[[], bytes]) -> bytes:
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(read).result()


@pytest.mark.parametrize("in_thread", [in_this_thread, in_another_thread])
@pytest.mark.parametrize("least", DESCRIPTORS)
def test_non_blocking_pipe_is_waited_for(
    in_thread: Callable[[Callable[[], bytes]], bytes], least: int
) -> None:
    ended = threading.Event()
    with pipe_of(least) as (read, write), ThreadPoolExecutor(1) as threads:

        def waiting() -> bytes:
            thread = threading.get_native_id()
            threads.submit(write_while_waiting, thread, write, ended.is_set)
            try:
                return PlainFile(BufferedReader(file)).read1(KIB)
            finally:
                ended.set()

        with ReadFewTimes(read, closefd=False) as file:
            assert in_thread(waiting) == b"a\n"


# --- signals


class Told(Exception):
    """Raised by the handler of a signal."""


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """The numbers of the signals that were handled; each raises `Told` besides."""
    numbers: list[int] = []

    def handler(number: int, _: object) -> None:
        numbers.append(number)
        raise Told

    before = signal.signal(signal.SIGUSR1, handler)
    # Another thread takes the signal. So it interrupts no call of this thread, just like one that
    # comes before the call.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    yield numbers
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    signal.signal(signal.SIGUSR1, before)


def send_to_itself_while(thread: int, handled: list[int], write: int) -> None:
    """Take a signal while the system lets a thread wait; write if the thread does not notice."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    wait_until(lambda: is_waiting(thread))
    signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    try:
        wait_until(lambda: bool(handled))
    finally:
        os.write(write, b"a\n")


def test_signal_that_interrupts_no_call_ends_the_wait_for_a_pipe(
    pipe: tuple[BufferedReader, int], handled: list[int]
) -> None:
    reader, write = pipe
    file, thread = PlainFile(reader), threading.get_native_id()
    telling = threading.Thread(target=send_to_itself_while, args=(thread, handled, write))
    telling.start()
    with pytest.raises(Told):
        file.read1(KIB)
    telling.join(PATIENCE)

    assert handled == [signal.SIGUSR1]
    assert file.read1(KIB) == b"a\n"
    assert signal.set_wakeup_fd(-1) == -1


def test_who_was_told_of_signals_before_is_told_of_those_during_a_wait(
    pipe: tuple[BufferedReader, int], handled: list[int]
) -> None:
    (reader, write), (told, teller) = pipe, os.pipe()
    os.set_blocking(teller, False)
    file, thread = PlainFile(reader), threading.get_native_id()
    telling = threading.Thread(target=send_to_itself_while, args=(thread, handled, write))
    signal.set_wakeup_fd(teller)
    try:
        telling.start()
        with pytest.raises(Told):
            file.read1(KIB)
        telling.join(PATIENCE)
    finally:
        assert signal.set_wakeup_fd(-1) == teller

    assert os.read(told, KIB) == bytes([signal.SIGUSR1])
    os.close(told)
    os.close(teller)
