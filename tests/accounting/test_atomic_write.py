"""Replacing a file: it is complete at any time, private meanwhile, and keeps owner and mode."""

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.fakes import PATIENCE
from support.small_disk import files_of_at_most

from segcli.accounting.atomic_write import (
    is_stream,
    open_to_append,
    own_descriptor,
    replace_file,
    rewrite,
)

NOBODY = 65534


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "golden"
    file.write_bytes(b"old")
    return file


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that other users may read but not write."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@contextmanager
def as_unprivileged_user() -> Iterator[None]:
    """Run the block as a user who owns no file."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- content


def test_file_content_is_replaced(file: Path) -> None:
    with file.open("rb") as reader:
        rewrite(file, [b"new"])

        assert reader.read() == b"old"
    assert file.read_bytes() == b"new"
    assert os.listdir(file.parent) == ["golden"]


def test_existing_file_is_unchanged_if_the_disk_is_full(file: Path) -> None:
    with files_of_at_most(8), pytest.raises(OSError, match="too large"):
        rewrite(file, [b"new" * 8])

    assert file.read_bytes() == b"old"
    assert os.listdir(file.parent) == ["golden"]


def test_no_new_file_is_left_if_the_disk_is_full(tmp_path: Path) -> None:
    with files_of_at_most(8), pytest.raises(OSError, match="too large"):
        rewrite(tmp_path / "golden", [b"new" * 8])

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("failure", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file_as_it_was(file: Path, failure: BaseException) -> None:
    def fill(descriptor: int) -> None:
        os.write(descriptor, b"half")
        raise failure

    before = len(os.listdir("/dev/fd"))
    with pytest.raises(type(failure)):
        replace_file(file, fill, private=True)

    assert file.read_bytes() == b"old"
    assert os.listdir(file.parent) == ["golden"]
    assert len(os.listdir("/dev/fd")) == before


def test_hard_link_to_the_file_keeps_the_old_content(file: Path) -> None:
    other = file.with_name("other")
    other.hardlink_to(file)
    rewrite(file, [b"new"])

    assert (file.read_bytes(), other.read_bytes()) == (b"new", b"old")


@pytest.mark.parametrize("there", [True, False])
def test_symlink_is_kept_and_its_target_is_replaced(file: Path, there: bool) -> None:
    link = file.parent / "elsewhere" / "link"
    link.parent.mkdir()
    link.symlink_to("../golden")
    if not there:
        file.unlink()
    rewrite(link, [b"new"])

    assert link.is_symlink()
    assert not file.is_symlink()
    assert file.read_bytes() == b"new"
    assert os.listdir(link.parent) == ["link"]


# --- the temporary file


def test_temporary_file_is_hidden_private_and_in_the_same_folder(file: Path) -> None:
    seen: list[tuple[str, int]] = []

    def fill(_descriptor: int) -> None:
        (found,) = [entry for entry in file.parent.iterdir() if entry != file]
        seen.append((found.name[0], mode(found)))

    file.chmod(0o666)
    with umask(0):
        os.close(replace_file(file, fill, private=False))

    assert seen == [(".", 0o600)]


def test_temporary_file_names_are_unique(file: Path) -> None:
    seen: set[str] = set()

    def fill(_descriptor: int) -> None:
        seen.update(entry.name for entry in file.parent.iterdir() if entry != file)

    for _ in range(50):
        os.close(replace_file(file, fill, private=True))

    assert len(seen) == 50


@pytest.mark.parametrize("kind", ["link", "lost link", "file"])
def test_existing_file_with_the_temporary_name_is_untouched(
    file: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(os, "urandom", bytes)
    victim, trap = file.with_name("victim"), file.with_name(f".segcli-{bytes(16).hex()}.tmp")
    if kind != "lost link":
        victim.write_bytes(b"precious")
    if kind == "file":
        trap.hardlink_to(victim)
    else:
        trap.symlink_to("victim")
    before = sorted(os.listdir(file.parent))

    with pytest.raises(FileExistsError):
        rewrite(file, [b"new"])

    assert sorted(os.listdir(file.parent)) == before
    assert file.read_bytes() == b"old"
    assert kind == "lost link" or victim.read_bytes() == b"precious"


KILLED = """
import os, signal, sys
from pathlib import Path
from segcli.accounting import atomic_write

number = getattr(signal, sys.argv[2])
# A shell without job control lets its background commands ignore some signals.
if signal.getsignal(number) is signal.SIG_IGN:
    signal.signal(number, signal.SIG_DFL)
replace = os.replace
def killed(*names, **more):
    os.kill(os.getpid(), number)
    replace(*names, **more)
os.replace = killed
atomic_write.rewrite(Path(sys.argv[1]), [b"new"], private=True)
"""


def killed(file: Path, name: str) -> int:
    """Replace a file in a process that gets a signal once the new file is complete."""
    command = [sys.executable, "-c", KILLED, str(file), name]
    return subprocess.run(command, timeout=60, check=False).returncode


def test_a_kill_before_the_replacement_leaves_the_old_file(
    file: Path,
) -> None:
    assert killed(file, "SIGKILL") == -signal.SIGKILL

    assert file.read_bytes() == b"old"
    (left,) = [entry for entry in file.parent.iterdir() if entry != file]
    # Hidden: if the folder is an input, no run reads the file.
    assert left.name.startswith(".")
    rewrite(file, [b"newer"])
    assert file.read_bytes() == b"newer"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"])
def test_signal_leaves_no_temporary_file(file: Path, name: str) -> None:
    assert killed(file, name) != 0

    assert file.read_bytes() == b"new"
    assert os.listdir(file.parent) == ["golden"]


def test_blocked_signals_stay_blocked(file: Path) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        rewrite(file, [b"new"])
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before | {signal.SIGHUP}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# --- owner and mode


@pytest.mark.parametrize("mask", [0, 0o022, 0o027, 0o077])
def test_new_private_file_has_mode_600_and_others_follow_the_umask(
    tmp_path: Path, mask: int
) -> None:
    with umask(mask):
        rewrite(tmp_path / "private", [b""], private=True)
        rewrite(tmp_path / "usual", [b""])
        assert os.umask(mask) == mask

    assert mode(tmp_path / "private") == 0o600
    assert mode(tmp_path / "usual") == 0o666 & ~mask


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("old", [0o600, 0o604, 0o640, 0o666])
def test_replaced_file_keeps_its_mode(file: Path, old: int, private: bool) -> None:
    file.chmod(old)
    with umask(0o027):
        rewrite(file, [b"new"], private=private)

    assert mode(file) == old


@as_root
def test_replaced_file_keeps_its_owner(file: Path) -> None:
    os.chown(file, 1234, 4321)
    rewrite(file, [b"new"])

    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 4321)


@as_root
def test_permissions_of_the_old_group_are_not_given_to_another_group(shared: Path) -> None:
    file = shared / "golden"
    file.write_bytes(b"old")
    file.chmod(0o662)
    shared.chmod(0o777)
    with as_unprivileged_user():
        rewrite(file, [b"new"])

    assert (file.stat().st_gid, mode(file)) == (NOBODY, 0o622)


@as_root
def test_file_in_a_read_only_folder_is_unchanged(shared: Path) -> None:
    file = shared / "golden"
    file.write_bytes(b"old")
    file.chmod(0o666)
    with as_unprivileged_user(), pytest.raises(PermissionError):
        rewrite(file, [b"new"])

    assert (file.read_bytes(), os.listdir(shared)) == (b"old", ["golden"])


@as_root
def test_read_only_file_is_not_replaced(shared: Path) -> None:
    file = shared / "golden"
    file.write_bytes(b"old")
    file.chmod(0o444)
    shared.chmod(0o777)
    with as_unprivileged_user(), pytest.raises(PermissionError):
        rewrite(file, [b"new"])

    assert file.read_bytes() == b"old"


# --- pipes and devices


def read_by(work: Callable[[], Any], pipe: Path) -> bytes:
    """Return what a pipe's reader gets while `work` writes to it."""
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    work()
    reader.join(PATIENCE)
    return got[0]


def test_named_pipe_is_written_directly(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    assert read_by(lambda: rewrite(pipe, [b"new" * 100_000]), pipe) == b"new" * 100_000
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_pipe_of_this_process_is_written_directly(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    (tmp_path / "pipe").symlink_to(f"/dev/fd/{writer}")
    rewrite(tmp_path / "pipe", [b"new"])
    os.close(writer)
    with open(reader, "rb") as pipe:
        assert pipe.read() == b"new"


def test_non_blocking_pipe_gets_all_bytes() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    writing = threading.Thread(target=rewrite, args=(Path(f"/dev/fd/{writer}"), [b"x" * 10**6]))
    writing.start()
    left = 10**6
    while left:
        left -= len(os.read(reader, left))
    writing.join(PATIENCE)
    assert not writing.is_alive()
    os.close(reader)
    os.close(writer)


def test_device_is_written_directly_and_its_errors_are_raised() -> None:
    rewrite(Path("/dev/null"), [b"new"])
    with pytest.raises(OSError, match="No space left"):
        rewrite(Path("/dev/full"), [b"new"])

    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_write_through_a_descriptor_continues_at_its_position(file: Path) -> None:
    with file.open("r+b", buffering=0) as opened:
        opened.write(b"one ")
        rewrite(Path(f"/dev/fd/{opened.fileno()}"), [b"two "])
        opened.write(b"three")

    assert file.read_bytes() == b"one two three"


@pytest.mark.parametrize("name", ["/dev/fd/1", "/proc/self/fd/1", "/dev/stdout", "here/to stdout"])
def test_own_descriptor_is_recognized_by_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "to stdout").symlink_to("/dev/../dev/stdout")
    (tmp_path / "here").symlink_to(".")
    monkeypatch.chdir(tmp_path)

    assert own_descriptor(Path(name)) == 1


def test_a_path_that_resembles_a_descriptor_is_not_one(tmp_path: Path) -> None:
    (tmp_path / "fd").mkdir()
    (tmp_path / "round").symlink_to("round")
    for name in ("fd/1", "1", "round", "missing/1"):
        assert own_descriptor(tmp_path / name) is None
        assert not is_stream(tmp_path / name)


# --- files that are appended to


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_new_file_to_append_to_has_mode_600(tmp_path: Path, mask: int) -> None:
    with umask(mask), open_to_append(tmp_path / "new") as new:
        new.write(b"one")

    assert mode(tmp_path / "new") == 0o600


def test_existing_file_to_append_to_keeps_mode_and_content(file: Path) -> None:
    file.chmod(0o644)
    with open_to_append(file) as grown:
        grown.write(b" and new")

    assert (file.read_bytes(), mode(file)) == (b"old and new", 0o644)
