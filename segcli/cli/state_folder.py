"""The user's folder for segcli's state: journals of unfinished runs, and the state of Engage."""

import os
import sys
from pathlib import Path

import click

from segcli.core.visible_text import shell_quoted
from segcli.errors import UsageError


def state_folder() -> Path:
    """Return the folder: in `$XDG_STATE_HOME`, else where the platform keeps state.

    A relative `$XDG_STATE_HOME` is ignored, as its specification demands.
    """
    home = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(home):
        return Path(home) / "segcli"
    if sys.platform == "darwin":
        return old_state_folder()
    return Path("~/.local/state/segcli").expanduser()


def old_state_folder() -> Path:
    """Return the folder where segcli kept its state before: that of settings."""
    return Path(click.get_app_dir("segcli"))


def check_moved(path: Path) -> None:
    """Raise UsageError if a file of the state is still at the old place, and not at this one.

    Without it, everything would be sent again.
    """
    old = old_state_folder() / path.name
    if os.path.exists(old) and not os.path.exists(path):
        raise UsageError(
            f"{old} is at the place where segcli kept its state before",
            f"To move it, type:\n  {moving(path.name)}",
        )


def moving(*names: str) -> str:
    """Return the command that moves files from the old place, with those of SQLite beside them."""
    new, old = str(state_folder()), old_state_folder()
    files = [str(path) for name in names for path in sorted(old.glob(f"{name}*"))]
    words = " ".join(map(shell_quoted, [*files, new]))
    return f"mkdir -p -m 700 {shell_quoted(new)} && mv {words}"
