"""The journal of a run: records on disk which lines are settled, so that the run can resume.

`segcli.journal.checkpoint` defines the format and reads a journal.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from segcli.accounting.group_commit import GATHER_SECONDS, GroupSync
from segcli.accounting.held_rejects import HeldRejects
from segcli.accounting.rejects import Rejects, RejectStore, size_of
from segcli.core.line import Line, Result
from segcli.errors import Stopped, unwritable_at_start
from segcli.journal.checkpoint import (
    Checkpoint,
    encode,
    mark_fields,
    path_name,
    synced_record,
)
from segcli.journal.columns import End
from segcli.journal.event_parts import SettledAction
from segcli.journal.locked_file import is_still_there, remove, replaced, reserve_space, write_at
from segcli.journal.pending import PendingLines, open_lines
from segcli.journal.run_records import RunRecords, failure_rows, open_lines_by_title
from segcli.lines.chunks import Input
from segcli.lines.fingerprint import Mark

# The most a settled line needs in the journal, as a record of its own.
_BYTES_PER_LINE = 128
_RESERVE_STEP = 256 * 1024
# The journal is compacted after it has grown by this much.
_MAX_GROWTH = 16 * 1024 * 1024


class Journal:
    """An append-only file of records, locked by one process, with space reserved ahead.

    Space for the result of a line is reserved before the line is sent. So a full disk stops the run
    before it sends a line whose result it could not record. The reserved space is zeros after the
    last record. A journal that has grown long is compacted: it is replaced by a short one.

    path: the file.
    past: the content of the file, always up to date.
    inputs: the inputs that the run has to read, with their places in the journal.
    """

    def __init__(self, path: Path, past: Checkpoint, inputs: Sequence[Input] = ()) -> None:
        """Write a new file with the content of `past`. Raises UsageError and OutputError."""
        self.path = path
        self.past = past
        self.inputs = inputs
        self._records = RunRecords(past, inputs)
        self._promised = 0
        self._has_failed = False
        self._held: HeldRejects | None = None
        # Marks that the next record will contain: the bytes reserved for each, by place.
        self._pending_marks: dict[int, int] = {}
        try:
            self._begin()
        except OSError as error:
            raise unwritable_at_start(
                f"the journal {path} cannot be written: {error.strerror}",
                "Name another file: --journal PATH",
                error,
            ) from None

    def _begin(self) -> None:
        self._file, self._end = replaced(self.path, _all_lines(self.past), self._promised)
        self._sync = GroupSync(self._file)
        self._begun = self._end
        self._room = self._end + self._promised
        self._compact_at = self._end + _MAX_GROWTH

    @property
    def earlier_answers(self) -> int:
        """The number of events that the vendor answered in earlier runs."""
        return self.past.answered

    @property
    def is_taken_over(self) -> bool:
        """False: the file is locked, so no other process can continue the run."""
        return False

    @property
    def seconds_to_wait(self) -> float:
        """0: an earlier run has ended, or this one would not have got the lock."""
        return 0.0

    def begin(self, rejects: RejectStore, inputs: Sequence[Input]) -> None:
        """Move the rejects in this journal to the store of this run: to memory, or to the file.

        Also find the records that a killed run wrote to the rejects file but not to the journal, so
        that they are not written twice.
        """
        if isinstance(rejects, HeldRejects):
            self._held = rejects
            rejects.restore(self.past.kept)
        elif isinstance(rejects, Rejects):
            self._begin_file(rejects, inputs)

    def _begin_file(self, rejects: Rejects, inputs: Sequence[Input]) -> None:
        is_open = open_lines_by_title(self.past, inputs)
        since = self.rejects_since(rejects.path)
        rejects.skip_already_written(since, is_open)
        if self.past.kept:
            rejects.restore(self.past.kept, since)
            self._append_unreserved({"kept_elsewhere": True})

    def pending_lines(self, inputs: Sequence[Input], max_line: int) -> Iterator[PendingLines]:
        """Yield the lines that are not settled, after verifying that the inputs are unchanged."""
        return open_lines(inputs, max_line, self.past)

    def promise(self, lines: int) -> None:
        """Reserve space for the results of this many lines. Raises Stopped if the disk is full."""
        self._promise(lines * _BYTES_PER_LINE)

    @property
    def needs_before_send(self) -> bool:
        """False: a line that was sent but not answered is sent again, so nothing is saved."""
        return False

    async def before_send(self, lines: Sequence[Line]) -> None:
        """Nothing is saved."""

    @property
    def gather_seconds(self) -> float:
        """As long as a sync in another thread delays requests."""
        return GATHER_SECONDS

    def settle(self, settled: Result) -> None:
        """Append the result of lines that have reserved space. Raises Stopped.

        The record survives a kill once this returns, and a loss of power once `synced` returns.
        """
        for action in self._records.new_actions(settled):
            self._append_unreserved(action)
        lines = self._records.rows_of(settled)
        record = {"state": settled.state, "lines": lines, **self._synced_size()}
        if settled.is_answered:
            record["answered_in_part"] = len(settled.lines)
        if self._held and (new := self._held.unsaved()):
            self._append_unreserved(record | {"kept": new})
        else:
            self._append(record)
        self._promised -= len(settled.lines) * _BYTES_PER_LINE

    def settle_actions(self, settled: Result) -> None:
        """Append the result of an action of each line, which has reserved space. Raises Stopped.

        The line itself is settled by `settle`, once all of its actions are.
        """
        for action in self._records.new_actions(settled):
            self._append_unreserved(action)
        rows = self._records.rows_of(settled)
        record = {"state": settled.state, "parts": rows, **self._synced_size()}
        if failures := failure_rows(settled):
            self._append_unreserved(record | {"failures": failures})
        else:
            self._append(record)
        self._promised -= len(settled.lines) * _BYTES_PER_LINE

    def settled_actions(self, line: Line) -> Sequence[SettledAction]:
        """Return the actions of a line that earlier runs have settled."""
        return self.past.parts.of((line.place, line.number), self.past.actions)

    def mark(self, place: int, mark: Mark) -> None:
        """Record how far an input has been read. No line up to there is settled without the mark.

        The next record contains the mark: a record for each mark doubled the time spent writing.
        A mark never moves back, also when a run reads again what an earlier run has read.
        """
        known = self.past.marks.get(place)
        if known and (known.to, known.is_open) >= (mark.to, mark.is_open):
            return
        record: dict[str, Any] = {"marks": [mark_fields(place, mark)]}
        if name := self._records.new_name(place):
            self._append_unreserved(record | name)
            return
        size = len(encode(record))
        self._promise(size - self._pending_marks.get(place, 0))
        self._pending_marks[place] = size
        self.past.apply(record)

    def ended(self, place: int, lines: int) -> None:
        """Append the number of lines of an input that was read to its end. Raises Stopped.

        Once all of them are settled, no run reads the input again.
        """
        _, version = self._records.name_and_version(place)
        if version and self.past.files.end(place) != End(lines, version):
            self._append_unreserved(
                {"ends": [(place, lines, version)], **self._records.new_name(place)}
            )

    def rejects_since(self, path: Path) -> int:
        """Return the size of the rejects file before these runs wrote to it, in bytes.

        The size is on disk when this returns. So a later run knows which part of the file to check.
        """
        if (known := self.rejects_before(path)) is not None:
            return known
        size = size_of(path)
        self._append({"rejects": {path_name(path): size}}, on_disk=True)
        return size

    def rejects_before(self, path: Path) -> int | None:
        """Return the size that this journal has for the rejects file; None if it has none yet."""
        return self.past.rejects.get(path_name(path))

    @property
    def needs_sync(self) -> bool:
        """Results are durable only after `synced`."""
        return True

    def try_sync(self) -> bool:
        """Put all appended records on disk if that is quick, else return False. Raises Stopped."""
        try:
            return self._sync.try_sync()
        except OSError as error:
            raise self._failed(error) from None

    async def synced(self) -> None:
        """Return when all appended records are on disk. Raises Stopped if that fails."""
        try:
            await self._sync.synced()
        except OSError as error:
            raise self._failed(error) from None

    def end(self, *, finished: bool) -> None:
        """Keep the journal for `--resume`, or remove it if there is nothing to resume."""
        if finished or not self.past.is_worth_resuming:
            self.remove()
        else:
            self.close()

    def close(self) -> None:
        """Keep the journal for a later run, and record that all of it is on disk."""
        if not self._has_failed:
            with suppress(OSError):
                self._sync_to_end()
        os.close(self._file)

    def remove(self) -> None:
        """Remove the journal: there is nothing to resume."""
        remove(self.path, self._file)
        os.close(self._file)

    def _sync_to_end(self) -> None:
        os.fsync(self._file)
        write_at(self._file, encode(synced_record(self._end)), self._end)
        os.fsync(self._file)

    def _synced_size(self) -> dict[str, Any]:
        """Return the field which says how much of the file is on disk; empty if unknown.

        Every result record has it. A reader needs it to decide which zeros are damage.
        """
        if self._has_failed:
            # After an error, less may be on disk than the system reported.
            return {}
        return synced_record(self._begun + self._sync.on_disk)

    def _append_unreserved(self, record: Mapping[str, Any]) -> None:
        """Append a record that has no reserved space yet."""
        size = len(encode(record))
        self._promise(size)
        self._append(record)
        self._promised -= size

    def _promise(self, size: int) -> None:
        self._promised += size
        missing = self._end + self._promised - self._room
        if missing > 0:
            self._reserve(missing + _RESERVE_STEP)

    def _append(self, record: Mapping[str, Any], *, on_disk: bool = False) -> None:
        line = encode(self._with_marks(record))
        try:
            write_at(self._file, line, self._end)
            self._end += len(line)
            self._room = max(self._room, self._end)
            self.past.apply(record)
            self._promised -= sum(self._pending_marks.values())
            self._pending_marks.clear()
            self._sync.wrote(len(line))
            if on_disk:
                os.fsync(self._file)
            if self._end > self._compact_at:
                self._compact()
        except OSError as error:
            raise self._failed(error) from None

    def _with_marks(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the record with the pending marks added."""
        if not self._pending_marks:
            return record
        marks = [mark_fields(place, self.past.marks[place]) for place in self._pending_marks]
        return {**record, "marks": [*marks, *record.get("marks", ())]}

    def _compact(self) -> None:
        """Replace the file by the shortest one with the same content.

        Keeps the long file if the disk has no space for both, or if another file has taken its
        name.
        """
        old, sync = self._file, self._sync
        if os.path.exists(self.path) and not is_still_there(self.path, old):
            self._compact_at = self._end + _MAX_GROWTH
            return
        try:
            self._begin()
        except OSError:
            if not is_still_there(self.path, old):
                raise
            self._compact_at = self._end + _MAX_GROWTH
            return
        sync.supersede(lambda: os.close(old))

    def _reserve(self, size: int) -> None:
        try:
            reserve_space(self._file, self._room, size)
        except OSError as error:
            raise self._failed(error) from None
        self._room += size

    def _failed(self, error: OSError) -> Stopped:
        self._has_failed = True
        return Stopped(
            f"the journal {self.path} cannot be written: {error.strerror}",
            "Nothing more was sent. Free some disk space, then resume.",
        )


def _all_lines(past: Checkpoint) -> Iterator[bytes]:
    """Yield the lines of a whole journal. The last one says that all before it are on disk."""
    size = 0
    for record in past.records():
        line = encode(record)
        size += len(line)
        yield line
    yield encode(synced_record(size))
