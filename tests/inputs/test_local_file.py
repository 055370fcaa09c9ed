"""A pipe is read in few large reads; a regular file in reads of the requested size."""

import fcntl
import os
import sys
import threading
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path

import pytest

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
    assert file.read1(1024 * KIB) == b"a\n"
    assert waits == [([reader], [], [])]
