"""A file that is written anew is whole at any time, and stays the file that it was."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from disks import files_of_at_most

from segcli.delivery.rewriting import rewrite


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "golden"
    file.write_bytes(b"old")
    return file


@pytest.fixture
def _mask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_what_a_file_held_is_replaced(file: Path) -> None:
    with file.open("rb") as reader:
        rewrite(file, b"new")

        assert reader.read() == b"old"
    assert file.read_bytes() == b"new"
    assert os.listdir(file.parent) == ["golden"]


def test_without_room_a_file_is_as_it_was(file: Path) -> None:
    with files_of_at_most(8), pytest.raises(OSError, match="too large"):
        rewrite(file, b"new" * 8)

    assert file.read_bytes() == b"old"
    assert os.listdir(file.parent) == ["golden"]


def test_without_room_a_file_that_was_not_there_is_not_there(tmp_path: Path) -> None:
    with files_of_at_most(8), pytest.raises(OSError, match="too large"):
        rewrite(tmp_path / "golden", b"new" * 8)

    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("_mask")
def test_a_file_keeps_its_permissions_and_a_new_one_has_the_usual(file: Path) -> None:
    file.chmod(0o604)
    rewrite(file, b"new")
    rewrite(file.with_name("another"), b"new")

    assert file.stat().st_mode & 0o7777 == 0o604
    assert file.with_name("another").stat().st_mode & 0o7777 == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_file_keeps_its_owner(file: Path) -> None:
    os.chown(file, 1234, 4321)
    rewrite(file, b"new")

    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 4321)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_not_replaced(file: Path) -> None:
    file.chmod(0o400)
    with pytest.raises(PermissionError):
        rewrite(file, b"new")

    assert file.read_bytes() == b"old"


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(file: Path, there: bool) -> None:
    link = file.parent / "elsewhere" / "link"
    link.parent.mkdir()
    link.symlink_to("../golden")
    if not there:
        file.unlink()
    rewrite(link, b"new")

    assert link.is_symlink()
    assert not file.is_symlink()
    assert file.read_bytes() == b"new"
    assert os.listdir(link.parent) == ["link"]


def test_what_is_no_regular_file_is_written_to(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    (tmp_path / "pipe").symlink_to(f"/dev/fd/{writer}")
    rewrite(tmp_path / "pipe", b"new")
    os.close(writer)
    with open(reader, "rb") as pipe:
        assert pipe.read() == b"new"
