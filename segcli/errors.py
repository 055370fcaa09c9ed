"""The errors that end a run, each with what to type next.

Three kinds of failure, told apart by what one does about them:

- an event's: `segcli.core.event.Rejected`, a value that is counted and kept; the run goes on;
- the run's: `SegcliError` below, shown as a message and a hint, without a traceback;
- ours: any other exception is a bug and keeps its traceback; exit 70.

    SegcliError          exit 2: could not start
    +-- SettingsError    a setting is missing or wrong
    +-- DestinationError a destination's file is missing or wrong
    +-- InputError       an input cannot be read as events, or by `check` not to its end
    +-- UsageError       options that do not go together
    +-- OutputError      exit 3: a file that the run depends on, or its report, cannot be written
    +-- Stopped          exit 3: stopped on the way, what is unsent is counted
        +-- Interrupted  exit 130 or 143: a signal said so
"""

from collections.abc import Sequence
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes, the same for every command."""

    DONE = 0
    INCOMPLETE = 1
    NOT_STARTED = 2
    STOPPED = 3
    BUG = 70
    CLOSED_PIPE = 141


class SegcliError(Exception):
    """What happened, and what to type next; `exit_code` is the process's."""

    exit_code: int = Exit.NOT_STARTED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(SegcliError):
    """A setting is missing or wrong; the hint says how to set it."""


class DestinationError(SegcliError):
    """A file that describes a destination is missing or wrong; all its mistakes at once."""


class InputError(SegcliError):
    """An input cannot be read as newline-delimited JSON, or by `check` not to its end.

    The hint says how to make it so.
    """


class UsageError(SegcliError):
    """Options that do not go together."""


class OutputError(SegcliError):
    """A file that a run depends on, or its report, cannot be written."""

    exit_code: int = Exit.STOPPED


class Stopped(SegcliError):
    """The run stopped on the way: what was read and not answered is counted as unsent.

    `more` are words that the command that goes on should have beside those that were typed.
    """

    exit_code: int = Exit.STOPPED
    more: Sequence[str] = ()


class Interrupted(Stopped):
    """A signal stopped the run; the exit code is 128 plus the signal's number."""

    def __init__(self, message: str, hint: str = "", *, signal_number: int) -> None:
        super().__init__(message, hint)
        self.exit_code = 128 + signal_number
