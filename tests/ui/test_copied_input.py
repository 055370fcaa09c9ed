"""A run that is shown hands on what it reads of a pipe, and never waits for the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from segcli.inputs import Input, ReadError, Stream
from segcli.ui import copied_input
from segcli.ui.copied_input import shared
from segcli.ui.event_index import EventIndex

DATA = b"".join(b'{"n": %d}\n' % number for number in range(5000))


class Source:
    """A stream of bytes that may fail at its end."""

    def __init__(self, data: bytes, failure: OSError | None = None) -> None:
        self.stored = 7
        self._data, self._failure = BytesIO(data), failure

    def read1(self, size: int, /) -> bytes:
        block = self._data.read(size)
        if not block and self._failure:
            raise self._failure
        return block


def pipe(data: bytes = DATA, failure: OSError | None = None) -> Input:
    @contextmanager
    def opened() -> Iterator[Stream]:
        yield Source(data, failure)

    return Input(name="-", size=None, opened=opened)


def read_all(entry: Any, size: int = 1000) -> bytes:
    with entry.opened() as stream:
        assert stream.stored in (0, 7)
        return b"".join(iter(lambda: stream.read1(size), b""))


def test_page_gets_what_the_run_has_read() -> None:
    (run,), (page,) = shared([pipe()])

    assert read_all(run) == DATA
    assert read_all(page) == DATA


def test_index_lists_the_lines_of_a_run() -> None:
    (run,), page = shared([pipe()])
    index = EventIndex(page, max_line=100, max_unpacked=10**6)
    index.start()
    read_all(run)
    index.wait()

    assert (len(index), index.problem) == (5000, "")
    assert next(index.lines(4999, 1)).text == b'{"n": 4999}'
    index.close()


def test_run_does_not_wait_for_a_page_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copied_input, "_MOST_WAITING", 10_000)
    (run,), (page,) = shared([pipe()])
    assert read_all(run) == DATA

    with page.opened() as stream:  # type: ignore[misc]
        assert b"".join(stream.read1(1) for _ in range(10)) == DATA[:10_000]
        with pytest.raises(ReadError, match="only its first lines"):
            stream.read1(1)


def test_page_ends_with_a_run_that_fails_or_stops() -> None:
    (run,), (page,) = shared([pipe(failure=OSError(5, "broken"))])
    with pytest.raises(OSError, match="broken"):
        read_all(run)
    assert read_all(page) == DATA

    (run,), (page,) = shared([pipe()])
    with run.opened() as stream:  # type: ignore[misc]
        stream.read1(100)
    assert read_all(page) == DATA[:100]


def test_files_are_read_by_both(tmp_path: Path) -> None:
    file = Input(name=str(tmp_path / "a"), size=3)
    run, page = shared([file, pipe()])

    assert run[0] is page[0] is file
    assert run[1].name == page[1].name == "-"
    assert shared([file]) == ([file], [file])


def test_pipe_that_was_not_looked_at_is_not_listed() -> None:
    entry = Input(name="-", size=None)

    assert shared([entry]) == ([entry], [])


def test_nothing_is_unpacked_on_a_disk_that_is_nearly_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segcli.ui.event_index._is_nearly_full", lambda _: True)
    (run,), page = shared([pipe()])
    index = EventIndex(page, max_line=100, max_unpacked=10**6)
    index.start()
    assert read_all(run) == DATA
    index.wait()

    assert len(index) == 0
    assert "nearly full" in index.problem
    index.close()
