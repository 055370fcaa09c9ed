"""The congestion window: the more replies say overloaded, the fewer requests are in flight."""

import time
from collections.abc import Callable

# The weight of one round trip in the smoothed share, from RFC 8257, section 4.2.
_GAIN = 1 / 16


class CongestionWindow:
    """How many requests may be in flight at a vendor that may be overloaded; at least one.

    As in DCTCP (RFC 8257), the window is multiplied by 1 - share / 2 once per round trip. The
    share is that of the replies that say overloaded. It is smoothed, but never below the share of
    the current round trip: if every reply says overloaded, the window is halved. A round trip
    without such a reply adds one.
    """

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self.size = float(most)
        self._most = float(most)
        self._now = now
        self._share = 0.0
        # The current round trip: when it began, the window then, the most requests in flight,
        # and the replies that said overloaded.
        self._began = float("-inf")
        self._before = self.size
        self._requests = 1
        self._overloaded = 0

    def replied(self, sent_at: float, *, in_flight: int, overloaded: bool) -> None:
        """Count the reply to a request that was sent at this time.

        in_flight: the requests in flight, this one included.
        """
        if sent_at >= self._began:
            self._begin(in_flight)
        self._requests = max(self._requests, in_flight)
        if not overloaded:
            return
        if not self._overloaded:
            # The requests in flight were sent before this was known: they belong to this trip too.
            self._began = self._now()
            self._before = self.size
        self._overloaded += 1
        share = max(self._share, self._overloaded / self._requests)
        self.size = max(1.0, self._before * (1 - share / 2))

    def grow(self) -> None:
        """Allow a little more, after a success."""
        if not self._overloaded:
            self.size = min(self._most, self.size + 1 / self.size)

    def _begin(self, in_flight: int) -> None:
        """Begin a round trip; it ends with the first reply to a request sent from now on."""
        self._share += _GAIN * (self._overloaded / self._requests - self._share)
        self._began = self._now()
        self._requests = in_flight
        self._overloaded = 0
