"""The brake: how a run stops in order. Whatever waits, waits here, so that it can be told."""

import asyncio
import contextlib
import gc
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from segcli.errors import Interrupted


class StopSignal:
    """Pulled once, with the reason; from then on no new request leaves."""

    def __init__(self) -> None:
        self.reason: BaseException | None = None
        self._pulled = asyncio.Event()
        self._slammed = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    @property
    def is_stopped(self) -> bool:
        """Tell whether the run is to stop."""
        return self.reason is not None

    def stop(self, reason: BaseException) -> None:
        """Stop the run; the first reason counts."""
        if self.reason is None:
            self.reason = reason
            self._pulled.set()
            for listener in self._listeners:
                listener()

    def abort(self) -> None:
        """Do not even wait for the requests in flight."""
        self._slammed.set()

    def on_stop(self, listener: Callable[[], None]) -> None:
        """Call the listener when the brake is pulled, to wake who waits for something else."""
        self._listeners.append(listener)

    async def sleep(self, seconds: float) -> None:
        """Sleep that long, or until the brake is pulled."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._pulled.wait()

    async def wait_stopped(self) -> None:
        """Return when the brake is pulled."""
        await self._pulled.wait()

    async def wait_aborted(self, seconds: float) -> None:
        """Return when the brake is slammed, at the latest after that many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._slammed.wait()


@contextmanager
def relaxed_gc() -> Iterator[None]:
    """Let the collector of cycles look at little, and seldom: a request makes nearly none.

    Measured: it took a tenth of the time, and every request waited for it, up to 80 ms.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(10_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def stop_on_signals(stop_signal: StopSignal) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP stop the run in order; a second one leaves at once."""
    loop = asyncio.get_running_loop()

    def received(number: signal.Signals) -> None:
        if stop_signal.is_stopped:
            stop_signal.abort()
        stop_signal.stop(Interrupted(f"interrupted by {number.name}", signal_number=number))

    # Only the main thread hears signals.
    in_main = threading.current_thread() is threading.main_thread()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if in_main else ()
    for number in signals:
        loop.add_signal_handler(number, received, number)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
