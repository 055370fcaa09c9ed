"""A folder on disk: the files below it, each an input."""

import os
from collections.abc import Iterator
from pathlib import Path

from segcli.errors import InputError
from segcli.inputs.archive import day_of, in_order
from segcli.inputs.input import Input, shown

# Segment's archive has one in `segment-logs`.
_DUMMIES = frozenset({"dummy-object.txt"})
_HINT = "Hidden files, and Segment's dummy-object.txt, are left out where nobody names them."


def files_in(folder: str) -> list[Input]:
    """Return the files below a folder, in the order of names; Segment's archive in that of time.

    Hidden files are left out. Raises InputError where there is none, or a folder cannot be read.
    """
    top = folder.rstrip("/") or "/"
    found = in_order(_inputs(top, folder))
    if not found:
        raise InputError(f"the folder {shown(folder)} holds no files to read", _HINT)
    return found


def is_passed_over(name: str) -> bool:
    """Tell whether a file or folder of this name is left out where nobody has named it."""
    return name.startswith(".") or name in _DUMMIES


def version_of(status: os.stat_result) -> str:
    """Return what differs once a file on disk was written to."""
    return f"{status.st_size}-{status.st_mtime_ns}"


def _inputs(top: str, folder: str) -> Iterator[Input]:
    for path, status in _walk(top, frozenset()):
        yield Input(
            path,
            status.st_size,
            found_in=folder,
            day=day_of(path[len(top) :]),
            version=version_of(status),
        )


def _walk(folder: str, above: frozenset[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every file below a folder; a link that leads back up is not followed."""
    place = os.path.realpath(folder)
    if place in above:
        return
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not is_passed_over(entry.name)]
    except OSError as error:
        raise InputError(f"the folder {shown(folder)} cannot be read: {error.strerror}") from None
    for entry in visible:
        if entry.is_dir():
            yield from _walk(entry.path, above | {place})
        elif entry.is_file():
            yield entry.path, _status_of(entry)
        elif entry.is_symlink() and not Path(entry.path).exists():
            raise InputError(f"{shown(entry.path)} is a link that leads nowhere", "Remove it.")


def _status_of(entry: "os.DirEntry[str]") -> os.stat_result:
    try:
        return entry.stat()
    except OSError as error:
        raise InputError(f"{shown(entry.path)} cannot be read: {error.strerror}") from None
