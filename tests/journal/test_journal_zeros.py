"""Zeros in a journal are accepted only where a kill or a power failure can have left them."""

import asyncio
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.journals import delivered, opened, put

from segcli.journal import checkpoint
from segcli.journal.journal import Journal
from segcli.journal.resume import Start

SECTOR = 512
ROOM = bytes(5000)


@dataclass(frozen=True, slots=True)
class LeftJournal:
    """The journal that a run has left. Lines 1 to `synced` are settled and on disk."""

    content: bytes
    synced: int


def settle(journal: Journal, numbers: "count[int]", records: int) -> int:
    """Write this many records that settle one line each; return the last line."""
    for _ in range(records):
        last = next(numbers)
        journal.promise(1)
        journal.settle(delivered(last))
    return last


def journal_left_by(path: Path, *, groups: int, unsynced: int) -> LeftJournal:
    """Write groups of records and sync each, then write unsynced records and get killed.

    With no unsynced records the run ends in order.
    """
    journal, numbers = opened(path, Start.RESTART), count(1)
    for _ in range(groups):
        synced = settle(journal, numbers, 4)
        asyncio.run(journal.synced())
    if unsynced:
        settle(journal, numbers, unsynced)
        content = path.read_bytes()
    journal.close()
    return LeftJournal((content if unsynced else path.read_bytes()).rstrip(b"\0"), synced)


def settled_by(path: Path) -> int | None:
    """Return the last line of those settled from line 1 on; None if the journal is refused."""
    try:
        found = checkpoint.read_checkpoint(path)
    except ValueError:
        return None
    settled = found.settled.get(0) if found else None
    assert not (settled and settled.beyond)
    return settled.low if settled else 0


@pytest.mark.parametrize(("size", "groups"), [(1, 6), (2, 6), (4096, 25)])
@pytest.mark.parametrize("unsynced", [0, 3], ids=["stopped", "killed"])
def test_zeros_anywhere_are_refused_or_lose_no_synced_line(
    unsynced: int, size: int, groups: int, tmp_path: Path
) -> None:
    left = journal_left_by(tmp_path / "a.journal", groups=groups, unsynced=unsynced)
    path = tmp_path / "zeros.journal"
    refused = 0
    assert len(left.content) > size + 1024
    # Zeros up to the end would be a journal that was cut there, followed by reserved space.
    for start in range(len(left.content) - size):
        put(path, left.content[:start] + bytes(size) + left.content[start + size :] + ROOM)
        said = settled_by(path)
        assert said is None or said >= left.synced, f"zeros from byte {start} on"
        refused += said is None
    assert refused > 0.9 * (len(left.content) - size)


def test_removed_record_is_detected_if_a_later_one_was_synced(tmp_path: Path) -> None:
    left = journal_left_by(tmp_path / "a.journal", groups=6, unsynced=0)
    path = tmp_path / "shorter.journal"
    lines = left.content.splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if b'"synced"' in line)
    assert last > 12
    for number in range(1, last):
        path.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))
        with pytest.raises(checkpoint.Damaged, match="lacks a record before line"):
            checkpoint.read_checkpoint(path)


@given(data=st.data())
def test_power_failure_loses_unsynced_records_only(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    left = journal_left_by(folder / "b.journal", groups=2, unsynced=data.draw(st.integers(1, 60)))
    lines = left.content.splitlines(keepends=True)
    ends = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
    # The eighth record that settles a line is the last synced one.
    first = [number for number, line in enumerate(lines, 1) if b'"state"' in line][7]
    survived = b""
    for start in range(0, len(left.content), SECTOR):
        # Each sector is on disk as it was after one of the records.
        version = left.content[: ends[data.draw(st.integers(first, len(lines)))]]
        survived += version[start : start + SECTOR].ljust(SECTOR, b"\0")
    path = folder / "survived.journal"
    put(path, survived + ROOM)
    said = settled_by(path)

    assert said is not None
    assert said >= left.synced
