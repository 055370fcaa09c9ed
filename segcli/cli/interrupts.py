"""Ctrl-C in a command: it is heard from the first moment on, and never lost."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# Seconds. Long enough for the destructor that lost the interrupt to return.
_SOON = 0.05


@contextmanager
def interrupts_heard() -> Iterator[None]:
    """Have Ctrl-C raise KeyboardInterrupt within the block, at whatever moment it comes.

    Python drops an exception that is raised in a destructor or in the callback of a weak
    reference, and every import calls one. An interrupt that was dropped is sent again.
    """
    # Until now it ended the process without a word: see `segcli.__main__`.
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    before = sys.unraisablehook

    def hook(dropped: "UnraisableHookArgs") -> None:
        if dropped.exc_type is KeyboardInterrupt:
            # Not at once: it would be raised in this hook, and dropped again.
            timer = threading.Timer(_SOON, _interrupt_again)
            timer.daemon = True
            timer.start()
        else:
            before(dropped)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _interrupt_again() -> None:
    # To this thread, so that what it waits for ends.
    main_thread = threading.main_thread().ident
    if main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGINT)
