"""Find the files below a folder on disk. Each file is one input, however many links lead to it."""

import os
import re
import stat
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from segcli.core.plural import count_of
from segcli.errors import InputError
from segcli.inputs.dated_folder import day_of, moment_of
from segcli.inputs.input import shown_name
from segcli.inputs.input_list import Folder, InputList

# Segment's archive has such a file in `segment-logs`.
_DUMMIES = frozenset({"dummy-object.txt"})
# As `send` names them: `gist.rejects.2.ndjson`, `gist.sandbox.rejects.ndjson`.
_REJECTS = re.compile(r".+\.rejects(?:\.\d+)?\.ndjson", re.DOTALL)
_HINT = "Hidden files and Segment's dummy-object.txt are read only if you name them."
_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def add_files_in(folder: str, found: InputList, before: set[int]) -> None:
    """Add the files below a folder in the order of names; in the order of time if those are dates.

    Each real folder and each real file is added once, however many links and hard links lead to
    it: by the name without a link, or else by the first name in order. Hidden files are left out,
    and rejects files with a note. `before` has the identities of the files added before, and is
    updated. Raises InputError if there is no file, if one was added before, or if something cannot
    be read.
    """
    walk = _Walk(folder, found)
    walk.add_all()
    in_order = found.in_order(walk.first, skip=len(walk.top))
    names = walk.chosen(in_order)
    if not len(names):
        hint = walk.rejects.hint or _HINT
        raise InputError(f"the folder {shown_name(folder)} has no files to read", hint)
    for row in names:
        file = walk.identity(row)
        if file in before:
            raise given_twice(found.input_of(row).name)
    before.update(map(walk.identity, names))
    found.place(names)
    found.notes += walk.rejects.notes(shown_name(folder))


def given_twice(name: str) -> InputError:
    """Return the error for two names on the command line that lead to one file."""
    return InputError(f"{shown_name(name)} is given twice", "Its events would be sent twice.")


def is_passed_over(name: str) -> bool:
    """True if a file or folder of this name is read only if the user names it."""
    return name.startswith(".") or name in _DUMMIES


def is_rejects_file(name: str) -> bool:
    """True if a file of this name is read only if the user names it: it holds rejects.

    Its events are in the folder's other files too, so they would be sent twice.
    """
    return name.endswith(".ndjson") and _REJECTS.fullmatch(name) is not None


@dataclass(slots=True)
class LeftOutRejects:
    """The rejects files that are left out of a folder or an address.

    count: how many there are
    first: the first one by name, as it is shown
    """

    count: int = 0
    first: str = ""

    def add(self, shown: str) -> None:
        """Add a file by its name, as it is shown."""
        self.count += 1
        self.first = min(self.first or shown, shown)

    def notes(self, where: str) -> list[str]:
        """Return what to say of them; nothing if there are none."""
        if not self.count:
            return []
        verb = "is" if self.count == 1 else "are"
        found = f"{where} has {self._files}, which {verb} left out"
        doubt = "Their events may be in the other files too. Name a rejects file to read it."
        return [f"{found}: {self._names}. {doubt}"]

    @property
    def hint(self) -> str:
        """What to say of them where there are no other files; empty if there are none."""
        if not self.count:
            return ""
        return f"It has {self._files}: {self._names}. Name a rejects file to read it."

    @property
    def _files(self) -> str:
        return count_of(self.count, "rejects file")

    @property
    def _names(self) -> str:
        return f"{self.first} and {self.count - 1:,} more" if self.count > 1 else self.first


def identity_of(status: os.stat_result) -> int:
    """Return the identity of a file or folder; one number takes less memory than a pair."""
    return status.st_dev << 64 | status.st_ino


@dataclass(slots=True)
class _Walk:
    """A walk through a folder: first its real folders, then the targets of links.

    folder: the folder as it was named.
    found: the list that the files are added to.
    top: the folder, with a slash at the end.
    first: the row of the first file.
    rejects: the rejects files, which are left out.
    """

    folder: str
    found: InputList
    top: str = ""
    first: int = 0
    rejects: LeftOutRejects = field(default_factory=LeftOutRejects)
    _walked: set[int] = field(default_factory=set)
    # Links to folders that are still to be followed.
    _links: list[str] = field(default_factory=list)
    # By row: the number and the device of each file, and whether a link leads to it.
    _numbers: "array[int]" = field(default_factory=lambda: array("Q"))
    _devices: "array[int]" = field(default_factory=lambda: array("Q"))
    _linked: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.top = f"{self.folder.rstrip('/')}/"
        self.first = self.found.rows

    def add_all(self) -> None:
        """Add a row for each name of each file."""
        self._add_below(self.top, is_linked=False)
        while links := sorted(self._links):
            self._links.clear()
            for link in links:
                self._add_below(f"{link}/", is_linked=True)

    def identity(self, row: int) -> int:
        """Return the identity of the file of a row."""
        return self._devices[row - self.first] << 64 | self._numbers[row - self.first]

    def chosen(self, in_order: "array[int]") -> "array[int]":
        """Return the rows with only the best name of each file."""
        seen: set[int] = set()
        dropped: set[int] = set()
        for is_linked in (0, 1):
            for row in in_order:
                if self._linked[row - self.first] != is_linked:
                    continue
                file = self.identity(row)
                if file in seen:
                    dropped.add(row)
                seen.add(file)
        return array("I", (row for row in in_order if row not in dropped)) if dropped else in_order

    def _add_below(self, top: str, *, is_linked: bool) -> None:
        folders = [top]
        while folders:
            path = folders.pop()
            file = identity_of(_status(path))
            if file not in self._walked:
                self._walked.add(file)
                folders += sorted(self._add_one(path, is_linked=is_linked), reverse=True)

    def _add_one(self, path: str, *, is_linked: bool) -> list[str]:
        """Add the files of one folder; return the real folders in it."""
        below = len(self.top)
        folder = Folder(
            path=path,
            found_in=self.folder,
            day=day_of(path[below - 1 :]),
            moment=moment_of(path, below),
        )
        inner = []
        for entry, status in _entries(path):
            is_link = entry.is_symlink()
            if stat.S_ISREG(status.st_mode) and is_rejects_file(entry.name):
                self.rejects.add(shown_name(entry.path))
            elif stat.S_ISREG(status.st_mode):
                self.found.add_file(folder, entry.name, status.st_size, status.st_mtime_ns)
                self._numbers.append(status.st_ino)
                self._devices.append(status.st_dev)
                self._linked.append(is_linked or is_link)
            elif not stat.S_ISDIR(status.st_mode):
                raise _no_file(entry.path, self.folder, status.st_mode)
            elif is_link:
                self._links.append(entry.path)
            else:
                inner.append(f"{entry.path}/")
        return inner


def _entries(folder: str) -> Iterator[tuple["os.DirEntry[str]", os.stat_result]]:
    """Yield the entries of a folder that are not left out, with the status of their targets."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not is_passed_over(entry.name) and (status := _status_of(entry)):
                    yield entry, status
    except OSError as error:
        raise _unreadable(folder, error) from None


def _status_of(entry: "os.DirEntry[str]") -> os.stat_result | None:
    """Return the status of an entry, links followed; None if it has just been removed."""
    try:
        return os.stat(entry.path)
    except FileNotFoundError:
        if not entry.is_symlink():
            return None
        raise InputError(
            f"{shown_name(entry.path)} is a link to a missing file", "Remove it."
        ) from None
    except OSError as error:
        raise InputError(f"{shown_name(entry.path)} cannot be read: {error.strerror}") from None


def _status(folder: str) -> os.stat_result:
    try:
        return os.stat(folder)
    except OSError as error:
        raise _unreadable(folder, error) from None


def _unreadable(folder: str, error: OSError) -> InputError:
    name = shown_name(folder.rstrip("/") or "/")
    return InputError(f"the folder {name} cannot be read: {error.strerror}")


def _no_file(path: str, folder: str, mode: int) -> InputError:
    kind = next((kind for is_one, kind in _KINDS if is_one(mode)), "something else")
    return InputError(
        f"{shown_name(path)} is {kind}, not a file",
        f"Move it out of {shown_name(folder)}, or name files.",
    )
