"""Opens the state of Engage for commands: to read it, or to change it under a lock."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from segcli.cli.state_folder import state_folder
from segcli.engage.state import EngageState
from segcli.errors import UsageError, unwritable_at_start
from segcli.journal.locked_file import InUseError, lock


def state_path(path: Path | None) -> Path:
    """Return where the state is: the named path, or the default in the user's folder."""
    return path or state_folder() / "engage.sqlite"


@contextmanager
def read_engage_state(path: Path | None, *, dry_run: bool = False) -> Iterator[EngageState]:
    """Open the state to read it. Without a file the state is empty, and no file is made."""
    file = state_path(path)
    with closing(EngageState(file if os.path.exists(file) else None, dry_run=dry_run)) as state:
        yield state


@contextmanager
def changed_state(path: Path | None) -> Iterator[EngageState]:
    """Open the state to change it, or create it. The lock ends with the process.

    Raises UsageError if another process holds the lock.
    """
    file = state_path(path).resolve()
    descriptor = _locked(file)
    try:
        with closing(EngageState(file)) as state:
            yield state
    finally:
        os.close(descriptor)


def _locked(file: Path) -> int:
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock_file = file.with_name(f"{file.name}.lock")
        return lock(lock_file, option="--state", follow=False)
    except OSError as error:
        raise unwritable_at_start(
            f"the state {file} cannot be used: {error.strerror}",
            "Name another file: --state PATH",
            error,
        ) from None
    except InUseError:
        raise UsageError(
            f"another segcli is changing the state {file}",
            "Wait for it to end, or name another: --state PATH",
        ) from None
