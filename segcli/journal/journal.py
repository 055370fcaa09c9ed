"""The journal: remembers on disk what is settled, so that a stopped run can go on.

`segcli.journal.checkpoint` has the format and reads it back.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from segcli.accounting.group_commit import GroupSync
from segcli.accounting.rejects import Rejects
from segcli.core.line import Line, Result
from segcli.errors import OutputError, Stopped
from segcli.inputs.number_column import NumberColumn
from segcli.journal.checkpoint import (
    Checkpoint,
    encode,
    input_name,
    mark_fields,
    path_name,
    synced_record,
)
from segcli.journal.columns import End, NameIndex
from segcli.journal.line_set import ranges
from segcli.journal.locked_file import is_still_there, remove, replaced, take_room, write_at
from segcli.journal.pending import PendingLines, open_lines
from segcli.lines.chunks import Input
from segcli.lines.fingerprint import Mark

# What a settled line takes at most in the journal, as a record of its own.
_BYTES_A_LINE = 128
_RESERVED_AT_ONCE = 256 * 1024
_GROWS_BY = 16 * 1024 * 1024


class Journal:
    """An append-only file of records, locked by one process, with room reserved ahead.

    What is sent has been promised room first, so a full disk stops the run before it sends what
    it could not account for. Zeros behind the last record are such room. `past` is what the
    file says at any moment; when it has grown long it is written anew, in few lines. `inputs`
    are those that the run has to read, in their places.
    """

    def __init__(self, path: Path, past: Checkpoint, inputs: Sequence[Input] = ()) -> None:
        """Begin a file of its own with what the past says.

        Raises OutputError where it cannot be written.
        """
        self.path = path
        self.past = past
        self.inputs = inputs
        self._indexes = _by_place(inputs)
        self._last_file: tuple[int, tuple[str, str]] = (-1, ("", ""))
        self._promised = 0
        self._has_failed = False
        # How much room was promised for the mark of a place that is to stand in the next record.
        self._put_off: dict[int, int] = {}
        try:
            self._begin()
        except OSError as error:
            raise OutputError(
                f"the journal {path} cannot be written: {error.strerror}",
                "Name another place for it: --journal PATH",
            ) from None

    def _begin(self) -> None:
        self._file, self._end = replaced(self.path, _all_lines(self.past), self._promised)
        self._sync = GroupSync(self._file)
        self._begun = self._end
        self._room = self._end + self._promised
        self._long = self._end + _GROWS_BY

    @property
    def earlier_answers(self) -> int:
        """How many events earlier runs have had answers for."""
        return self.past.totals["delivered"] + self.past.totals["refused"]

    def begin(self, rejects: Rejects, inputs: Sequence[Input]) -> None:
        """Find out which lines a killed run has kept without getting to say so here."""
        titles: NameIndex | None = None

        def is_open(file: str, line: int) -> bool:
            nonlocal titles
            titles = titles or NameIndex(len(inputs), lambda index: inputs[index].title)
            index = titles.find(file)
            return index is None or not self.past.is_settled(inputs[index].place, line)

        rejects.skip_already_written(self.rejects_since(rejects.path), is_open)

    def readings(self, inputs: Sequence[Input], max_line: int) -> Iterator[PendingLines]:
        """Yield the lines that are not settled, of inputs that are what they were."""
        return open_lines(inputs, max_line, self.past)

    def promise(self, lines: int) -> None:
        """Reserve room for so many lines; raises Stopped where there is none."""
        self._promise(lines * _BYTES_A_LINE)

    @property
    def minds_leaving(self) -> bool:
        """What is sent and never answered is sent again: nothing has to be remembered."""
        return False

    async def leaving(self, lines: Sequence[Line]) -> None:
        """Nothing has to be remembered."""

    def settle(self, settled: Result) -> None:
        """Append what was settled, of lines that were promised room; raises Stopped.

        It survives this process when this returns, and the machine once `synced` has.
        """
        places: dict[int, list[int]] = {}
        for line in settled.lines:
            places.setdefault(line.place, []).append(line.number)
        lines = [(place, *found) for place, numbers in places.items() for found in ranges(numbers)]
        self._append({"state": settled.state, "lines": lines, **self._news_of_disk()})
        self._promised -= len(settled.lines) * _BYTES_A_LINE

    def mark(self, place: int, mark: Mark) -> None:
        """Note how far an input has been read: no line up to there is settled without it.

        It stands in the same record as what is settled next: to write each on its own took as
        long as all else that is written. A run that reads again what an earlier one has read
        does not take its mark back.
        """
        known = self.past.marks.get(place)
        if known and (known.to, known.is_open) >= (mark.to, mark.is_open):
            return
        record: dict[str, Any] = {"marks": [mark_fields(place, mark)]}
        if news := self._news_of(place):
            self._note(record | news)
            return
        size = len(encode(record))
        self._promise(size - self._put_off.get(place, 0))
        self._put_off[place] = size
        self.past.apply(record)

    def ended(self, place: int, lines: int) -> None:
        """Append how many lines an input has, so that it is not read again once they are settled.

        Raises Stopped where there is no room.
        """
        _, version = self._known_as(place)
        if version and self.past.files.end(place) != End(lines, version):
            self._note({"ends": [(place, lines, version)], **self._news_of(place)})

    def rejects_since(self, path: Path) -> int:
        """Return how large the rejects file was before these runs wrote to it.

        That is on disk when this returns: nothing is kept that a later run would not know of.
        """
        name = path_name(path)
        if name not in self.past.rejects:
            size = path.stat().st_size if path.exists() else 0
            self._append({"rejects": {name: size}}, on_disk=True)
        return self.past.rejects[name]

    @property
    def needs_sync(self) -> bool:
        """Results are durable only after `synced`."""
        return True

    def is_synced_at_once(self) -> bool:
        """Put everything appended so far on disk if that takes no time; raises Stopped."""
        try:
            return self._sync.is_synced_at_once()
        except OSError as error:
            raise self._failed(error) from None

    async def synced(self) -> None:
        """Return when everything appended so far is on disk; raises Stopped where it cannot be."""
        try:
            await self._sync.synced()
        except OSError as error:
            raise self._failed(error) from None

    def end(self, *, finished: bool) -> None:
        """Leave the journal for `--resume`, or remove it where there is nothing to resume."""
        if finished or not self.past.is_worth_resuming:
            self.remove()
        else:
            self.close()

    def close(self) -> None:
        """Leave the journal for a later run, which can tell that nothing of it may be missing."""
        if not self._has_failed:
            with suppress(OSError):
                self._sign_off()
        os.close(self._file)

    def remove(self) -> None:
        """Remove the journal: there is nothing left to go on with."""
        remove(self.path, self._file)
        os.close(self._file)

    def _sign_off(self) -> None:
        os.fsync(self._file)
        write_at(self._file, encode(synced_record(self._end)), self._end)
        os.fsync(self._file)

    def _news_of_disk(self) -> dict[str, Any]:
        """Return how much of the file is on disk; nothing once it cannot be known.

        It stands in every record, so that each tells which zeros before it are damage.
        """
        if self._has_failed:
            # After an error that may be less than the system says.
            return {}
        return synced_record(self._begun + self._sync.on_disk)

    def _news_of(self, place: int) -> dict[str, Any]:
        """Return which file and version an input is, unless that stands here already."""
        file = self._known_as(place)
        is_news = bool(file[0]) and self.past.files.get(place) != file
        return {"files": [(place, *file)]} if is_news else {}

    def _known_as(self, place: int) -> tuple[str, str]:
        """Return name and version of an input, both empty where there is none at that place.

        The last one is remembered: its full path takes longer to find than a block to be read.
        """
        if self._last_file[0] != place:
            index = self._indexes[place]
            entry = self.inputs[index] if index >= 0 else None
            self._last_file = place, (input_name(entry), entry.version) if entry else ("", "")
        return self._last_file[1]

    def _note(self, record: Mapping[str, Any]) -> None:
        """Append what no room was promised for."""
        size = len(encode(record))
        self._promise(size)
        self._append(record)
        self._promised -= size

    def _promise(self, size: int) -> None:
        self._promised += size
        missing = self._end + self._promised - self._room
        if missing > 0:
            self._reserve(missing + _RESERVED_AT_ONCE)

    def _append(self, record: Mapping[str, Any], *, on_disk: bool = False) -> None:
        line = encode(self._with_marks(record))
        try:
            write_at(self._file, line, self._end)
            self._end += len(line)
            self._room = max(self._room, self._end)
            self.past.apply(record)
            self._promised -= sum(self._put_off.values())
            self._put_off.clear()
            self._sync.wrote(len(line))
            if on_disk:
                os.fsync(self._file)
            if self._end > self._long:
                self._shorten()
        except OSError as error:
            raise self._failed(error) from None

    def _with_marks(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a record with the marks that are to stand in it."""
        if not self._put_off:
            return record
        marks = [mark_fields(place, self.past.marks[place]) for place in self._put_off]
        return {**record, "marks": [*marks, *record.get("marks", ())]}

    def _shorten(self) -> None:
        """Write anew what the past says.

        The long file will do where there is no room for both, or where another has its name.
        """
        old, sync = self._file, self._sync
        if self.path.exists() and not is_still_there(self.path, old):
            self._long = self._end + _GROWS_BY
            return
        try:
            self._begin()
        except OSError:
            if not is_still_there(self.path, old):
                raise
            self._long = self._end + _GROWS_BY
            return
        sync.supersede(lambda: os.close(old))

    def _reserve(self, size: int) -> None:
        try:
            take_room(self._file, self._room, size)
        except OSError as error:
            raise self._failed(error) from None
        self._room += size

    def _failed(self, error: OSError) -> Stopped:
        self._has_failed = True
        return Stopped(
            f"the journal {self.path} cannot be written: {error.strerror}",
            "Nothing more was sent. Make room, then go on.",
        )


def _all_lines(past: Checkpoint) -> Iterator[bytes]:
    """Yield a whole journal, a line at a time; the last says that all before it are on disk."""
    size = 0
    for record in past.records():
        line = encode(record)
        size += len(line)
        yield line
    yield encode(synced_record(size))


def _by_place(inputs: Sequence[Input]) -> NumberColumn:
    """Return the index of each input by its place; -1 where there is none."""
    indexes = NumberColumn()
    for index, entry in enumerate(inputs):
        indexes[entry.place] = index
    return indexes
