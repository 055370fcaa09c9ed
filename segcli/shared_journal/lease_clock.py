"""The clock of leases: it does not stop while a machine sleeps, where there is such a clock."""

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def seconds() -> float:
    """Return the time in seconds, since no particular moment."""
    return time.clock_gettime(_CLOCK)
