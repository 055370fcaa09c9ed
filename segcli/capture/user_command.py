"""The command that is captured: run as the user typed it, with the signals that we get."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_BY_SIGNAL = 128


class Signals:
    """The signals that come in: they go to a command while one runs, else into `waiting`."""

    def __init__(self) -> None:
        # Its `put` may be called within a signal handler, also while `get` waits.
        self.waiting: SimpleQueue[int] = SimpleQueue()
        self.command: subprocess.Popen[bytes] | None = None

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal; this is a signal handler."""
        if self.command is None or self.command.poll() is not None:
            self.waiting.put(number)
        elif number != signal.SIGINT or not _terminal_has_told_it():
            self.command.send_signal(number)


@contextmanager
def signals_taken() -> Iterator[Signals]:
    """Take Ctrl-C, SIGTERM and SIGHUP within the block. Only for the main thread.

    What is ignored stays ignored, for the command too.
    """
    signals = Signals()
    before = {number: signal.getsignal(number) for number in _PASSED_ON}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signals.take)
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_command(words: Sequence[str], environment: Mapping[str, str], signals: Signals) -> int:
    """Run a command to its end; return its exit code, 128 plus the number for a signal.

    Its streams are ours. Signals go to it meanwhile. Raises OSError where it cannot be started.
    """
    with subprocess.Popen(words, env=environment) as process:
        signals.command = process
        with suppress(Empty):
            while True:
                process.send_signal(signals.waiting.get_nowait())
        try:
            code = process.wait()
        finally:
            signals.command = None
    return code if code >= 0 else _BY_SIGNAL - code


def _terminal_has_told_it() -> bool:
    """Return whether Ctrl-C came from our terminal, which sends it to the command as well.

    Told twice, many programs stop at once and tidy nothing up.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
