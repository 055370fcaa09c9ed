"""Wait for descriptors of files.

`select.select` raises ValueError for descriptors of 1024 and more; `poll`, used here, does not.
"""

import select
from collections.abc import Iterable


def can_read(descriptors: Iterable[int], timeout: int | None = None) -> bool:
    """Wait until one of these descriptors can be read. Return False if none can be in time.

    `timeout` is in milliseconds; None waits without a limit. A descriptor at its end, or one that
    fails, can be read: the read tells which.
    """
    return _poll(descriptors, select.POLLIN, timeout)


def wait_until_writable(descriptor: int) -> None:
    """Wait until a descriptor can be written to, or fails: the write tells which."""
    _poll([descriptor], select.POLLOUT, None)


def _poll(descriptors: Iterable[int], event: int, timeout: int | None) -> bool:
    waiting = select.poll()
    for one in descriptors:
        waiting.register(one, event)
    return bool(waiting.poll(timeout))
