"""The throttle: when the next request may be sent, for all workers together."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from segcli.core.request_layout import route_of_key
from segcli.delivery.rate import Rate, SharedRate
from segcli.delivery.shutdown import StopSignal

# Seconds after which one who waits looks at a shared rate again: it may have changed.
_LOOK_AGAIN = 0.05
# The weight of one round trip in the smoothed share, from RFC 8257, section 4.2.
_GAIN = 1 / 16


@dataclass(slots=True)
class _WaitingLine:
    """The requests that wait for the same rates: first come, first served.

    rate: that of their route, beside the rate of all requests.
    lock: held by the first one.
    """

    rate: Rate = field(default_factory=lambda: Rate(None))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


_NO_ROUTES: Mapping[str, float] = {}


class Throttle:
    """Limits the requests in flight and their rate, and pauses when the vendor asks for it.

    The limit of requests in flight shrinks while the vendor is overloaded, by the share of replies
    that say so, and grows back. A route may have a rate of its own, beside that of all requests;
    while its requests wait for it, those of other routes are sent.
    """

    def __init__(
        self,
        *,
        in_flight: int,
        rate: float | SharedRate | None,
        stop_signal: StopSignal,
        route_rates: Mapping[str, float] = _NO_ROUTES,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self.in_flight = 0
        self.paused_until = 0.0
        self._window = CongestionWindow(in_flight, now)
        self._rate = rate if isinstance(rate, SharedRate) else Rate(rate)
        self._shared = rate if isinstance(rate, SharedRate) else None
        self._stop_signal = stop_signal
        self._now = now
        self._sleep = sleep or stop_signal.sleep
        self._freed = asyncio.Event()
        self._line = _WaitingLine()
        self._lines = {route: _WaitingLine(Rate(rate)) for route, rate in route_rates.items()}
        self._waiting = 0
        stop_signal.on_stop(self._freed.set)

    async def acquire(self, route: str = "") -> bool:
        """Wait until a request may be sent, and count it as in flight; False: the run is stopping.

        First come, first served, among the requests with the same rates. After True the caller
        must call `release` when the request is done.
        """
        if self.try_acquire(route):
            return True
        self._waiting += 1
        try:
            return await self._wait_in(self._line_of(route))
        finally:
            self._waiting -= 1

    @property
    def busy_for(self) -> float:
        """Seconds until all that wait now are sent, by the rate of all requests alone.

        Rates of routes do not count: while requests wait for one, those of another route may leave.
        """
        return self._waiting * self._rate.interval

    async def _wait_in(self, line: _WaitingLine) -> bool:
        async with line.lock:
            while not (self._stop_signal.is_stopped or self._acquire_now(line)):
                if self._is_full:
                    self._freed.clear()
                    await self._freed.wait()
                else:
                    wait = self._next_send(line) - self._now()
                    await self._sleep(min(wait, _LOOK_AGAIN) if self._shared else wait)
        return not self._stop_signal.is_stopped

    def try_acquire(self, route: str = "") -> bool:
        """Acquire without waiting if possible; faster than to await `acquire`."""
        line = self._line_of(route)
        return not line.lock.locked() and self._acquire_now(line)

    def _line_of(self, route: str) -> _WaitingLine:
        """Return where requests of a route wait; it may be the key of a request."""
        return self._lines.get(route_of_key(route), self._line) if self._lines else self._line

    def _acquire_now(self, line: _WaitingLine) -> bool:
        """Count a request as in flight if it may be sent now, and set the time of the next one."""
        if self._is_full or self._stop_signal.is_stopped:
            return False
        has_rate = self._rate.per_second is not None or line.rate.per_second is not None
        if has_rate or self.paused_until:
            now = self._now()
            if self._next_send(line) > now:
                return False
            self._rate.take(now)
            line.rate.take(now)
        self.in_flight += 1
        return True

    @property
    def _is_full(self) -> bool:
        most = int(self._window.size)
        if self._shared and self._shared.in_flight is not None:
            most = min(most, self._shared.in_flight)
        return self.in_flight >= most

    def _next_send(self, line: _WaitingLine) -> float:
        return max(self._rate.due, line.rate.due)

    @property
    def window(self) -> float:
        """How many requests may be in flight now."""
        return self._window.size

    def release(self) -> None:
        """Count a request as done, with or without success."""
        self.in_flight -= 1
        self._freed.set()

    def replied(self, sent_at: float, *, overloaded: bool) -> None:
        """Allow fewer requests in flight if the vendor is overloaded; call after `release`."""
        self._window.replied(sent_at, in_flight=self.in_flight + 1, overloaded=overloaded)

    def grow(self) -> None:
        """Allow a little more in flight, after a success."""
        self._window.grow()

    def pause(self, seconds: float) -> None:
        """Send no request for this long."""
        self.paused_until = max(self.paused_until, self._now() + seconds)
        self._rate.pause(self.paused_until)


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
