"""Pipes, large descriptors, and threads that wait for them."""

import fcntl
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.fakes import wait_until

_LARGE = 1024
_MOST_FILES, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
_CAN_BE_LARGE = _MOST_FILES > _LARGE
# A descriptor of a pipe is at least so large. The system call `select` does not take the second.
DESCRIPTORS = [
    0,
    pytest.param(
        _LARGE,
        marks=pytest.mark.skipif(not _CAN_BE_LARGE, reason="too few files may be open"),
    ),
]


def is_waiting(thread: int) -> bool:
    """Return whether a thread, named by its native id, waits for a pipe in the system."""
    waits_in = Path(f"/proc/self/task/{thread}/wchan").read_text()
    return any(word in waits_in for word in ("pipe", "select", "poll"))


def write_while_waiting(thread: int, write: int, has_ended: Callable[[], bool]) -> None:
    """Write to a pipe as soon as a thread waits, or has ended without a wait."""
    wait_until(lambda: has_ended() or is_waiting(thread))
    os.write(write, b"a\n")


@contextmanager
def pipe_of(least: int) -> Iterator[tuple[int, int]]:
    """Yield both ends of a non-blocking pipe, whose descriptors are at least so large."""
    small = os.pipe()
    both = [fcntl.fcntl(one, fcntl.F_DUPFD, least) for one in small]
    for one in small:
        os.close(one)
    for one in both:
        os.set_blocking(one, False)
    try:
        yield both[0], both[1]
    finally:
        for one in both:
            os.close(one)
