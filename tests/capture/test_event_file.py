"""The file of a capture contains whole lines, even if the disk fails."""

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.small_disk import fails

from segcli.capture.event_file import EventFile

LINE = b'{"type":"track","event":"A","userId":"u1","receivedAt":"2026-02-03T10:11:12.000Z"}\n'


@pytest.fixture
def file(tmp_path: Path) -> Iterator[EventFile]:
    with closing(EventFile(tmp_path / "events.jsonl")) as file:
        yield file


def test_lines_that_do_not_fit_are_removed_completely(file: EventFile) -> None:
    file.write(LINE)
    # A disk that is nearly full takes a part, and then nothing.
    patch = pytest.MonkeyPatch()
    with patch.context() as small:
        small.setattr("segcli.capture.event_file.write_all", _takes_a_part)
        with pytest.raises(OSError, match="No space left"):
            file.write(LINE + LINE)

    assert file.path.read_bytes() == LINE


def _takes_a_part(descriptor: int, lines: bytes) -> None:
    os.write(descriptor, lines[: len(LINE) + 5])
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_file_is_unchanged_if_stabilizing_fails(file: EventFile) -> None:
    file.write(LINE)
    patch = fails("fsync", after=0)
    try:
        with pytest.raises(OSError, match="No space left"):
            file.stabilize()
    finally:
        patch.undo()

    assert file.path.read_bytes() == LINE
    assert [path.name for path in file.path.parent.iterdir()] == ["events.jsonl"]


def test_a_file_that_was_removed_is_written_again(file: EventFile) -> None:
    file.write(LINE)
    file.path.unlink()
    file.write(LINE)

    file.check_is_whole()

    assert file.path.read_bytes() == LINE + LINE
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_file_whose_folder_was_removed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    with closing(EventFile(tmp_path / "results" / "events.jsonl")) as file:
        file.write(LINE)
        file.path.unlink()
        file.path.parent.rmdir()

        with pytest.raises(FileNotFoundError):
            file.check_is_whole()


def test_a_file_that_was_replaced_is_left_as_it_is(file: EventFile) -> None:
    file.write(LINE)
    other = file.path.with_name("other")
    other.write_bytes(b"mine\n")
    other.replace(file.path)

    with pytest.raises(OSError, match="has replaced it"):
        file.check_is_whole()
    assert file.path.read_bytes() == b"mine\n"


def test_a_file_that_was_emptied_has_no_hole_and_is_an_error(file: EventFile) -> None:
    file.write(LINE)
    file.path.write_bytes(b"")
    file.write(LINE)

    with pytest.raises(OSError, match="has changed it"):
        file.check_is_whole()
    assert file.path.read_bytes() == LINE


def test_stream_is_written_directly(tmp_path: Path) -> None:
    with (
        (tmp_path / "shell").open("wb+") as shell,
        closing(EventFile(Path(f"/dev/fd/{shell.fileno()}"))) as file,
    ):
        shell.write(b"before ")
        shell.flush()
        file.write(LINE)

    assert (tmp_path / "shell").read_bytes() == b"before " + LINE
