"""The content of a journal: which run it belongs to, and which lines that run has settled.

A journal is a text file. Each line is the CRC-32 of a JSON document in hex, a space, and the
document. The first line is the header. Reading stops at the first line that is torn or does not
match its CRC, so a journal that was cut anywhere still gives a prefix of what was settled.

What is settled stands in rows of lines. `lines` has those that are settled as a whole:
`[place, first, last]`, or `[place, first, last, n]` if only action number n takes them; `actions`
has its name. `parts` has what is settled of events that several actions take, a row for each
action; `failures` says why an action did not deliver one. Once the last of them is settled, the
line stands in `lines` too.

Some losses are damage. `synced` in a record is the number of bytes of the file that were on disk
when the record was written. A loss of power can leave zeros in the bytes written after those, up to
the start of a sector. Any other incomplete line that complete lines follow was damaged, and its
content is unknown.
"""

import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from segcli.inputs import Input
from segcli.journal.columns import End, JournalFiles, Marks, SettledLines
from segcli.journal.event_parts import EventParts
from segcli.lines.fingerprint import Mark

FORMAT = 2

# How the first line starts; the example fills up a start that was cut.
_HEADER_START = re.compile(rb'[0-9a-f]{8} \{"segcli"')
_HEADER_EXAMPLE = b'00000000 {"segcli"'
_ROWS_PER_RECORD = 100
_MAX_HEADER = 1024 * 1024
_CRC_LENGTH = len("00000000 ")
# In the order of the summary.
_STATES = ("delivered", "refused", "rejected", "skipped")
# The keys of most records, which are about lines alone.
_OF_LINES = frozenset({"state", "lines", "synced"})
# The text of a record never holds a zero byte.
_ZEROS = re.compile(rb"\0+")
# A disk writes whole sectors. A larger sector is a multiple of this.
_SECTOR = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Which run a journal belongs to.

    destination: the name of the destination.
    endpoint: the address the run sends to.
    inputs: the inputs as they were named: full paths, addresses, and `-` for stdin.
    options: the selection options and settings, as typed.
    moments: the times that `--since` and `--until` meant when the run began.
    revision: the revision of the destination.
    format: the version of this file format.
    command: the command that continues the run, and notes on it, for people; it shows no key.
    """

    destination: str
    endpoint: str
    inputs: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    moments: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""
    format: int = FORMAT
    command: Sequence[str] = field(default_factory=list)


@dataclass(slots=True)
class Checkpoint:
    """What earlier runs have settled. An input is identified by its place.

    header: the run that the journal belongs to.
    files: the name, the version and the end of each input.
    settled: the settled lines of each input.
    marks: how far each input was read.
    totals: the number of settled lines by state.
    rejects: the size of each rejects file before these runs wrote to it, in bytes.
    kept: the records of rejects that are in no file, in order.
    actions: the names of the destination's actions, by the numbers that rows of lines have.
    parts: the settled actions of lines of which other actions are open.
    action_totals: the number of events that an action took, by its number and their state.
    answered_in_part: the rejected lines of which a request was answered.
    """

    header: Header
    files: JournalFiles = field(default_factory=JournalFiles)
    settled: SettledLines = field(default_factory=SettledLines)
    marks: Marks = field(default_factory=Marks)
    totals: Counter[str] = field(default_factory=Counter)
    rejects: dict[str, int] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    actions: dict[int, str] = field(default_factory=dict)
    parts: EventParts = field(default_factory=EventParts)
    action_totals: Counter[tuple[int, str]] = field(default_factory=Counter)
    answered_in_part: int = 0

    @property
    def is_worth_resuming(self) -> bool:
        """True if starting again from the beginning would repeat work."""
        settled = any(self.totals[state] for state in ("delivered", "refused", "rejected"))
        return settled or bool(self.parts)

    @property
    def answered(self) -> int:
        """The number of settled events of which the vendor answered a request."""
        return self.totals["delivered"] + self.totals["refused"] + self.answered_in_part

    @property
    def lines(self) -> int | None:
        """The number of lines of all inputs; None unless each was read to its end.

        A folder or a pattern stands for files that may not have been opened yet: None.
        """
        ends = [self.files.end(place) for place in range(len(self.header.inputs))]
        names = [self.files.get(place)[0] for place in range(len(ends))]
        known = [end.lines for end in ends if end]
        is_all = names == list(self.header.inputs) and len(known) == len(ends)
        return sum(known) if is_all else None

    def described(self) -> str:
        """Return what is settled, in words; "" for nothing."""
        counts = [f"{self.totals[one]:,} {one}" for one in _STATES if self.totals[one]]
        return ", ".join([*counts, *([f"{len(self.parts):,} in part"] if self.parts else [])])

    def counts_by_action(self) -> dict[tuple[str, str], int]:
        """Return the number of events that each action took, by its name and their state."""
        totals = self.action_totals.items()
        return {(self.actions[number], state): events for (number, state), events in totals}

    def is_settled(self, place: int, number: int) -> bool:
        """True if this line of the input at this place is settled."""
        return self.settled.holds(place, number)

    def is_done(self, place: int) -> bool:
        """True if the end of the input is known and all its lines are settled."""
        end = self.files.end(place)
        return end is not None and self.settled.are_all_to(place, end.lines)

    def apply(self, record: Mapping[str, Any]) -> None:
        """Apply a record of the journal. Apply records in the order in which they were written."""
        for place, first, last, *action in record.get("lines", ()):
            new = self.settled.add(place, first, last)
            if "state" in record:
                self.totals[record["state"]] += new
                for number in action:
                    self.action_totals[number, record["state"]] += new
            if self.parts:
                self.parts.drop(place, first, last)
        if not record.keys() <= _OF_LINES:
            self._apply_others(record)

    def _apply_others(self, record: Mapping[str, Any]) -> None:
        self._apply_actions(record)
        for place, to, digest, is_open in record.get("marks", ()):
            self.marks[place] = Mark(to, digest, is_open)
        for place, name, version in record.get("files", ()):
            self.files.set(place, name, version)
        for place, lines, version in record.get("ends", ()):
            self.files.set_end(place, End(lines, version))
        self._apply_rejects(record)

    def _apply_actions(self, record: Mapping[str, Any]) -> None:
        self.actions |= dict(record.get("actions", ()))
        self.answered_in_part += record.get("answered_in_part", 0)
        for place, first, last, number, *state in record.get("parts", ()):
            for line in range(first, last + 1):
                if state:
                    # A compacted journal has the states in the rows, and the totals apart.
                    self.parts.add((place, line), number, state[0])
                elif self.parts.add((place, line), number, record["state"]):
                    self.action_totals[number, record["state"]] += 1
        for place, line, failure in record.get("failures", ()):
            self.parts.add_failure((place, line), failure)
        if "totals" in record:
            self.totals.update(record["totals"])
            for number, state, events in record.get("action_totals", ()):
                self.action_totals[number, state] += events

    def _apply_rejects(self, record: Mapping[str, Any]) -> None:
        self.kept += record.get("kept", ())
        if "kept_elsewhere" in record:
            self.kept.clear()
        if "rejects" in record:
            self.rejects = {**record["rejects"], **self.rejects}

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the fewest records that restore this checkpoint, the header first."""
        yield header_record(self.header)
        yield {
            "totals": dict(self.totals),
            "action_totals": [(*key, events) for key, events in self.action_totals.items()],
            "answered_in_part": self.answered_in_part,
            "rejects": self.rejects,
        }
        yield from _in_records("files", ((place, *file) for place, file in self.files.items()))
        yield from ({"kept": [one]} for one in self.kept)
        yield from _in_records("actions", iter(self.actions.items()))
        ends = ((place, end.lines, end.version) for place, end in self.files.ends())
        yield from _in_records("ends", ends)
        marks = (mark_fields(place, mark) for place, mark in self.marks.items())
        yield from _in_records("marks", marks)
        settled = (
            (place, *line_range)
            for place, lines in self.settled.items()
            for line_range in lines.ranges()
        )
        yield from _in_records("lines", settled)
        yield from _in_records("parts", self.parts.rows())
        yield from ({"failures": [row]} for row in self.parts.failure_rows())


class Damaged(ValueError):
    """A journal has lost a record in a way that neither a kill nor a loss of power explains."""


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Read a journal. None if there is no file, or a file without a complete header.

    Raises Damaged, and ValueError if the file is not a journal or its header is damaged.
    """
    checkpoint: Checkpoint | None = None
    try:
        with path.open("rb") as file:
            for record in _valid(file):
                if checkpoint is None:
                    checkpoint = Checkpoint(header_of(record))
                else:
                    checkpoint.apply(record)
            file.seek(0)
            start = file.readline(_MAX_HEADER).rstrip(b"\0")
    except FileNotFoundError:
        return None
    if checkpoint is None and not _is_torn_header(start):
        raise ValueError(f"{path} is not a segcli journal, or it is damaged")
    return checkpoint


def encode(record: Mapping[str, Any]) -> bytes:
    """Encode a record as a line of the journal."""
    text = orjson.dumps(record)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def header_record(header: Header) -> dict[str, Any]:
    """Return the first record of a journal."""
    return {"segcli": header}


def header_of(record: Mapping[str, Any]) -> Header:
    """Return the header in the first record. Raises ValueError if it is not of this version."""
    with suppress(KeyError, TypeError):
        header = Header(**record["segcli"])
        if header.format == FORMAT:
            return header
    raise ValueError("the journal was written by another version of segcli")


def synced_record(size: int) -> dict[str, Any]:
    """Return a record which says that `size` bytes of the file are on disk."""
    return {"synced": size}


def path_name(path: Path | str) -> str:
    """Return the name of a file in a journal: its full path, with undecodable bytes escaped."""
    return os.fsencode(os.path.realpath(path)).decode(errors="backslashreplace")


def input_name(entry: Input) -> str:
    """Return the name of an input in a journal."""
    is_path = entry.name != "-" and not entry.remote and not entry.given
    return path_name(entry.name) if is_path else entry.name


def mark_fields(place: int, mark: Mark) -> tuple[int, int, str, bool]:
    """Return a mark as the fields of a record."""
    return place, mark.to, mark.digest, mark.is_open


def sync_folder(folder: Path) -> None:
    """Write a folder's new and renamed entries to disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _valid(file: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield the complete records up to the first incomplete one.

    Raises Damaged if that one was damaged, not only cut off, or if a record before one is missing.
    """
    start = 0
    for number, line in enumerate(file, 1):
        if not _is_whole(line):
            if number > 1 and not _may_be_lost(line, file):
                raise Damaged(f"the journal {file.name} is damaged in line {number}")
            return
        record = _decoded(line)
        if record.get("synced", 0) > start:
            raise Damaged(f"the journal {file.name} lacks a record before line {number}")
        yield record
        start += len(line)


def _may_be_lost(line: bytes, file: BinaryIO) -> bool:
    """True if a kill or a loss of power can have left this line. Reads the file to its end.

    A kill leaves the start of the last record and only zeros after it.
    """
    start = file.tell() - len(line)
    gaps = [start + zeros.end() for zeros in _ZEROS.finditer(line.rstrip(b"\0"))]
    if any(end % _SECTOR for end in gaps):
        return False
    synced = [_decoded(other).get("synced", 0) for other in file if _is_whole(other)]
    return not synced or (bool(gaps) and max(synced) <= start)


def _in_records(name: str, rows: Iterator[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Yield records of bounded length: one record of all inputs would need too much memory."""
    while some := list(islice(rows, _ROWS_PER_RECORD)):
        yield {name: some}


def _decoded(line: bytes) -> dict[str, Any]:
    record: dict[str, Any] = orjson.loads(line[_CRC_LENGTH:])
    return record


def _is_whole(line: bytes) -> bool:
    checksum, _, text = line.removesuffix(b"\n").partition(b" ")
    return line.endswith(b"\n") and checksum == b"%08x" % zlib.crc32(text)


def _is_torn_header(start: bytes) -> bool:
    """True if a file that starts with these bytes is a journal cut within its header."""
    filled_up = start[: len(_HEADER_EXAMPLE)] + _HEADER_EXAMPLE[len(start) :]
    return bool(_HEADER_START.fullmatch(filled_up)) and not start.endswith(b"\n")
