"""A run over a folder resumes file by file, with any files added since."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.compression import gz
from support.fakes import report_in, track, write_events
from support.resuming import JOURNAL, LimitedVendor, Segcli, Serve, to_webhook

from segcli.cli import job


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of three files with four events each."""
    folder = tmp_path / "events"
    folder.mkdir()
    for place, name in enumerate(("b.gz", "d.gz", "f.gz")):
        put(folder / name, range(4 * place, 4 * place + 4))
    return folder


def put(path: Path, numbers: range) -> None:
    path.write_bytes(gz(write_events(path, [track(n, f"u{n % 3}") for n in numbers]).read_bytes()))


def numbers(limited_vendor: LimitedVendor) -> list[int]:
    return [int(name[1:]) for name in limited_vendor.taken]


@pytest.fixture
def command(
    limited_vendor: LimitedVendor, vendor: Serve, folder: Path, segcli: Segcli
) -> list[str]:
    """Stop a run of the folder after six events; return its command line."""
    limited_vendor.left = 6
    words = to_webhook(vendor(limited_vendor).url, "events")
    assert folder.is_dir()
    assert segcli(*words).code == 3
    limited_vendor.accept_all()
    return words


def test_resume_continues_inside_a_file(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli
) -> None:
    assert segcli(*command, "--resume").code == 0
    assert numbers(limited_vendor) == list(range(12))


def test_unfinished_run_of_a_folder_needs_resume_and_names_it(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, folder: Path
) -> None:
    put(folder / "g.gz", range(12, 16))
    said = segcli(*command)
    assert said.code == 2
    assert f"an earlier run of {folder} to webhook was not finished (6 delivered)" in said.err
    assert len(limited_vendor.taken) == 6


def test_files_added_at_the_end_are_sent_on_resume(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, folder: Path
) -> None:
    put(folder / "g.gz", range(12, 16))
    put(folder / "h.gz", range(16, 20))
    limited_vendor.left = 7
    assert segcli(*command, "--resume").code == 3
    put(folder / "i.gz", range(20, 24))
    limited_vendor.accept_all()
    assert segcli(*command, "--resume").code == 0
    assert numbers(limited_vendor) == list(range(24))


def test_files_added_between_read_files_are_sent_on_resume(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, folder: Path
) -> None:
    put(folder / "a.gz", range(12, 16))
    put(folder / "c.gz", range(16, 20))
    put(folder / "e.gz", range(20, 24))
    limited_vendor.left = 11
    assert segcli(*command, "--resume").code == 3
    limited_vendor.accept_all()
    assert segcli(*command, "--resume").code == 0
    assert sorted(numbers(limited_vendor)) == list(range(24))
    # The rest of the second file still comes before the third file.
    for user in range(3):
        own = [n for n in numbers(limited_vendor) if n < 12 and n % 3 == user]
        assert own == list(range(user, 12, 3))


def test_fully_settled_file_is_not_read_again(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, folder: Path
) -> None:
    path = folder / "b.gz"
    status = path.stat()
    path.write_bytes(b"x" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert segcli(*command, "--resume").code == 0
    assert numbers(limited_vendor) == list(range(12))
    assert report_in(Path())["read"] == 6


def test_fully_settled_file_may_be_deleted(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, folder: Path
) -> None:
    (folder / "b.gz").unlink()
    assert segcli(*command, "--resume").code == 0
    assert numbers(limited_vendor) == list(range(12))


def test_partly_read_file_must_not_be_missing(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, folder: Path, tmp_path: Path
) -> None:
    (folder / "d.gz").rename(tmp_path / "d.gz")
    said = segcli(*command, "--resume")
    assert said.code == 2
    assert f"{folder}/d.gz is missing, and the run to resume has read a part of it" in said.err
    (tmp_path / "d.gz").rename(folder / "d.gz")
    assert segcli(*command, "--resume").code == 0
    assert numbers(limited_vendor) == list(range(12))


@pytest.mark.parametrize("name", ["b.gz", "d.gz"])
def test_replaced_file_is_an_error_that_names_it(
    name: str,
    command: list[str],
    limited_vendor: LimitedVendor,
    segcli: Segcli,
    folder: Path,
    tmp_path: Path,
) -> None:
    journal = (tmp_path / JOURNAL).read_bytes()
    put(folder / name, range(20, 24))
    said = segcli(*command, "--resume")
    assert said.code == 2
    assert f"events/{name} has changed" in said.err
    assert len(limited_vendor.taken) == 6
    assert (tmp_path / JOURNAL).read_bytes() == journal


def test_lines_appended_to_a_settled_file_are_sent(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, folder: Path
) -> None:
    put(folder / "b.gz", range(4))
    with (folder / "b.gz").open("ab") as file:
        file.write(gz(b'{"type":"track","event":"e","userId":"u","messageId":"m99"}'))
    assert segcli(*command, "--resume").code == 0
    assert sorted(numbers(limited_vendor)) == [*range(12), 99]


def test_run_that_does_not_start_leaves_no_journal(
    vendor: Serve, limited_vendor: LimitedVendor, segcli: Segcli, folder: Path, tmp_path: Path
) -> None:
    (folder / "z.pdf").write_bytes(b"%PDF-1.7")
    command = to_webhook(vendor(limited_vendor).url, "events")
    assert "events/z.pdf is a PDF document" in segcli(*command).err
    assert not (tmp_path / JOURNAL).exists()
    (folder / "z.pdf").unlink()
    assert segcli(*command).code == 0


def test_resumed_archive_run_keeps_its_original_time_window(
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Clock(datetime):
        days = 0

        @classmethod
        def now(cls, _zone: object = None) -> datetime:
            return datetime(2026, 2, 5, 12, tzinfo=UTC) + timedelta(days=cls.days)

    monkeypatch.setattr(job, "datetime", Clock)
    for number in range(1, 6):
        path = tmp_path / "logs" / str(1_769_904_000 + (number - 1) * 86_400) / "a.gz"
        path.parent.mkdir(parents=True)
        event = track(number, timestamp=f"2026-02-0{number}T18:00:00Z")
        path.write_bytes(gz(write_events(path, [event]).read_bytes()))
    command = to_webhook(vendor(limited_vendor).url, "--since", "3d", "logs")
    limited_vendor.left = 1
    assert segcli(*command).code == 3
    assert report_in(tmp_path)["files_left_out"] == 0
    Clock.days = 9
    limited_vendor.accept_all()

    assert segcli(*command, "--resume").code == 0
    assert numbers(limited_vendor) == [2, 3, 4, 5]
