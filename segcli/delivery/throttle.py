"""The pace: when the next request may leave, for all lanes together."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from segcli.delivery.congestion import CongestionWindow
from segcli.delivery.shutdown import StopSignal

# A rate may catch up on the delays of the event loop, no more: a vendor counts each second.
_CATCH_UP = 0.05


class Throttle:
    """Room in flight, the rate, and the pause a vendor asked for.

    The room shrinks while the vendor is overloaded, by the share of its replies that say so, and
    grows back.
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
        self._turnstile = asyncio.Lock()
        stop_signal.on_stop(self._freed.set)

    async def acquire(self) -> bool:
        """Wait until a request may leave and count it as in flight; False: the run is stopping.

        Whoever came first leaves first. Whoever got True calls `release` when the request is
        over.
        """
        if self.try_acquire():
            return True
        async with self._turnstile:
            while not (self._stop_signal.is_stopped or self._leaves()):
                if self._is_full:
                    self._freed.clear()
                    await self._freed.wait()
                else:
                    await self._sleep(self._next_leaving() - self._now())
        return not self._stop_signal.is_stopped

    def try_acquire(self) -> bool:
        """Take a turn as by `acquire` if nobody has to wait for it; to await that takes longer."""
        return not self._turnstile.locked() and self._leaves()

    def _leaves(self) -> bool:
        """Let a request leave if one may: count it, and let the next one wait for its slot."""
        if self._is_full or self._stop_signal.is_stopped:
            return False
        if self._interval or self.paused_until:
            now = self._now()
            if self._next_leaving() > now:
                return False
            self._next_slot = max(self._next_slot, now - _CATCH_UP) + self._interval
        self.in_flight += 1
        return True

    @property
    def _is_full(self) -> bool:
        return self.in_flight >= int(self._window.size)

    def _next_leaving(self) -> float:
        return max(self.paused_until, self._next_slot)

    @property
    def window(self) -> float:
        """How many requests may be in flight, as things are."""
        return self._window.size

    def release(self) -> None:
        """Give the room of a request free again, however it ended."""
        self.in_flight -= 1
        self._freed.set()

    def replied(self, sent_at: float, *, overloaded: bool) -> None:
        """Allow less in flight if the vendor is overloaded; called right after `release`."""
        self._window.replied(sent_at, in_flight=self.in_flight + 1, overloaded=overloaded)

    def grow(self) -> None:
        """Allow a little more in flight, after an answer that was a yes."""
        self._window.grow()

    def pause(self, seconds: float) -> None:
        """Let nothing leave for that long."""
        self.paused_until = max(self.paused_until, self._now() + seconds)
