"""A disk that is full or fails: nothing is sent whose result could not be recorded."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fakes import records, track, tracks, write_events
from support.resuming import (
    JOURNAL,
    LimitedVendor,
    Segcli,
    Serve,
    duplicates,
    printed_command,
    settled_lines,
    to_webhook,
)
from support.small_disk import ALL, COUNT, fails, read_slowly, twenty_blocks


@pytest.fixture(autouse=True)
def _slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    read_slowly(monkeypatch)


@pytest.fixture
def command(limited_vendor: LimitedVendor, vendor: Serve, tmp_path: Path) -> list[str]:
    events = twenty_blocks(tmp_path / "events.jsonl")
    return [*to_webhook(vendor(limited_vendor).url, events), "--concurrency", "8"]


def test_nothing_is_sent_if_the_journal_has_no_space(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, tmp_path: Path
) -> None:
    disk = fails("posix_fallocate", after=0)
    said = segcli(*command)
    disk.undo()
    assert said.code == 3
    assert f"the journal {JOURNAL} cannot be written: No space left on device" in said.err
    assert not limited_vendor.taken
    assert not (tmp_path / JOURNAL).exists()
    assert segcli(*command).code == 0
    assert set(limited_vendor.taken) == ALL


def test_events_sent_before_the_disk_filled_are_in_the_journal(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, tmp_path: Path
) -> None:
    disk = fails("posix_fallocate", after=6)
    said = segcli(*command)
    disk.undo()
    assert said.code == 3
    assert "cannot be written: No space left on device" in said.err
    assert "Nothing more was sent. Free some disk space, then resume." in said.err
    assert "--resume" in printed_command(said.err)
    assert 0 < len(limited_vendor.taken) == len(settled_lines(tmp_path / JOURNAL)) < COUNT
    assert segcli(*command, "--resume").code == 0
    assert set(limited_vendor.taken) == ALL
    assert not duplicates(limited_vendor.taken)


@pytest.mark.parametrize(
    ("call", "after", "code"),
    [
        ("pwrite", 40, errno.ENOSPC),
        ("pwrite", 40, errno.EDQUOT),
        ("pwrite", 40, errno.EIO),
        # The slower a disk is, the fewer syncs there are.
        ("fdatasync", 4, errno.EIO),
    ],
)
def test_disk_failure_during_a_run_loses_no_event(
    call: str,
    after: int,
    code: int,
    command: list[str],
    limited_vendor: LimitedVendor,
    segcli: Segcli,
) -> None:
    disk = fails(call, after=after, code=code)
    said = segcli(*command)
    disk.undo()
    assert said.code == 3
    assert f"the journal {JOURNAL} cannot be written: {os.strerror(code)}" in said.err
    assert 0 < len(limited_vendor.taken) < COUNT
    assert segcli(*command, "--resume").code == 0
    assert set(limited_vendor.taken) == ALL
    assert duplicates(limited_vendor.taken) <= 8


def test_partly_written_journal_record_is_ignored(
    command: list[str],
    limited_vendor: LimitedVendor,
    segcli: Segcli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, calls = os.pwrite, iter(range(10**6))

    def half(descriptor: int, data: bytes, position: int) -> int:
        if next(calls) < 40:
            return whole(descriptor, data, position)
        if len(data) < 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return whole(descriptor, data[:10], position)

    monkeypatch.setattr(os, "pwrite", half)
    assert segcli(*command).code == 3
    monkeypatch.setattr(os, "pwrite", whole)
    assert segcli(*command, "--resume").code == 0
    assert set(limited_vendor.taken) == ALL
    assert duplicates(limited_vendor.taken) <= 8


def test_journal_is_unchanged_if_a_resume_cannot_write_it(
    command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, tmp_path: Path
) -> None:
    limited_vendor.left = 50
    segcli(*command)
    before = (tmp_path / JOURNAL).read_bytes()
    limited_vendor.accept_all()
    disk = fails("pwrite", after=0)
    said = segcli(*command, "--resume")
    disk.undo()
    assert said.code == 3
    assert "No space left on device" in said.err
    assert (tmp_path / JOURNAL).read_bytes() == before
    assert len(limited_vendor.taken) == 50
    assert segcli(*command, "--resume").code == 0
    assert set(limited_vendor.taken) == ALL


# --- rejects


def half_of(file: Path, whole: Callable[[int, Any], int]) -> Callable[[int, Any], int]:
    """Return an `os.write` for a disk with space for half of what is written to this file."""

    def write(descriptor: int, data: Any) -> int:
        if not (file.exists() and os.path.samestat(os.fstat(descriptor), file.stat())):
            return whole(descriptor, data)
        if len(data) < 60:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return whole(descriptor, data[: len(data) // 2])

    return write


def test_unwritable_rejects_stop_the_run_and_the_next_run_writes_them(
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [*tracks(3), track(3, note="POISON"), track(4), track(5, note="POISON"), b"no JSON"]
    command = to_webhook(vendor(limited_vendor).url, write_events(tmp_path / "events.jsonl", lines))
    whole = os.write
    monkeypatch.setattr(os, "write", half_of(tmp_path / "webhook.rejects.ndjson", whole))
    said = segcli(*command)
    assert said.code == 3
    assert "the rejects file webhook.rejects.ndjson cannot be written: No space left" in said.err
    monkeypatch.setattr(os, "write", whole)
    how = ["--resume"] if (tmp_path / JOURNAL).exists() else []
    assert segcli(*command, *how).code == 1
    kept = [row["line"] for row in records(tmp_path / "webhook.rejects.ndjson")]
    assert sorted(kept) == [4, 6, 7]
    assert set(limited_vendor.taken) == {"m0", "m1", "m2", "m4"}
