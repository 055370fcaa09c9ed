"""The file of a journal: locked by one process, with space reserved ahead, replaced as a whole."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from segcli.accounting.atomic_write import PRIVATE, replace_file
from segcli.errors import UsageError
from segcli.journal.checkpoint import sync_folder

_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.EINVAL})


class InUseError(UsageError):
    """Another process has locked the file."""


def lock(path: Path, *, option: str = "--journal", follow: bool = True) -> int:
    """Open the file and lock it; the lock ends with this process.

    `option` is the option that named the file, for messages. Unless `follow`, the file must not be
    a symbolic link. A new file is 0600. Raises InUseError if another process has the lock,
    UsageError if it is no regular file, otherwise OSError.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    while True:
        descriptor = os.open(path, flags, PRIVATE)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UsageError(
                f"{option} {path} is not a regular file",
                f"Name another file: {option} PATH",
            )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise InUseError(
                f"another segcli is running with {option} {path}",
                f"Wait until it ends, or name another file: {option} PATH",
            ) from None
        if is_still_there(path, descriptor):
            return descriptor
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """True if a process has locked the file. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def is_still_there(path: Path, descriptor: int) -> bool:
    """True if the path still names the open file: it was not removed or replaced meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def write_at(descriptor: int, data: bytes, position: int) -> None:
    """Write all the data. One call may write a part only, without an error, on a full disk."""
    while data:
        written = os.pwrite(descriptor, data, position)
        data, position = data[written:], position + written


def reserve_space(descriptor: int, position: int, size: int) -> None:
    """Reserve disk space. Writes zeros if the system or the file system has no other way."""
    try:
        os.posix_fallocate(descriptor, position, size)
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _UNSUPPORTED:
            raise
        write_at(descriptor, bytes(size), position)


def replaced(path: Path, lines: Iterable[bytes], room: int) -> tuple[int, int]:
    """Replace the file by a new one that is complete and locked, with `room` bytes reserved.

    Returns its descriptor and the end of its lines. Raises OSError.
    """
    end = 0

    def fill(descriptor: int) -> None:
        nonlocal end
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for line in lines:
            write_at(descriptor, line, end)
            end += len(line)
        if room:
            reserve_space(descriptor, end, room)

    descriptor = replace_file(path, fill, private=True)
    try:
        sync_folder(Path(os.path.realpath(path)).parent)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, end


def remove(path: Path, descriptor: int) -> None:
    """Remove a locked file, unless another file has taken its place. A link to it stays."""
    if is_still_there(path, descriptor):
        Path(os.path.realpath(path)).unlink(missing_ok=True)
