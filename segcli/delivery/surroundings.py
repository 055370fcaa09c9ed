"""What a delivery changes of its process while it lasts: who hears signals, and the collector."""

import asyncio
import gc
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from segcli.delivery.brake import Brake
from segcli.errors import Interrupted


@contextmanager
def few_collections() -> Iterator[None]:
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
def signals_pull(brake: Brake) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP stop the run in order; a second one leaves at once."""
    loop = asyncio.get_running_loop()

    def received(number: signal.Signals) -> None:
        if brake.pulled:
            brake.slam()
        brake.pull(Interrupted(f"interrupted by {number.name}", signal_number=number))

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
