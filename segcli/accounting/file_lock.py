"""The lock of a file that several runs append to, held only while it is written or cut."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

_PATIENCE = 10.0
_UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


@contextmanager
def locked(descriptor: int) -> Iterator[bool]:
    """Keep all others that take this lock away from a file.

    False: there is no lock, since the file is not a regular one or its file system has none. Raises
    OSError where another process does not let go of it.
    """
    is_locked = stat.S_ISREG(os.fstat(descriptor).st_mode) and _lock(descriptor)
    try:
        yield is_locked
    finally:
        if is_locked:
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _lock(descriptor: int) -> bool:
    """Wait for the lock; a process that was stopped may hold it for ever."""
    until = monotonic() + _PATIENCE
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
