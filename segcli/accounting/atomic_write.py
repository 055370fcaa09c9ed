"""The files that segcli writes: replaced as a whole, or added to.

Every file that is replaced goes through `replace_file`: its old content stays until all of the new
is on disk, under a name that no other process can know or have.
"""

import os
import secrets
import select
import signal
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

# Only the user may read them: they hold events or keys.
PRIVATE = 0o600
# Hidden, so a file that a killed process leaves behind is never read as part of a folder.
_TEMPORARY = ".segcli-{}.tmp"
# These end a process that has no handler for them. SIGKILL cannot be held back.
_DEADLY = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})
# What Linux allows in one path.
_MAX_LINKS = 40


def rewrite(path: Path, content: Iterable[bytes], *, private: bool = False) -> None:
    """Give a file this content, piece by piece, and whole or not at all.

    A stream, as `is_stream` has it, is written to as it is. Raises OSError, also for a file that
    may not be written.
    """

    def fill(descriptor: int) -> None:
        for piece in content:
            write_all(descriptor, piece)

    descriptor = _open_stream(path)
    if descriptor is None:
        descriptor = replace_file(path, fill, private=private)
    else:
        try:
            fill(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
    os.close(descriptor)


def replace_file(path: Path, fill: Callable[[int], object], *, private: bool) -> int:
    """Let a new file take the place of one; return its descriptor, open for reading and writing.

    `fill` writes the new file, which only the user may read until it is complete. It gets the
    owner and the mode of the old one. Where there was none, it is 0600 if `private`, else what the
    umask says. A symbolic link stays, and the file that it names is replaced. Raises OSError and
    what `fill` raises; then the old file is as it was, and no new one is left.
    """
    target = Path(os.path.realpath(path))
    with _signals_held():
        temporary = target.with_name(_TEMPORARY.format(secrets.token_hex(16)))
        # O_EXCL refuses every name that exists, also a link that leads nowhere.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, PRIVATE)
        try:
            fill(descriptor)
            _set_mode(descriptor, target, private=private)
            os.fsync(descriptor)
            temporary.replace(target)
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                temporary.unlink()
            raise
    return descriptor


def open_to_append(path: Path) -> FileIO:
    """Open a file that holds events, to add to it; a new one is 0600.

    It can be read too, unless it is a stream. Raises OSError.
    """
    own = own_descriptor(path)
    if own is not None:
        return FileIO(os.dup(own), "w")
    if is_stream(path):
        return FileIO(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC), "w")
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    return FileIO(os.open(path, flags, PRIVATE), "a+")


def is_stream(path: Path) -> bool:
    """Return whether a path is written to as it is.

    That is a pipe, a device, or a descriptor of this process, such as /dev/stdout.
    """
    if own_descriptor(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def own_descriptor(path: Path) -> int | None:
    """Return the descriptor of this process that a path like /dev/stdout or /dev/fd/63 names.

    Opening such a path anew starts at the beginning of a file that stdout is in the middle of.
    """
    folders = {os.path.realpath("/dev/fd"), os.path.realpath("/proc/self/fd")}
    for _ in range(_MAX_LINKS):
        folder = os.path.realpath(path.parent)
        if folder in folders and path.name.isascii() and path.name.isdigit():
            return int(path.name)
        try:
            path = Path(folder) / path.readlink()
        except OSError:
            return None
    return None


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it; a disk that is nearly full takes a part without an error.

    Waits where another process has told a pipe not to block. Raises OSError.
    """
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            select.select([], [descriptor], [])


def _open_stream(path: Path) -> int | None:
    """Open what is written to as it is; None where it is a file, or where there is nothing.

    Opening checks, too, whether a file that is there may be written.
    """
    own = own_descriptor(path)
    if own is not None:
        return os.dup(own)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold signals back until the block ends: they must not leave a temporary file behind."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _DEADLY)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _set_mode(descriptor: int, target: Path, *, private: bool) -> None:
    try:
        old = target.stat(follow_symlinks=False)
    except FileNotFoundError:
        _allow(descriptor, PRIVATE if private else 0o666 & ~_umask())
        return
    # Only root may give a file away, and some file systems know of no owners.
    for owner in (old.st_uid, -1):
        with suppress(OSError):
            os.fchown(descriptor, owner, old.st_gid)
            break
    mode = stat.S_IMODE(old.st_mode)
    if os.fstat(descriptor).st_gid != old.st_gid:
        # What the old group was allowed is not for another group: it gets what all others get.
        mode = (mode & ~0o070) | (mode & 0o007) << 3
    _allow(descriptor, mode)


def _allow(descriptor: int, mode: int) -> None:
    # Some file systems have one mode for all files. Then the file keeps that one.
    with suppress(PermissionError):
        os.fchmod(descriptor, mode)


def _umask() -> int:
    # It can only be read by setting it. Meanwhile a file of another thread is for the user alone.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
