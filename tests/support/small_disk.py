"""Full or failing disks: system calls that raise, and events that fill a disk."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.fakes import tracks, write_events

from segcli.delivery import pipeline
from segcli.journal import journal

COUNT = 150
ALL = {f"m{number}" for number in range(COUNT)}


def read_slowly(patch: pytest.MonkeyPatch) -> None:
    """Let a run read, and promise room, only a little ahead of what is answered."""
    patch.setattr(pipeline, "_MAX_QUEUED", 64 * 1024)
    patch.setattr(journal, "_RESERVE_STEP", 0)


def twenty_blocks(path: Path) -> Path:
    """Write that much of events."""
    return write_events(path, [{**event, "note": "x" * 8000} for event in tracks(COUNT, users=50)])


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def broken(*_: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def fails(name: str, *, after: int, code: int = errno.ENOSPC) -> pytest.MonkeyPatch:
    """Let a call of the system's work so often, and fail from then on until this is undone."""
    patch = pytest.MonkeyPatch()
    patch.setattr(os, name, _failing(getattr(os, name), after=after, code=code))
    return patch


def _failing(call: Callable[..., Any], *, after: int, code: int) -> Callable[..., Any]:
    left = [after]

    def called(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(code, os.strerror(code))
        return call(*arguments)

    return called


def filled(folder: Path, leave: int) -> Path:
    """Fill a file system, but for some bytes; removing the file makes room."""
    ballast = folder / "ballast"
    free = os.statvfs(folder)
    ballast.write_bytes(b"x" * (free.f_bavail * free.f_frsize - leave))
    return ballast


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond that many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def files_put_on_disk(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which the inode of each file is added that `os.fsync` puts on disk."""
    found: list[int] = []
    put_on_disk = os.fsync

    def noted(descriptor: int) -> None:
        put_on_disk(descriptor)
        found.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", noted)
    return found
