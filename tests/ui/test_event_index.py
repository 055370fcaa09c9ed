"""The index finds every line of every input, and holds no events."""

import gzip
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.fakes import wait_until

from segcli.core.line import TooLong
from segcli.inputs import inputs, look
from segcli.inputs.judgement import accept_all
from segcli.ui.event_index import EventIndex

MAX_LINE = 1000


IndexOf = Callable[..., EventIndex]


@pytest.fixture
def index_of() -> Iterator[IndexOf]:
    """Index files, and close them in the end."""
    with ExitStack() as stack:

        def index_of(*files: Path, max_unpacked: int = 10**6, waits: bool = True) -> EventIndex:
            found = look(inputs([str(file) for file in files]), accept_all)
            index = EventIndex(found, max_line=MAX_LINE, max_unpacked=max_unpacked)
            index.start()
            stack.callback(index.close)
            if waits:
                index.wait()
            return index

        yield index_of


def texts(index: EventIndex, first: int, count: int) -> list[bytes | TooLong]:
    return [line.text for line in index.lines(first, count)]


def test_lines_of_several_files_are_numbered_through(index_of: IndexOf, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1\n2\r\n\n3")
    (tmp_path / "b").write_bytes(b"4\n")
    (tmp_path / "c").write_bytes(b"")
    (tmp_path / "d").write_bytes(gzip.compress(b"5\n6"))
    index = index_of(*(tmp_path / name for name in "abcd"))

    assert len(index) == 7
    assert index.is_complete
    assert texts(index, 0, 99) == [b"1", b"2", b"", b"3", b"4", b"5", b"6"]
    assert texts(index, 3, 3) == [b"3", b"4", b"5"]
    assert texts(index, 7, 1) == []
    assert [(Path(one.file).name, one.number) for one in index.lines(3, 3)] == [
        *(("a", 4), ("b", 1), ("d", 1))
    ]


@pytest.mark.parametrize("first", [0, 1, 17, 2999])
def test_any_page_is_what_stands_in_the_file(index_of: IndexOf, tmp_path: Path, first: int) -> None:
    lines = [b"x" * (number * 37 % 900) for number in range(3000)]
    (tmp_path / "a").write_bytes(b"\n".join(lines))
    index = index_of(tmp_path / "a")

    assert texts(index, first, 3000) == lines[first:]
    assert texts(index, first, 10) == lines[first : first + 10]


def test_long_line_is_cut_and_the_next_one_is_whole(index_of: IndexOf, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"y" * 3_000_000 + b"\nnext\n" + b"z" * (MAX_LINE + 1))
    index = index_of(tmp_path / "a")

    first, second, third = texts(index, 0, 3)
    assert first == TooLong(3_000_000, b"y" * 200)
    assert second == b"next"
    assert third == TooLong(MAX_LINE + 1, b"z" * 200)


def test_compressed_input_is_unpacked_into_a_private_file_without_a_name(
    index_of: IndexOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"one\ntwo\n"))
    index = index_of(tmp_path / "a.gz")

    assert texts(index, 0, 9) == [b"one", b"two"]
    assert os.listdir(tmp_path / "t") == []
    status = os.fstat(index._files[0].file.fileno())
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_nlink == 0


def test_no_more_is_unpacked_than_allowed(index_of: IndexOf, tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"0123456789\n" * 1_000_000))
    index = index_of(tmp_path / "a.gz", max_unpacked=2 * 1024 * 1024)

    assert index.is_complete
    assert "--max-unpacked" in index.problem
    # Every whole line that fits is there.
    assert len(index) == 2 * 1024 * 1024 // 11


def test_pipe_is_readable_while_it_is_written(index_of: IndexOf, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(writer, b"one\n")
    index = index_of(tmp_path / "pipe", waits=False)
    wait_until(lambda: len(index) == 1)
    os.write(writer, b"two\nthr")
    wait_until(lambda: len(index) == 2)

    assert texts(index, 0, 9) == [b"one", b"two"]
    os.close(writer)
    wait_until(lambda: index.is_complete)
    assert texts(index, 2, 9) == [b"thr"]


def test_damaged_input_says_so_and_keeps_what_was_read(index_of: IndexOf, tmp_path: Path) -> None:
    whole = gzip.compress(os.urandom(100_000).hex().encode() + b"\n", 1)
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"one\n") + whole[:50_000])
    index = index_of(tmp_path / "a.gz")

    assert "a.gz" in index.problem
    assert index.is_complete
    assert texts(index, 0, 1) == [b"one"]


def test_file_that_became_shorter_is_an_error(index_of: IndexOf, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\ntwo\n")
    index = index_of(tmp_path / "a")
    os.truncate(tmp_path / "a", 5)

    with pytest.raises(OSError, match="became shorter"):
        texts(index, 0, 2)


def test_memory_is_eight_bytes_a_line(index_of: IndexOf, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"{}\n" * 100_000)
    index = index_of(tmp_path / "a")

    ends = index._files[0].ends
    assert len(ends) * ends.itemsize == 800_000
