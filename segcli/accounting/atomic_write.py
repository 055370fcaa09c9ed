"""Write files safely: replace a file as a whole, or append to it.

Every file is replaced by `replace_file`. It writes the new content to a temporary file whose name
no other process can guess. The old content stays until all of the new content is on disk.
"""

import os
import signal
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from segcli.descriptors import wait_until_writable

# The mode of files with events or keys: only the user may read them.
PRIVATE = 0o600
# A hidden name: if a killed process leaves the file in a folder of inputs, no run reads it.
_TEMPORARY = ".segcli-{}.tmp"
# By default these end the process. SIGKILL does too, but cannot be blocked.
_FATAL_SIGNALS = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})
# The limit of Linux for one path.
_MAX_LINKS = 40


def rewrite(path: Path, content: Iterable[bytes], *, private: bool = False) -> None:
    """Replace a file by this content. On failure the old file stays as it was.

    A stream (see `is_stream`) is written to directly. Raises OSError, also if the file is not
    writable.
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
    """Replace a file by a new one; return its descriptor, open for reading and writing.

    `fill` writes the new file to the descriptor it is given. Until the new file is complete, only
    the user may read it. Then it gets the owner and the mode of the old file. If there was no old
    file, the mode is 0600 if `private`, else that of the umask. A symbolic link stays, and its
    target is replaced. Raises OSError and what `fill` raises; then the old file is as it was, and
    the new file is removed.
    """
    target = Path(os.path.realpath(path))
    with _signals_blocked():
        temporary = target.with_name(_TEMPORARY.format(os.urandom(16).hex()))
        # O_EXCL refuses any name that exists, also a dangling link.
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


def create_file(path: Path, content: bytes) -> bool:
    """Create a private file that is complete and on disk; False if there is one of this name.

    If several processes create it at once, on any machine that sees the folder, one gets True.
    Raises OSError, also if the file system has no hard links.
    """
    with _signals_blocked():
        temporary = path.with_name(_TEMPORARY.format(os.urandom(16).hex()))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, PRIVATE)
        try:
            write_all(descriptor, content)
            os.fsync(descriptor)
            # A rename would replace a file that is there; a link fails.
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            os.close(descriptor)
            with suppress(OSError):
                temporary.unlink()
    return True


def open_to_append(path: Path) -> FileIO:
    """Open a file of events to append to it. A new file is 0600.

    The file can be read too, unless it is a stream. Raises OSError.
    """
    own = own_descriptor(path)
    if own is not None:
        return FileIO(os.dup(own), "w")
    if is_stream(path):
        return FileIO(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC), "w")
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    return FileIO(os.open(path, flags, PRIVATE), "a+")


def is_stream(path: Path) -> bool:
    """True if the path is a pipe, a device, or a descriptor of this process, such as /dev/stdout.

    Such a path is written to directly, never replaced.
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

    Do not open such a path: if stdout is a file, that would start at its beginning again.
    """
    for _ in range(_MAX_LINKS):
        if path.name.isascii() and path.name.isdigit() and _has_own_descriptors(path.parent):
            return int(path.name)
        try:
            target = path.readlink()
        except OSError:
            # Most files are no link, and need no resolving of folders, which takes 0.2 ms: with
            # `--keep` the sandbox asks this for every request.
            return None
        path = Path(os.path.realpath(path.parent)) / target
    return None


def _has_own_descriptors(folder: Path) -> bool:
    """Return whether the names in a folder are the descriptors of this process."""
    folders = (os.path.realpath("/dev/fd"), os.path.realpath("/proc/self/fd"))
    return os.path.realpath(folder) in folders


def write_all(descriptor: int, data: bytes) -> None:
    """Write all the data. One call may write a part only, without an error, on a full disk.

    Waits if the descriptor is a pipe that another process has made non-blocking. Raises OSError.
    """
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            wait_until_writable(descriptor)


def _open_stream(path: Path) -> int | None:
    """Open a stream; None if the path is a file or does not exist.

    Raises OSError if it is a file that is not writable.
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
def _signals_blocked() -> Iterator[None]:
    """Block signals, so that none ends the process and leaves a temporary file."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FATAL_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _set_mode(descriptor: int, target: Path, *, private: bool) -> None:
    try:
        old = target.stat(follow_symlinks=False)
    except FileNotFoundError:
        _try_chmod(descriptor, PRIVATE if private else 0o666 & ~_umask())
        return
    # Only root may change the owner, and some file systems have no owners.
    for owner in (old.st_uid, -1):
        with suppress(OSError):
            os.fchown(descriptor, owner, old.st_gid)
            break
    mode = stat.S_IMODE(old.st_mode)
    if os.fstat(descriptor).st_gid != old.st_gid:
        # The rights of the old group are not for another group: it gets the rights of others.
        mode = (mode & ~0o070) | (mode & 0o007) << 3
    _try_chmod(descriptor, mode)


def _try_chmod(descriptor: int, mode: int) -> None:
    # Some file systems have one mode for all files. There the file keeps that mode.
    with suppress(PermissionError):
        os.fchmod(descriptor, mode)


def _umask() -> int:
    # The umask can only be read by setting it. Set the strictest: another thread may create a file.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
