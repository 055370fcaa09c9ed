"""The state of Engage as commands use it: where it is, and who may write to it."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from segcli.engage.state import EngageState
from segcli.errors import OutputError, UsageError
from segcli.journal.locked_file import lock


def state_path(path: Path | None) -> Path:
    """Return where the state is: the path that was named, or the user's own."""
    return path or Path(click.get_app_dir("segcli")) / "engage.sqlite"


@contextmanager
def read_state(path: Path | None, *, rehearsal: bool = False) -> Iterator[EngageState]:
    """Open the state; one that is not there yet knows nothing, and is not made."""
    place = state_path(path)
    with closing(EngageState(place if place.exists() else None, rehearsal=rehearsal)) as state:
        yield state


@contextmanager
def changed_state(path: Path | None) -> Iterator[EngageState]:
    """Open or make the state and keep all others from changing it; the lock goes with the process.

    Raises UsageError where another process changes it.
    """
    place = state_path(path).resolve()
    descriptor = _locked(place)
    try:
        with closing(EngageState(place)) as state:
            yield state
    finally:
        os.close(descriptor)


def _locked(place: Path) -> int:
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = place.with_name(f"{place.name}.lock")
        return lock(beside, option="--state", follow=False)
    except OSError as error:
        raise OutputError(
            f"the state {place} cannot be used: {error.strerror}",
            "Name another one: --state PATH",
        ) from None
    except UsageError:
        raise UsageError(
            f"another segcli is changing the state {place}",
            "Wait for it to end, or name another one: --state PATH",
        ) from None
