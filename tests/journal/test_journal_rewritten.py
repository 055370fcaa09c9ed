"""A journal that has grown long is compacted, and loses nothing."""

import asyncio
import os
from pathlib import Path

import pytest
from support.journals import delivered, opened, totals
from support.small_disk import broken, no_space

from segcli.errors import Stopped, UsageError
from segcli.journal import checkpoint
from segcli.journal import journal as module
from segcli.journal import locked_file as journal_file
from segcli.journal.journal import Journal
from segcli.lines.fingerprint import Mark


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compact a journal every few records."""
    monkeypatch.setattr(module, "_MAX_GROWTH", 500)


def fill(journal: Journal, numbers: range) -> None:
    for number in numbers:
        journal.promise(1)
        journal.settle(delivered(number))


@pytest.mark.usefixtures("short")
def test_long_journal_is_compacted_without_loss(tmp_path: Path) -> None:
    journal = opened(tmp_path / "a.journal")
    journal.mark(0, Mark(9, "ab"))
    fill(journal, range(1, 1000, 2))
    fill(journal, range(2, 900, 2))
    found = checkpoint.read_checkpoint(journal.path)

    assert found is not None
    assert found.totals == {"delivered": 500 + 449}
    assert list(found.settled[0].ranges()) == list(journal.past.settled[0].ranges())
    assert next(found.settled[0].ranges()) == (1, 899)
    assert found.marks == {0: Mark(9, "ab")}
    assert len(journal.path.read_bytes().rstrip(b"\0")) < 3000
    journal.close()


@pytest.mark.usefixtures("short")
def test_compacted_journal_stays_locked(tmp_path: Path) -> None:
    journal = opened(tmp_path / "a.journal")
    fill(journal, range(1, 100))
    with pytest.raises(UsageError, match="another segcli"):
        opened(journal.path)
    journal.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.journal"]


@pytest.mark.usefixtures("short")
def test_compacted_journal_keeps_the_reserved_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened(tmp_path / "a.journal")
    journal.promise(10_000)
    journal.settle(delivered(*range(1, 200, 2)))
    for number in range(201, 300, 2):
        journal.settle(delivered(number))
    assert journal.path.stat().st_blocks * 512 >= 9_850 * 128
    monkeypatch.setattr(os, "posix_fallocate", no_space)
    journal.promise(0)
    journal.close()


@pytest.mark.usefixtures("short")
def test_compaction_closes_the_old_files(tmp_path: Path) -> None:
    journal = opened(tmp_path / "a.journal")
    before = len(os.listdir("/dev/fd"))
    fill(journal, range(1, 500))
    assert len(os.listdir("/dev/fd")) <= before + 1
    journal.close()


@pytest.mark.usefixtures("short")
def test_journal_is_not_compacted_without_disk_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened(tmp_path / "a.journal")
    journal.promise(2000)
    monkeypatch.setattr(os, "posix_fallocate", no_space)
    for number in range(1, 2000):
        journal.settle(delivered(number))
    assert totals(journal.path) == {"delivered": 1999}
    journal.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.journal"]


@pytest.mark.usefixtures("short")
def test_compaction_does_not_block_tasks_that_wait_for_a_sync(tmp_path: Path) -> None:
    async def story() -> None:
        async def settle(number: int) -> None:
            journal.promise(1)
            journal.settle(delivered(number))
            await journal.synced()

        await asyncio.gather(*(settle(number) for number in range(1, 200)))

    journal = opened(tmp_path / "a.journal")
    asyncio.run(story())
    assert totals(journal.path) == {"delivered": 199}
    journal.close()


@pytest.mark.usefixtures("short")
def test_failed_sync_of_a_compacted_journal_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened(tmp_path / "a.journal")
    journal.promise(2000)
    monkeypatch.setattr(journal_file, "sync_folder", broken)
    with pytest.raises(Stopped, match="Input/output error"):
        fill(journal, range(1, 2000))
    journal.close()
