"""Makes sure that no Ctrl-C is lost, from the first moment of a command."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# Seconds: long enough for the destructor that dropped the interrupt to return.
_SOON = 0.05


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """Make every Ctrl-C during the block raise KeyboardInterrupt.

    Python drops an exception that is raised in a destructor or in the callback of a weak
    reference, and every import runs such a callback. A dropped interrupt is sent again.
    """
    # Before this point it ends the process silently: see `segcli.__main__`.
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    before = sys.unraisablehook

    def hook(dropped: "UnraisableHookArgs") -> None:
        if dropped.exc_type is KeyboardInterrupt:
            # Wait first: now it would be raised in this hook, and dropped again.
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
    # A signal to the main thread also interrupts a system call that it waits for.
    main_thread = threading.main_thread().ident
    if main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGINT)
