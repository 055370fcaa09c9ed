"""A pipe is read in few large reads; a regular file in reads of the requested size."""

import fcntl
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BufferedReader
from pathlib import Path

import pytest
from support.fakes import PATIENCE, wait_until

from segcli.inputs import PlainFile, local_file

KIB = 1024
# A descriptor that the system call `select` does not take.
LARGE = 1024
MOST_FILES, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

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


def test_read_waits_for_a_non_blocking_pipe(pipe: tuple[BufferedReader, int]) -> None:
    reader, write = pipe
    os.set_blocking(reader.fileno(), False)
    file = PlainFile(reader)
    later = threading.Timer(0.3, os.write, (write, b"a\n"))
    later.start()

    assert file.read1(1024 * KIB) == b"a\n"
    later.join()


def test_regular_file_is_read_in_the_requested_size(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(bytes(1024 * KIB))
    with path.open("rb") as file:
        assert len(PlainFile(file).read1(1024 * KIB)) == 1024 * KIB


def test_pipe_is_waited_for_in_the_main_thread(
    pipe: tuple[BufferedReader, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, write = pipe
    # Another process may have made it non-blocking.
    os.set_blocking(reader.fileno(), False)
    file, waits, real = PlainFile(reader), list[int](), local_file._are_ready

    def waiting(descriptors: Sequence[int], timeout: int | None = None) -> bool:
        if timeout is None:
            waits.append(descriptors[0])
            os.write(write, b"a\n")
        return real(descriptors, timeout)

    monkeypatch.setattr(local_file, "_are_ready", waiting)

    # Without the wait, nothing would be written.
    assert file.read1(1024 * KIB) == b"a\n"
    assert waits == [reader.fileno()]


@pytest.mark.skipif(MOST_FILES <= LARGE, reason="a process may not open so many files")
def test_descriptor_of_a_pipe_may_be_large(pipe: tuple[BufferedReader, int]) -> None:
    reader, write = pipe
    large = fcntl.fcntl(reader, fcntl.F_DUPFD, LARGE)
    os.write(write, b"a\n")
    with open(large, "rb") as file:
        assert PlainFile(file).read1(KIB) == b"a\n"


def test_non_blocking_pipe_is_polled_with_select(
    pipe: tuple[BufferedReader, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, write = pipe
    os.set_blocking(reader.fileno(), False)
    file = PlainFile(reader)
    waits: list[object] = []

    def select(*what: object) -> tuple[list[object], list[object], list[object]]:
        waits.append(what)
        os.write(write, b"a\n")
        return [], [], []

    monkeypatch.setattr("segcli.inputs.local_file.select.select", select)

    # Without the wait, nothing would be written.
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(file.read1, 1024 * KIB).result() == b"a\n"
    assert waits == [([reader], [], [])]


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
    waits_in = Path(f"/proc/self/task/{thread}/wchan")
    wait_until(lambda: any(word in waits_in.read_text() for word in ("pipe", "select", "poll")))
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


def test_whoever_was_told_of_signals_before_is_told_of_those_during_a_wait(
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
