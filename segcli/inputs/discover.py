"""Find the inputs by the names on the command line. Nothing is read yet."""

import difflib
import os
import stat
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from segcli.errors import InputError
from segcli.inputs.folder import add_files_in, given_twice, identity_of
from segcli.inputs.input import is_address, shown_name
from segcli.inputs.input_list import Folder, InputList

# How many files an error names at most.
_MOST_NAMES = 5


def inputs(names: Sequence[str]) -> InputList:
    """Return the inputs of these names, in order: files, and the files in folders and stores.

    They still have to be checked by `look`. The notes of the list say where their order is
    doubtful. Raises InputError for an input that is missing or given twice, and for a folder that
    cannot be read or has no files.
    """
    if "" in names:
        raise InputError(
            "a file name is empty",
            "Is a variable not set? Name a file or a folder, . for this one, or - for stdin.",
        )
    if list(names).count("-") > 1:
        raise InputError("- is given twice", "stdin can be read once.")
    found = _Named()
    for name in names or ["-"]:
        found.add(name)
    _number_equal_titles(found.inputs)
    return found.inputs


class _Named:
    """The inputs of the names so far, with their identities."""

    def __init__(self) -> None:
        self.inputs = InputList()
        self._files: set[int] = set()
        self._objects: set[int] = set()

    def add(self, name: str) -> None:
        """Add the inputs of a name. Raises InputError if one was added before."""
        if name == "-":
            self._add(name, _stdin_size(), None)
        elif is_address(name):
            from segcli.inputs.address import add_inputs_at  # noqa: PLC0415  # not for files on disk

            add_inputs_at(name, self.inputs, self._objects)
        elif os.path.isdir(name):
            add_files_in(name, self.inputs, self._files)
        else:
            self._add_file(name)

    def _add_file(self, name: str) -> None:
        path = Path(name)
        if not os.path.exists(path):
            raise InputError(f"{shown_name(name)} does not exist", _nearby(path))
        status = path.stat()
        file = identity_of(status)
        if file in self._files:
            raise given_twice(name)
        self._files.add(file)
        self._add(name, status.st_size if stat.S_ISREG(status.st_mode) else None, status)

    def _add(self, name: str, size: int | None, status: os.stat_result | None) -> None:
        folder, slash, last = name.rpartition("/")
        changed = status.st_mtime_ns if status else None
        self.inputs.place([self.inputs.add_file(Folder(path=folder + slash), last, size, changed)])


def _number_equal_titles(found: InputList) -> None:
    """Number the named addresses that differ only in parts that must not be shown."""
    counts: Counter[str] = Counter()
    for place, entry in enumerate(found):
        if entry.found_in or not entry.remote:
            continue
        counts[entry.name] += 1
        if (number := counts[entry.name]) > 1:
            found.retitle(place, f"{entry.name} ({number})")


def _stdin_size() -> int | None:
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(
            "there is no input", "Name a file, or pipe events in: cat events.jsonl | segcli …"
        )
    status = os.fstat(sys.stdin.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _nearby(path: Path) -> str:
    folder = path.parent
    if not os.path.isdir(folder):
        return f"The folder {folder} does not exist either."
    names = sorted(other.name for other in folder.iterdir() if os.path.isfile(other))
    close = difflib.get_close_matches(path.name, names, _MOST_NAMES)
    found = dict.fromkeys([*close, *(name for name in names if "json" in name)])
    if not found:
        where = "The working folder" if str(folder) == "." else f"The folder {folder}"
        return f"{where} has no such file, and none with events."
    return f"There are: {', '.join(str(folder / name) for name in islice(found, _MOST_NAMES))}"
