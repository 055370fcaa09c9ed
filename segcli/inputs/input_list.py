"""Lists of inputs in little memory: a folder may have a hundred thousand files."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

from segcli.core.plural import count_of
from segcli.core.secret import display_address
from segcli.inputs.compact_columns import NumberColumn, TextColumn
from segcli.inputs.dated_folder import UNREADABLE, is_unordered
from segcli.inputs.input import Input, shown_name

if TYPE_CHECKING:
    from segcli.inputs.object_store import Object

_UNKNOWN = -1
_ROW = 4
_MOMENT = 8
# Is added to every moment to make it positive: a date may be before 1970.
_BEFORE = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The data that the inputs in one folder share, on disk or in a store.

    path: the start of their names, with a slash at the end.
    found_in: the folder or address that was named, if the inputs were not named themselves.
    day: the day of a folder of Segment's archive, in unix seconds.
    moment: the time in the names of the folder and its parents, in unix seconds; files are read in
      this order. None if no name is a date; `UNREADABLE` if one only looks like a date.
    store: the store; None for a folder on disk.
    shown_before: the text before the path in messages, for a store.
    """

    path: str
    found_in: str = ""
    day: int | None = None
    moment: int | None = None
    store: Any = None
    shown_before: str = ""


class InputList(Sequence[Input]):
    """A sequence of inputs. Each needs about 30 bytes and its name; `Input`s are made on access.

    The place of an input is its index.
    """

    def __init__(self) -> None:
        self._folders: list[Folder] = []
        self._numbers: dict[Folder, int] = {}
        self._folder_of = NumberColumn()
        # The name; for an object in a store, the name, a zero byte and the version.
        self._names = TextColumn()
        self._sizes = NumberColumn()
        # The time of a file's last change, in nanoseconds; for an object, whether it has ranges.
        self._stamps = NumberColumn(is_large=True)
        self._order = array("I")
        self._renamed: dict[int, str] = {}
        # Where the order of the inputs is doubtful.
        self.notes: list[str] = []

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Input: ...
    @overload
    def __getitem__(self, index: slice) -> list[Input]: ...
    def __getitem__(self, index: int | slice) -> Input | list[Input]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return self._input(self._order[place], place)

    def add_file(self, folder: Folder, name: str, size: int | None, changed: int | None) -> int:
        """Add a file, a pipe or stdin; return its row. It is an input once `place` gets the row.

        `changed` is the time of its last change, in nanoseconds.
        """
        return self._add(folder, name, size, _UNKNOWN if changed is None else changed)

    def add_object(self, folder: Folder, found: "Object") -> int:
        """Add an object of a store; like `add_file`."""
        name = found.path.removeprefix(folder.path)
        return self._add(folder, f"{name}\0{found.version}", found.size, int(found.in_ranges))

    def place(self, rows: Iterable[int]) -> None:
        """Add rows to the inputs, in this order."""
        self._order.extend(rows)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self._sizes)

    def input_of(self, row: int) -> Input:
        """Return the input of a row that has no place yet."""
        return self._input(row, _UNKNOWN)

    def in_order(self, first: int, skip: int) -> "array[int]":
        """Return the rows from `first` in the order of their names.

        Files in folders named by time are ordered by that time and by file first, so that a user's
        events stay in order across several sources. If the order is doubtful, a note is added. The
        first `skip` characters of all paths are equal.
        """
        rows = range(first, len(self._sizes))
        self._skip = skip
        self._is_by_time = self._can_be_by_time(rows)
        ranks = self._ranks()
        keys = [self._key(row, ranks) for row in rows]
        keys.sort()
        return array("I", (int.from_bytes(key[-_ROW:], "big") for key in keys))

    def retitle(self, place: int, name: str) -> None:
        """Give an input another name for messages."""
        self._renamed[place] = name

    def _add(self, folder: Folder, name: str, size: int | None, stamp: int) -> int:
        number = self._numbers.setdefault(folder, len(self._folders))
        if number == len(self._folders):
            self._folders.append(folder)
        self._folder_of.append(number)
        self._names.append(name)
        self._sizes.append(_UNKNOWN if size is None else size)
        self._stamps.append(stamp)
        return len(self._sizes) - 1

    def _ranks(self) -> dict[int, int]:
        """Return the rank of each folder in the order of their paths."""
        in_order = sorted(range(len(self._folders)), key=lambda number: self._folders[number].path)
        return {number: rank for rank, number in enumerate(in_order)}

    def _can_be_by_time(self, rows: range) -> bool:
        """True if the names of the folders give the order of time. Add a note if some do not."""
        moments = {number: self._folders[number].moment for number in self._folder_of_rows(rows)}
        found_in = self._folders[next(iter(moments))].found_in if moments else ""
        bad = [number for number, moment in moments.items() if moment == UNREADABLE]
        if bad:
            self.notes.append(
                f"{shown_name(found_in)} is read in the order of names, not of time: "
                f"{_shown(self._folders[bad[0]])} looks like a date, but is not one as MM-DD-YYYY "
                "or YYYY/MM/DD. Events of one user may be sent in the wrong order."
            )
            return False
        self._note_unordered(rows, {number for number, moment in moments.items() if moment is None})
        undated = sum(moments[self._folder_of[row]] is None for row in rows)
        if 0 < undated < len(rows):
            files = count_of(undated, "file")
            verb = "It is" if undated == 1 else "They are"
            self.notes.append(
                f"{shown_name(found_in)} has {files} outside of its folders named by time. {verb} "
                "read first, so events of one user may be sent in the wrong order."
            )
        return True

    def _note_unordered(self, rows: range, folders: set[int]) -> None:
        """Add a note if the names of some files, which are read in their order, have other dates.

        `folders` are the numbers of those without a moment; only files in them are judged.
        """
        dated = {each for each in folders if is_unordered(self._folders[each].path[self._skip :])}
        found = (
            row
            for row in rows
            if (number := self._folder_of[row]) in dated
            or (number in folders and is_unordered(self._names[row].partition("\0")[0]))
        )
        if len(doubtful := array("I", found)) > 1:
            # Systems list a folder in any order, so name the first file by its name.
            entry = min(map(self.input_of, doubtful), key=lambda one: one.title)
            self.notes.append(
                f"{shown_name(entry.found_in)} is read in the order of names, not of time: "
                f"{entry.title} has a date that is not written as 2026-02-01, or is not the whole "
                "name of a folder. Events of one user may be sent in the wrong order."
            )

    def _folder_of_rows(self, rows: range) -> Iterator[int]:
        return iter(dict.fromkeys(self._folder_of[row] for row in rows))

    def _key(self, row: int, ranks: dict[int, int]) -> bytes:
        """Return the sort key of a row, which ends with the row: one short value needs little."""
        number = self._folder_of[row]
        folder, name = self._folders[number], self._names.encoded(row)
        if folder.store is not None:
            name = name.rpartition(b"\0")[0]
        if folder.moment is None or not self._is_by_time:
            path = folder.path[self._skip :].encode(errors="surrogatepass") + name
            return b"%b%b\0%b" % (bytes(_MOMENT), path, row.to_bytes(_ROW, "big"))
        moment = (folder.moment + _BEFORE).to_bytes(_MOMENT, "big")
        rank = ranks[number].to_bytes(_ROW, "big")
        return b"%b%b\0%b%b" % (moment, name, rank, row.to_bytes(_ROW, "big"))

    def _input(self, row: int, place: int) -> Input:
        folder = self._folders[self._folder_of[row]]
        told = self._sizes[row]
        size = None if told == _UNKNOWN else told
        if folder.store is not None:
            return self._remote(row, place, size)
        name, changed = folder.path + self._names[row], self._stamps[row]
        version = "" if size is None or changed == _UNKNOWN else local_version(size, changed)
        return Input(name, size, place, folder.found_in, folder.day, version)

    def _remote(self, row: int, place: int, size: int | None) -> Input:
        from segcli.inputs.object_store import Object  # noqa: PLC0415  # not needed for files on disk

        folder = self._folders[self._folder_of[row]]
        name, _, version = self._names[row].rpartition("\0")
        found = Object(
            store=folder.store,
            path=folder.path + name,
            size=size,
            version=version,
            in_ranges=bool(self._stamps[row]),
        )
        title = self._renamed.get(place) or display_address(folder.shown_before + found.path)
        return Input(title, size, place, folder.found_in, folder.day, version, found)


class Picked(Sequence[Input]):
    """A selection of other inputs, in order; each may get another place."""

    def __init__(
        self, found: Sequence[Input], indexes: "array[int]", places: "array[int] | None" = None
    ) -> None:
        self._found = found
        self._indexes = indexes
        self._places = places

    def __len__(self) -> int:
        return len(self._indexes)

    @overload
    def __getitem__(self, index: int) -> Input: ...
    @overload
    def __getitem__(self, index: slice) -> list[Input]: ...
    def __getitem__(self, index: int | slice) -> Input | list[Input]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        entry = self._found[self._indexes[index]]
        return replace(entry, place=self._places[index]) if self._places else entry

    def __iter__(self) -> Iterator[Input]:
        for index in range(len(self)):
            yield self[index]


class Titles(Sequence[str]):
    """The titles of inputs, made on access. Two are equal if all their titles are."""

    __hash__ = None  # type: ignore[assignment]  # a value that is compared, as a list is

    def __init__(self, found: Sequence[Input]) -> None:
        self._found = found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Titles) and list(self) == list(other)

    def __len__(self) -> int:
        return len(self._found)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [entry.title for entry in self._found[index]]
        return self._found[index].title


def picked(found: Sequence[Input], indexes: Iterable[int]) -> Sequence[Input]:
    """Return the inputs with these indexes."""
    return Picked(found, array("I", indexes))


def local_version(size: int, changed: int) -> str:
    """Return the version of a file on disk; it changes when the file is written to."""
    return f"{size}-{changed}"


def _shown(folder: Folder) -> str:
    """Return the path of a folder in the form that may be shown."""
    path = folder.path.rstrip("/")
    return shown_name(path) if folder.store is None else display_address(folder.shown_before + path)
