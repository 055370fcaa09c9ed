"""The throttle: when the next request may be sent, for all workers together."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from segcli.delivery.congestion import CongestionWindow
from segcli.delivery.shutdown import StopSignal

# Seconds that a rate may catch up on after delays of the event loop. Not more: a vendor counts the
# requests of each second.
_CATCH_UP = 0.05


class Throttle:
    """Limits the requests in flight and their rate, and pauses when the vendor asks for it.

    The limit of requests in flight shrinks while the vendor is overloaded, by the share of replies
    that say so, and grows back.
    """

    def __init__(
        self,
        *,
        in_flight: int,
        rate: float | None,
        stop_signal: StopSignal,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self.in_flight = 0
        self.paused_until = 0.0
        self._window = CongestionWindow(in_flight, now)
        self._interval = 1 / rate if rate else 0.0
        self._next_slot = 0.0
        self._stop_signal = stop_signal
        self._now = now
        self._sleep = sleep or stop_signal.sleep
        self._freed = asyncio.Event()
        self._waiting_line = asyncio.Lock()
        stop_signal.on_stop(self._freed.set)

    async def acquire(self) -> bool:
        """Wait until a request may be sent, and count it as in flight; False: the run is stopping.

        First come, first served. After True the caller must call `release` when the request is
        done.
        """
        if self.try_acquire():
            return True
        async with self._waiting_line:
            while not (self._stop_signal.is_stopped or self._acquire_now()):
                if self._is_full:
                    self._freed.clear()
                    await self._freed.wait()
                else:
                    await self._sleep(self._next_send() - self._now())
        return not self._stop_signal.is_stopped

    def try_acquire(self) -> bool:
        """Acquire without waiting if possible; faster than to await `acquire`."""
        return not self._waiting_line.locked() and self._acquire_now()

    def _acquire_now(self) -> bool:
        """Count a request as in flight if it may be sent now, and set the time of the next one."""
        if self._is_full or self._stop_signal.is_stopped:
            return False
        if self._interval or self.paused_until:
            now = self._now()
            if self._next_send() > now:
                return False
            self._next_slot = max(self._next_slot, now - _CATCH_UP) + self._interval
        self.in_flight += 1
        return True

    @property
    def _is_full(self) -> bool:
        return self.in_flight >= int(self._window.size)

    def _next_send(self) -> float:
        return max(self.paused_until, self._next_slot)

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
