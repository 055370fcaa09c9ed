"""Graceful shutdown: one stop signal that every waiting task observes.

Also the process-wide settings during a send: signals and garbage collection.
"""

import asyncio
import contextlib
import gc
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from segcli.errors import Interrupted


class StopSignal:
    """Set once, with the reason; from then on no new request is sent."""

    def __init__(self) -> None:
        self.reason: BaseException | None = None
        self._stopped = asyncio.Event()
        self._aborted = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    @property
    def is_stopped(self) -> bool:
        """Whether the run is stopping."""
        return self.reason is not None

    def stop(self, reason: BaseException) -> None:
        """Stop the run; only the first reason counts."""
        if self.reason is None:
            self.reason = reason
            self._stopped.set()
            for listener in self._listeners:
                listener()

    def abort(self) -> None:
        """Do not wait for the requests in flight either."""
        self._aborted.set()

    def on_stop(self, listener: Callable[[], None]) -> None:
        """Call the listener when the run is stopped; it wakes tasks that wait for something else.

        Listeners are called in the order they were added.
        """
        self._listeners.append(listener)

    async def sleep(self, seconds: float) -> None:
        """Sleep for this long, or until the run is stopped."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()

    async def wait_stopped(self) -> None:
        """Return when the run is stopped."""
        await self._stopped.wait()

    async def wait_aborted(self, seconds: float) -> None:
        """Return when the run is aborted, or after this many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._aborted.wait()


@contextmanager
def relaxed_gc() -> Iterator[None]:
    """Make garbage collection rare, and skip the objects that exist already.

    A request creates almost no reference cycles. With the default thresholds collection took a
    tenth of the time, and delayed every request by up to 80 ms.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(10_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class OutsideStop:
    """Stops a run from another thread. A second call does not wait for requests in flight."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reasons: list[BaseException] = []
        self._run: tuple[asyncio.AbstractEventLoop, StopSignal] | None = None

    def stop(self, reason: BaseException) -> None:
        """Stop the run, also one that has not begun yet; safe to call from any thread."""
        with self._lock:
            self._reasons.append(reason)
            if self._run:
                loop, _ = self._run
                # A closed loop belongs to a run that is over.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._pass_on)

    @contextmanager
    def applied_to(self, stop_signal: StopSignal) -> Iterator[None]:
        """Pass what is asked on to a run, in its event loop, during the block."""
        with self._lock:
            self._run = asyncio.get_running_loop(), stop_signal
        self._pass_on()
        try:
            yield
        finally:
            with self._lock:
                self._run = None

    def _pass_on(self) -> None:
        if not self._run or not self._reasons:
            return
        _, stop_signal = self._run
        if len(self._reasons) > 1:
            stop_signal.abort()
        stop_signal.stop(self._reasons[0])


@contextmanager
def stop_on_signals(stop_signal: StopSignal) -> Iterator[None]:
    """Stop the run on SIGINT, SIGTERM or SIGHUP; a second signal aborts it."""
    loop = asyncio.get_running_loop()

    def received(number: signal.Signals) -> None:
        if stop_signal.is_stopped:
            stop_signal.abort()
        stop_signal.stop(Interrupted(f"interrupted by {number.name}", signal_number=number))

    # Python delivers signals to the main thread only.
    in_main = threading.current_thread() is threading.main_thread()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if in_main else ()
    for number in signals:
        loop.add_signal_handler(number, received, number)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
