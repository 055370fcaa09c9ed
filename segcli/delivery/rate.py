"""The rate of a run: when its next request is due.

Several runs may share one rate. The share of each may change while it runs.

This module reads no clock: its callers pass the time.
"""

from collections import deque
from math import inf
from threading import Lock

# Seconds that a rate may catch up on after delays of the event loop. Not more: a vendor counts the
# requests of each second.
_CATCH_UP = 0.05
# A share may catch up on more seconds, since no other run uses it meanwhile.
_SHARE_CATCHES_UP = 0.5
# But within each second it sends at most this part more than its rate allows.
_MOST_FASTER = 0.05


class Rate:
    """The rate of one run or one route. It stays the same, except in the subclass `SharedRate`.

    per_second: requests a second; 0 for none at present, None for no limit.
    """

    catch_up = _CATCH_UP

    def __init__(self, per_second: float | None) -> None:
        self.per_second = per_second
        # When the last request was due, and until when the vendor wants none.
        self._last = self._paused_until = -inf

    @property
    def interval(self) -> float:
        """Seconds from one request to the next."""
        per_second = self.per_second
        if per_second is None:
            return 0.0
        return 1 / per_second if per_second else inf

    @property
    def due(self) -> float:
        """The time of the next request."""
        return self._due_by_rate

    def pause(self, until: float) -> None:
        """Let no request be due before this time."""
        self._paused_until = until

    def take(self, now: float) -> None:
        """Use the rate for a request that is sent now."""
        due = self._due_by_rate
        # The rate may have become 0 since the request was allowed.
        self._last = max(due, now - self.catch_up) if due < inf else now

    @property
    def _due_by_rate(self) -> float:
        return max(self._last + self.interval, self._paused_until)


class SharedRate(Rate):
    """A rate and a limit of requests in flight: this run's share of those of several runs.

    Another thread may change them, and read the counts.

    in_flight: the most requests in flight; None for as many as the run may have alone.
    sent: how many requests have used the rate.
    """

    catch_up = _SHARE_CATCHES_UP

    def __init__(self, per_second: float | None, *, in_flight: int | None = None) -> None:
        super().__init__(per_second)
        self.in_flight = in_flight
        self.sent = 0
        self._lost = 0.0
        # The requests of the last second, and the rates that it had, each since when.
        self._times: deque[float] = deque()
        self._rates: deque[tuple[float, float]] = deque([(-inf, per_second or 0.0)])
        self._opens = -inf
        self._lock = Lock()

    def begin(self, now: float) -> None:
        """Begin at this time. The first request is due one interval later.

        All runs begin together: if each sent a request at once, the vendor would get a burst.
        """
        self._last, self._lost = now, 0.0
        self._rates = deque([(-inf, 0.0), (now, self.per_second or 0.0)])

    def change(self, per_second: float | None, now: float) -> None:
        """Change the rate from now on. The time so far counts by the rate that it had."""
        before = self.per_second
        if per_second == before:
            return
        with self._lock:
            self._lost += self._late(now)
            ready = min((now - self._last) * (before or 0.0), 1 + self.catch_up * (before or 0.0))
            self._last = now - ready / per_second if per_second else now
            self.per_second = per_second
            self._rates.append((now, per_second or 0.0))
            self._look_at_second(now)

    @property
    def due(self) -> float:
        """The time of the next request."""
        return max(self._due_by_rate, self._opens)

    def take(self, now: float) -> None:
        """Use the rate for a request that is sent now."""
        with self._lock:
            self._lost += self._late(now)
            super().take(now)
            self.sent += 1
            if self.per_second is not None:
                self._times.append(now)
                self._look_at_second(now)

    def lost(self, now: float) -> float:
        """Return how many more requests the rate would have allowed."""
        return self._lost + self._late(now)

    def _late(self, now: float) -> float:
        per_second = self.per_second
        late = now - self.catch_up - self._due_by_rate
        return max(late, 0.0) * per_second if per_second else 0.0

    def _look_at_second(self, now: float) -> None:
        """Find out when the last second has room for another request."""
        while self._times and self._times[0] <= now - 1.0:
            self._times.popleft()
        most = 1 + int(self._allowed(now) * (1.0 + _MOST_FASTER))
        full = len(self._times) - most
        self._opens = self._times[full] + 1.0 if full >= 0 else -inf

    def _allowed(self, now: float) -> float:
        """Return how many requests the rates of the last second allow together."""
        while len(self._rates) > 1 and self._rates[1][0] <= now - 1.0:
            self._rates.popleft()
        allowed, until = 0.0, now
        for since, rate in reversed(self._rates):
            allowed += rate * max(0.0, until - max(since, now - 1.0))
            until = since
        return allowed
