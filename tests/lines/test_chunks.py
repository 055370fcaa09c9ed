"""Inputs of any bytes become numbered lines, in bounded memory."""

import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chunk_lines import MIB, byte_chunks, lines, with_peak_memory

from segcli.core.line import TooLong
from segcli.lines import chunks

BLOCK = chunks.BLOCK
BUFFER = io.DEFAULT_BUFFER_SIZE


def expected(data: bytes, max_line: int = chunks.MAX_LINE) -> list[bytes | TooLong]:
    """Split bytes into lines in the simplest way."""
    parts = data.split(b"\n")
    whole = parts if parts[-1] else parts[:-1]
    return [TooLong(len(line), line[:1024]) if len(line) > max_line else line for line in whole]


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Use a file descriptor as standard input."""
    opened = []

    def become(descriptor: int) -> None:
        opened.append(os.fdopen(descriptor))
        monkeypatch.setattr("sys.stdin", opened[0])

    yield become
    for stream in opened:
        stream.close()


def writing_thread(write: int, data: bytes, times: int) -> threading.Thread:
    """Write to a pipe from a thread, and close it."""

    def pour() -> None:
        with os.fdopen(write, "wb") as pipe:
            for _ in range(times):
                pipe.write(data)

    thread = threading.Thread(target=pour)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\r\nb\r\n", [b"a\r", b"b\r"]),
        (b"a\n\n \n\nb\n", [b"a", b"", b" ", b"", b"b"]),
        (b"\xff\x00\n\x85\xe2\x80\xa8", [b"\xff\x00", b"\x85\xe2\x80\xa8"]),
        (b"a\x0bb\x0cc\x1cd\re\n", [b"a\x0bb\x0cc\x1cd\re"]),
    ],
    ids=repr,
)
def test_only_a_line_feed_ends_a_line_and_the_last_is_optional(
    data: bytes, found: list[bytes], file_of: Callable[[bytes], Path]
) -> None:
    assert lines(byte_chunks(file_of(data))) == found


@given(
    data=st.lists(st.sampled_from([b"\n", b"\r", b"a", b"{}", b"\xff", b"bcdefghi"])).map(b"".join),
    block=st.integers(1, 9),
    max_line=st.integers(1, 20),
)
def test_lines_equal_those_of_split_for_any_block_size_and_limit(
    data: bytes, block: int, max_line: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "split.jsonl"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(chunks, "BLOCK", block)
        found = byte_chunks(path, max_line)

    assert sum(chunk.size for chunk in found) == len(data)
    for line, whole in zip(lines(found), expected(data), strict=True):
        assert isinstance(whole, bytes)
        if len(whole) <= max_line:
            assert line == whole
        else:
            assert isinstance(line, TooLong)
            assert (line.size, whole.startswith(line.head)) == (len(whole), True)
            assert len(line.head) > max_line


@pytest.mark.parametrize("border", [BUFFER, BLOCK, BUFFER + BLOCK, 2 * BLOCK, BUFFER + 3 * BLOCK])
@pytest.mark.parametrize("offset", [-2, -1, 0, 1])
def test_line_break_on_a_block_border_is_found(
    border: int, offset: int, file_of: Callable[[bytes], Path]
) -> None:
    data = b"x" * (border + offset) + b"\n" + b"y" * BLOCK + b"\n\nz"

    assert lines(byte_chunks(file_of(data))) == expected(data)


@given(lengths=st.lists(st.integers(0, 3 * BLOCK), max_size=8))
def test_line_numbers_are_continuous_and_sizes_add_up(
    lengths: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "lengths.jsonl"
    path.write_bytes(b"\n".join(b"x" * length for length in lengths))
    found = byte_chunks(path)
    running = 1
    for chunk in found:
        assert chunk.first == running
        running += len(chunk.lines)

    assert sum(chunk.size for chunk in found) == path.stat().st_size
    assert chunks.total_size(chunks.inputs([str(path)])) == path.stat().st_size


def test_line_numbers_restart_for_each_file(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("a", "b")]
    for name in names:
        Path(name).write_bytes(b"1\n2")

    found = list(chunks.chunks(chunks.inputs(names)))

    assert [(chunk.input.title, chunk.first) for chunk in found if chunk.lines[0] == b"1"] == [
        (name, 1) for name in names
    ]
    assert lines(found) == [b"1", b"2", b"1", b"2"]


@pytest.mark.parametrize("bound", [1, 1023, 1024, 1025, BLOCK - 1, BLOCK, BLOCK + 1, MIB])
def test_line_one_byte_over_the_limit_is_too_long(
    bound: int, file_of: Callable[[bytes], Path]
) -> None:
    data = b"a" * bound + b"\n" + b"b" * (bound + 1) + b"\nc\n"

    assert lines(byte_chunks(file_of(data), bound)) == [
        b"a" * bound,
        TooLong(bound + 1, b"b" * min(1024, bound + 1)),
        b"c",
    ]


def test_long_line_in_a_file_uses_bounded_memory(file_of: Callable[[bytes], Path]) -> None:
    path = file_of(b"{}\n" + b"x" * (32 * MIB) + b"\n{}")
    found, peak = with_peak_memory(lambda: lines(byte_chunks(path)))

    assert found == [b"{}", TooLong(32 * MIB, b"x" * 1024), b"{}"]
    assert peak < 4 * MIB


def test_long_line_in_a_pipe_uses_bounded_memory(stdin: Callable[[int], None]) -> None:
    read, write = os.pipe()
    stdin(read)
    thread = writing_thread(write, b"x" * MIB, times=32)
    found, peak = with_peak_memory(lambda: lines(list(chunks.chunks(chunks.inputs([])))))
    thread.join()

    assert found == [TooLong(32 * MIB, b"x" * 1024)]
    # The test itself holds the megabyte that it writes.
    assert peak < 5 * MIB


def test_many_lines_use_bounded_memory(file_of: Callable[[bytes], Path]) -> None:
    path = file_of((b"x" * 999 + b"\n") * 32_000)
    count, peak = with_peak_memory(
        lambda: sum(len(c.lines) for c in chunks.chunks(chunks.inputs([str(path)])))
    )

    assert count == 32_000
    assert peak < 1 * MIB


def test_stdin_is_read_without_a_file(stdin: Callable[[int], None]) -> None:
    read, write = os.pipe()
    stdin(read)
    writing_thread(write, b"a\nb", times=1).join()
    found = chunks.inputs([])

    assert (found[0].title, chunks.total_size(found)) == ("stdin", None)
    assert lines(list(chunks.chunks(found))) == [b"a", b"b"]


def test_redirected_file_has_a_known_size(
    stdin: Callable[[int], None], file_of: Callable[[bytes], Path]
) -> None:
    stdin(os.open(file_of(b"a\nb"), os.O_RDONLY))

    assert chunks.total_size(chunks.inputs(["-"])) == 3


def test_named_pipe_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found = chunks.inputs([str(path)])
    thread = threading.Thread(target=path.write_bytes, args=(b"a\nb",))
    thread.start()

    assert chunks.total_size(found) is None
    assert lines(list(chunks.chunks(found))) == [b"a", b"b"]
    thread.join()
