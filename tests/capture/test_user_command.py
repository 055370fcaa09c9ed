"""Signals reach the user's command, or are kept once it has ended."""

import os
import signal
import subprocess
import threading

from support.fakes import wait_until

from segcli.capture.user_command import Signals, run_command, signals_taken


def test_a_signal_is_kept_when_it_arrives_just_after_the_command_was_waited_for() -> None:
    signals = Signals()
    with subprocess.Popen(["true"]) as command:
        signals.command = command
        # As in `wait`: it has reaped the process, and its lock keeps `poll` from noting that.
        with command._waitpid_lock:  # type: ignore[attr-defined]
            os.waitpid(command.pid, 0)
            signals.take(signal.SIGTERM, None)
        command.returncode = 0

    assert signals.waiting.get_nowait() == signal.SIGTERM


def test_a_running_command_receives_the_signal() -> None:
    signals = Signals()
    with subprocess.Popen(["sleep", "600"]) as command:
        signals.command = command
        signals.take(signal.SIGTERM, None)
        command.wait()

    assert command.returncode == -signal.SIGTERM
    assert signals.waiting.empty()


def test_a_signal_in_another_thread_does_not_wait_for_the_end_of_the_command() -> None:
    # It does not interrupt the wait of the main thread, as one that arrives just before the wait.
    def interrupt() -> None:
        wait_until(lambda: signals.command is not None)
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    with signals_taken() as signals:
        thread = threading.Thread(target=interrupt)
        thread.start()
        code = run_command(["sleep", "600"], os.environ, signals)
        thread.join()

    assert code == 128 + signal.SIGTERM
