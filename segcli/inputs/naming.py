"""From the names on the command line to inputs, each looked at before anything is read of it."""

import os
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from segcli.errors import InputError
from segcli.inputs.folder import files_in, version_of
from segcli.inputs.input import Input, is_address, shown
from segcli.inputs.looking import look_at_one


def inputs(names: Sequence[str]) -> list[Input]:
    """Return the inputs that were named, and those in the folders that were, in their order.

    What was named itself is looked at already; the rest is to be looked at by `look_at`. Raises
    InputError for what is missing, unreadable, given twice, or no NDJSON.
    """
    if "" in names:
        raise InputError(
            "a file name is empty",
            "Is a variable not set? Name a file or a folder, . for this one, or - for stdin.",
        )
    if list(names).count("-") > 1:
        raise InputError("- is given twice", "stdin can be read once.")
    found = [entry for name in names or ["-"] for entry in _named(name)]
    _check_once(found)
    found = [replace(entry, place=place) for place, entry in enumerate(_told_apart(found))]
    for entry in found:
        if entry.can_be_read_again and not entry.found_in:
            look_at_one(entry)
    return found


def _named(name: str) -> Iterator[Input]:
    if name == "-":
        yield _stdin()
    elif is_address(name):
        from segcli.inputs.address import inputs_at  # noqa: PLC0415  # not for files on disk

        yield from inputs_at(name)
    elif Path(name).is_dir():
        yield from files_in(name)
    else:
        yield _file(name)


def _check_once(found: Sequence[Input]) -> None:
    """Raise InputError where two inputs are one file, however they are spelled."""
    files = set()
    for entry in found:
        file = _identity(entry)
        if file in files:
            raise InputError(
                f"{shown(entry.name)} is given twice", "Its events would be sent twice."
            )
        files.add(file)


def _identity(entry: Input) -> object:
    if entry.name == "-" or entry.remote:
        return entry.remote.identity if entry.remote else "-"
    status = os.stat(entry.name)
    return status.st_dev, status.st_ino


def _told_apart(found: Sequence[Input]) -> Iterator[Input]:
    """Number the addresses of the web that differ only in what must not be shown."""
    times: Counter[str] = Counter()
    for entry in found:
        times[entry.name] += 1
        again = times[entry.name]
        yield entry if again == 1 else replace(entry, name=f"{entry.name} ({again})")


def _stdin() -> Input:
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(
            "there is no input", "Name a file, or pipe events in: cat events.jsonl | segcli …"
        )
    status = os.fstat(sys.stdin.fileno())
    return Input("-", status.st_size if stat.S_ISREG(status.st_mode) else None)


def _file(name: str) -> Input:
    path = Path(name)
    if not path.exists():
        raise InputError(f"{shown(name)} does not exist", _nearby(path))
    if not path.is_file():
        return Input(name, None)
    status = path.stat()
    return Input(name, status.st_size, version=version_of(status))


def _nearby(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist either."
    found = sorted(str(other) for other in folder.glob("*json*") if other.is_file())[:5]
    return f"There are: {', '.join(found)}" if found else f"{folder} holds no JSON files."
