"""What a journal says: the run it belongs to, and which lines that run has settled.

A journal is a text file. Each line is the CRC-32 of a JSON document in hex, a space, and the
document; the first is the header. Whatever follows the first line that is torn or does not match
its CRC is dropped, so a journal cut anywhere says a prefix of what was settled.

Not everything may be dropped. `synced` in a record is how many bytes of the file were on disk when
it was written. A loss of power can leave zeros in what was written behind them, up to the start of
a sector. Any other line that is not whole and has whole lines behind it was damaged, and what it
said is unknown.
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
from segcli.lines.fingerprint import Mark

FORMAT = 1

# The first line, but for the digits of its CRC.
_BEGINNING = re.compile(rb'[0-9a-f]{8} \{"segcli"')
_BEGUN = b'00000000 {"segcli"'
_ROWS_A_RECORD = 100
_HEADER_AT_MOST = 1024 * 1024
_CHECKSUM = len("00000000 ")
# No text of a journal holds them.
_ZEROS = re.compile(rb"\0+")
# What a disk writes is whole sectors, on larger ones several of these.
_SECTOR = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Which run a journal belongs to. `options` are its selection options and settings, as typed.

    `moments` are the times that `--since` and `--until` stood for when the run began, `revision`
    is that of the destination.
    """

    destination: str
    endpoint: str
    inputs: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    moments: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""
    format: int = FORMAT


@dataclass(slots=True)
class Checkpoint:
    """What earlier runs have settled, by input; `totals` counts their lines by state.

    Inputs are known by their place, and `files` says which name and version each had and where it
    ended. `rejects` says how large each rejects file was before these runs wrote to it.
    """

    header: Header
    files: JournalFiles = field(default_factory=JournalFiles)
    settled: SettledLines = field(default_factory=SettledLines)
    marks: Marks = field(default_factory=Marks)
    totals: Counter[str] = field(default_factory=Counter)
    rejects: dict[str, int] = field(default_factory=dict)

    @property
    def is_worth_resuming(self) -> bool:
        """Tell whether beginning anew would do anything twice."""
        return any(self.totals[state] for state in ("delivered", "refused", "rejected"))

    def is_settled(self, place: int, number: int) -> bool:
        """Tell whether a line of the input at that place need not be looked at again."""
        return self.settled.holds(place, number)

    def is_done(self, place: int) -> bool:
        """Tell whether all the lines that an input had are settled."""
        end = self.files.end(place)
        return end is not None and self.settled.are_all_to(place, end.lines)

    def apply(self, record: Mapping[str, Any]) -> None:
        """Take in one record of the journal, in the order in which they were written."""
        for place, first, last in record.get("lines", ()):
            new = self.settled.add(place, first, last)
            if "state" in record:
                self.totals[record["state"]] += new
        if "totals" in record:
            self.totals.update(record["totals"])
        for place, to, digest, is_open in record.get("marks", ()):
            self.marks[place] = Mark(to, digest, is_open)
        for place, name, version in record.get("files", ()):
            self.files.set(place, name, version)
        for place, lines, version in record.get("ends", ()):
            self.files.set_end(place, End(lines, version))
        if "rejects" in record:
            self.rejects = {**record["rejects"], **self.rejects}

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield records that say the same in few lines."""
        yield header_record(self.header)
        yield {"totals": dict(self.totals), "rejects": self.rejects}
        yield from _in_records("files", ((place, *file) for place, file in self.files.items()))
        ends = ((place, end.lines, end.version) for place, end in self.files.ends())
        yield from _in_records("ends", ends)
        marks = (mark_fields(place, mark) for place, mark in self.marks.items())
        yield from _in_records("marks", marks)
        settled = (
            (place, *found)
            for place, positions in self.settled.items()
            for found in positions.ranges()
        )
        yield from _in_records("lines", settled)


def _in_records(name: str, rows: Iterator[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Yield records of a bounded length: of all inputs in one it would take their memory again."""
    while some := list(islice(rows, _ROWS_A_RECORD)):
        yield {name: some}


class Damaged(ValueError):
    """A journal has lost a record that was on disk, or that no kill and no loss of power takes."""


def read_checkpoint(path: Path) -> Checkpoint | None:
    """Read a journal; None where there is none, or none that got as far as its header.

    Raises Damaged, and ValueError where the file is something else, or its header is damaged.
    """
    past: Checkpoint | None = None
    try:
        with path.open("rb") as file:
            for record in _valid(file):
                if past is None:
                    past = Checkpoint(_header(record))
                else:
                    past.apply(record)
            file.seek(0)
            start = file.readline(_HEADER_AT_MOST).rstrip(b"\0")
    except FileNotFoundError:
        return None
    if past is None and not _is_torn_header(start):
        raise ValueError(f"{path} is no journal of segcli, or a damaged one")
    return past


def encode(record: Mapping[str, Any]) -> bytes:
    """Return a record as a line of the journal."""
    text = orjson.dumps(record)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def header_record(header: Header) -> dict[str, Any]:
    """Return the record that a journal begins with."""
    return {"segcli": header}


def synced_record(size: int) -> dict[str, Any]:
    """Return the record that so many bytes of the file are on disk."""
    return {"synced": size}


def path_name(path: Path | str) -> str:
    """Return a file as a journal knows it: its full path, whatever bytes that holds."""
    return os.fsencode(os.path.realpath(path)).decode(errors="backslashreplace")


def input_name(entry: Input) -> str:
    """Return an input as a journal knows it."""
    is_path = entry.name != "-" and not entry.remote
    return path_name(entry.name) if is_path else entry.name


def mark_fields(place: int, mark: Mark) -> tuple[int, int, str, bool]:
    """Return a mark as it stands in a record."""
    return place, mark.to, mark.digest, mark.is_open


def _valid(file: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield each whole record, up to the first that is not.

    Raises Damaged where that was damaged, and not only cut off, or where a record in front of it
    is missing.
    """
    start = 0
    for number, line in enumerate(file, 1):
        if not _is_whole(line):
            if number > 1 and not _may_be_lost(line, file):
                raise Damaged(f"the journal {file.name} is damaged in line {number}")
            return
        record = _decoded(line)
        if record.get("synced", 0) > start:
            raise Damaged(f"the journal {file.name} lacks a record in front of line {number}")
        yield record
        start += len(line)


def _may_be_lost(line: bytes, file: BinaryIO) -> bool:
    """Tell whether a kill or a loss of power can have left this line; reads the file to its end.

    A kill leaves the beginning of the last record, and nothing but zeros behind it.
    """
    start = file.tell() - len(line)
    gaps = [start + zeros.end() for zeros in _ZEROS.finditer(line.rstrip(b"\0"))]
    if any(end % _SECTOR for end in gaps):
        return False
    synced = [_decoded(other).get("synced", 0) for other in file if _is_whole(other)]
    return not synced or (bool(gaps) and max(synced) <= start)


def _decoded(line: bytes) -> dict[str, Any]:
    record: dict[str, Any] = orjson.loads(line[_CHECKSUM:])
    return record


def _is_whole(line: bytes) -> bool:
    checksum, _, text = line.removesuffix(b"\n").partition(b" ")
    return line.endswith(b"\n") and checksum == b"%08x" % zlib.crc32(text)


def _is_torn_header(start: bytes) -> bool:
    """Tell whether a file that begins like this was to be a journal, and ends within its header."""
    begun = start[: len(_BEGUN)] + _BEGUN[len(start) :]
    return bool(_BEGINNING.fullmatch(begun)) and not start.endswith(b"\n")


def _header(record: Mapping[str, Any]) -> Header:
    with suppress(KeyError, TypeError):
        header = Header(**record["segcli"])
        if header.format == FORMAT:
            return header
    raise ValueError("the journal was written by another version of segcli")


def sync_folder(folder: Path) -> None:
    """Put a folder's new or renamed entries on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
