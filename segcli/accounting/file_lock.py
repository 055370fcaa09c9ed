"""A short lock on a file that several runs append to: held only while it is written or cut."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

# Seconds to wait for another process.
_TIMEOUT = 10.0
_UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


@contextmanager
def locked(descriptor: int) -> Iterator[bool]:
    """Hold the exclusive lock of a file. Only processes that take the same lock are kept out.

    Yields False if there is no lock: the file is not a regular file, or its file system has no
    locks. Raises OSError if another process does not release the lock in time.
    """
    is_locked = stat.S_ISREG(os.fstat(descriptor).st_mode) and _lock(descriptor)
    try:
        yield is_locked
    finally:
        if is_locked:
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _lock(descriptor: int) -> bool:
    """Wait for the lock, but not forever: a suspended process may hold it."""
    until = monotonic() + _TIMEOUT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() >= until:
                raise OSError(errno.EBUSY, "another process has it locked") from None
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                return False
            raise
        else:
            return True
        sleep(0.001)
