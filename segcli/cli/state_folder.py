"""The user's folder for segcli's state: journals of unfinished runs, and the state of Engage."""

import os
import sys
from pathlib import Path

import click


def state_folder() -> Path:
    """Return the folder: in `$XDG_STATE_HOME`, else where the platform keeps state.

    A relative `$XDG_STATE_HOME` is ignored, as its specification demands.
    """
    home = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(home):
        return Path(home) / "segcli"
    if sys.platform == "darwin":
        return Path(click.get_app_dir("segcli"))
    return Path("~/.local/state/segcli").expanduser()
