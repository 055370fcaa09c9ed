"""The congestion window: how many requests may be in flight, by how many replies say overloaded."""

import time
from collections.abc import Callable

# How much one round trip counts in the smoothed share: as in RFC 8257, section 4.2.
_GAIN = 1 / 16


class CongestionWindow:
    """How many requests may be in flight at a vendor that may be overloaded; at least one.

    As in DCTCP (RFC 8257) it is multiplied by 1 - share / 2 once in a round trip, where the share
    is that of the replies that say overloaded. The share is smoothed, but is never less than that
    of the round trip itself: a burst of nothing but such replies halves the window. A round trip
    without any adds one.
    """

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self.size = float(most)
        self._most = float(most)
        self._now = now
        self._share = 0.0
        # The round trip: since when, with what window, how many were in flight at most, and how
        # many of them have come back as overloaded.
        self._began = float("-inf")
        self._before = self.size
        self._requests = 1
        self._overloaded = 0

    def replied(self, sent_at: float, *, in_flight: int, overloaded: bool) -> None:
        """Count the reply to a request that was sent then, and was one of those in flight."""
        if sent_at >= self._began:
            self._begin(in_flight)
        self._requests = max(self._requests, in_flight)
        if not overloaded:
            return
        if not self._overloaded:
            # What is in flight now was sent before this was known: it is of this round trip too.
            self._began = self._now()
            self._before = self.size
        self._overloaded += 1
        share = max(self._share, self._overloaded / self._requests)
        self.size = max(1.0, self._before * (1 - share / 2))

    def grow(self) -> None:
        """Allow a little more, after an answer that was a yes."""
        if not self._overloaded:
            self.size = min(self._most, self.size + 1 / self.size)

    def _begin(self, in_flight: int) -> None:
        """Begin a round trip, which ends with the first reply to what is sent from now on."""
        self._share += _GAIN * (self._overloaded / self._requests - self._share)
        self._began = self._now()
        self._requests = in_flight
        self._overloaded = 0
