"""From the names on the command line to inputs, each looked at before anything is read of it."""

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from segcli.errors import InputError
from segcli.inputs.input import Input
from segcli.inputs.opening import opened


def inputs(names: Sequence[str]) -> list[Input]:
    """Look at every input before anything is read of it.

    Raises InputError for what is missing, a folder, unreadable, given twice, or no NDJSON.
    """
    names = names or ["-"]
    _check_once(names)
    return [
        _stdin(place) if name == "-" else _file(name, place) for place, name in enumerate(names)
    ]


def _check_once(names: Sequence[str]) -> None:
    """Raise InputError where two names are one file, however they are spelled."""
    places = set()
    for name in names:
        place = name if name == "-" else os.path.realpath(name)
        if place in places:
            raise InputError(f"{name} is given twice", "Its events would be sent twice.")
        places.add(place)


def _stdin(place: int) -> Input:
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(
            "there is no input", "Name a file, or pipe events in: cat events.jsonl | segcli …"
        )
    status = os.fstat(sys.stdin.fileno())
    return Input("-", status.st_size if stat.S_ISREG(status.st_mode) else None, place)


def _file(name: str, place: int) -> Input:
    path = Path(name)
    if path.is_dir():
        raise InputError(f"{name} is a folder", f"Name its files: {name.rstrip('/')}/*.jsonl")
    if not path.exists():
        raise InputError(f"{name} does not exist", _nearby(path))
    entry = Input(name, path.stat().st_size if path.is_file() else None, place)
    if path.is_file():
        with opened(entry):
            pass
    return entry


def _nearby(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist either."
    found = sorted(str(other) for other in folder.glob("*json*") if other.is_file())[:5]
    return f"There are: {', '.join(found)}" if found else f"{folder} holds no JSON files."
