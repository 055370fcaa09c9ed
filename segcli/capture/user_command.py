"""Runs the command that is captured, as the user typed it, and passes signals on to it."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType

# The exit code of a command that a signal ended is this plus the number of the signal.
BY_SIGNAL = 128

# Seconds of waiting in one piece. If a signal arrives just before a wait begins, or in another
# thread, Python calls its handler only after the wait.
LONGEST_WAIT = 0.5

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """The signals that arrive.

    command: the running command, which receives them; None if none is running.
    waiting: the signals that no command received.
    """

    def __init__(self) -> None:
        # A signal handler may call its `put`, even while `get` waits.
        self.waiting: SimpleQueue[int] = SimpleQueue()
        self.command: subprocess.Popen[bytes] | None = None

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        if self.command is None or self.command.poll() is not None:
            self.waiting.put(number)
        elif number != signal.SIGINT or not _terminal_sends_it():
            self._pass_on(self.command.pid, number)

    def _pass_on(self, command: int, number: int) -> None:
        try:
            os.kill(command, number)
        except ProcessLookupError:
            # The command has just ended, and `wait` has not noted it yet: `poll` does not know.
            self.waiting.put(number)


@contextmanager
def signals_taken() -> Iterator[Signals]:
    """Handle Ctrl-C, SIGTERM and SIGHUP during the block. Only the main thread may call this.

    Ignored signals stay ignored, also for the command.
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
    """Run a command and return its exit code; after a signal, 128 plus its number.

    It has the streams of this process, and receives its signals. Raises OSError if it cannot be
    started.
    """
    with subprocess.Popen(words, env=environment) as process:
        signals.command = process
        with suppress(Empty):
            while True:
                process.send_signal(signals.waiting.get_nowait())
        try:
            code = _ended(process)
        finally:
            signals.command = None
    return code if code >= 0 else BY_SIGNAL - code


def _ended(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a command, and return how it ended."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(LONGEST_WAIT)


def _terminal_sends_it() -> bool:
    """Return whether our terminal sends Ctrl-C to the command too.

    After a second Ctrl-C, many programs stop at once, without a clean-up.
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
