"""The errors that end a run, each with a hint what to type next.

There are three kinds of failure, and each is handled in its own way:

- of an event: `segcli.core.event.Rejected`, a value that is counted and kept; the run continues;
- of the run: `SegcliError` below, shown as a message and a hint, without a traceback;
- of segcli itself: any other exception is a bug, shown with its traceback; exit 70.

    SegcliError          exit 2: the run could not start
    +-- UsageError       an option, or what the run finds, does not allow it to start
    |   +-- SettingsError    a setting is missing or wrong
    |   +-- DestinationError a destination file is missing or wrong
    +-- InputError       an input cannot be read as events, or is not that of the earlier run
    +-- OutputError      exit 3: a file that the run depends on, or its report, cannot be written;
    |                    a path where no file can be written is a UsageError before the run starts
    +-- Stopped          exit 3: the run stopped early; unsent events are counted
        +-- Interrupted  exit 129, 130 or 143: SIGHUP, SIGINT or SIGTERM stopped the run
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Any

# What the system says of a path at which no file can be written, on any disk.
_OF_THE_PATH = frozenset(
    {
        *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EACCES, errno.EPERM),
        *(errno.ENXIO, errno.ENODEV, errno.EBADF, errno.EINVAL, errno.ELOOP, errno.ENAMETOOLONG),
    }
)


class Exit(IntEnum):
    """The exit codes, the same for every command."""

    DONE = 0
    INCOMPLETE = 1
    NOT_STARTED = 2
    STOPPED = 3
    BUG = 70
    CLOSED_PIPE = 141


class SegcliError(Exception):
    """An error that ends the run.

    message: what happened.
    hint: what to type next; may be empty.
    exit_code: the exit code of the process.
    report: for a program, what the run did until then, a `segcli.Report`; None before it began.
    """

    exit_code: int = Exit.NOT_STARTED
    report: Any = None

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SegcliError):
    """The run cannot start as it was asked for: an option or what it found does not allow it."""


class SettingsError(UsageError):
    """A setting is missing or wrong; the hint says how to set it."""


@dataclass(frozen=True, slots=True)
class FileMistake:
    """A mistake in a destination file.

    path: the path of the key that it is about; empty for the whole file.
    problem: what is wrong.
    line, column: where the text cannot be read, from 1; 0 if it is about a key, or unknown.
    """

    path: tuple[str | int, ...]
    problem: str
    line: int = 0
    column: int = 0


class DestinationError(UsageError):
    """A destination file is missing or wrong; the message lists all its mistakes.

    mistakes: the mistakes one by one; empty if the file cannot be found or read.
    """

    mistakes: Sequence[FileMistake] = ()


class InputError(SegcliError):
    """An input cannot be read as events, or is not what the run to resume has read.

    `check` raises it also for an input that it cannot read to its end. The hint says how to correct
    that.
    """


class OutputError(SegcliError):
    """A file that a run depends on, or its report, cannot be written."""

    exit_code: int = Exit.STOPPED


def unwritable_at_start(problem: str, hint: str, error: OSError) -> UsageError | OutputError:
    """Return the error for a file that cannot be written before a run starts.

    It is a UsageError if the path is wrong, and an OutputError if the disk is full or read-only.
    """
    kind = UsageError if error.errno in _OF_THE_PATH else OutputError
    return kind(problem, hint)


class Stopped(SegcliError):
    """The run stopped early: events that were read but not answered are counted as unsent.

    more: words that the command that continues needs, beside those that were typed.
    """

    exit_code: int = Exit.STOPPED
    more: Sequence[str] = ()


class Interrupted(Stopped):
    """A signal stopped the run; the exit code is 128 plus the signal's number."""

    def __init__(self, message: str, hint: str = "", *, signal_number: int) -> None:
        super().__init__(message, hint)
        self.exit_code = 128 + signal_number

    def __reduce__(self) -> tuple[Any, ...]:
        make = partial(Interrupted, signal_number=self.exit_code - 128)
        return make, (self.message, self.hint), self.__dict__
