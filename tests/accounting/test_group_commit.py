"""Group commit: a result counts once it is on disk, and many tasks share one sync."""

import asyncio
import os
import threading
from pathlib import Path

import pytest
from support.fakes import PATIENCE, track, tracks, write_events
from support.journals import delivered, opened
from support.resuming import JOURNAL, LimitedVendor, Segcli, Serve, settled_lines, to_webhook
from support.small_disk import broken

from segcli.accounting.group_commit import GroupSync
from segcli.errors import Stopped


class _Disk:
    """An fdatasync that blocks until the test releases it; it notes what was written by then."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go_on = threading.Event()
        self.calls = 0

    def fdatasync(self, loop: asyncio.AbstractEventLoop) -> None:
        self.calls += 1
        loop.call_soon_threadsafe(self.began.set)
        assert self.go_on.wait(PATIENCE)


def test_many_waiting_tasks_share_few_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        disk, loop = _Disk(), asyncio.get_running_loop()
        monkeypatch.setattr(os, "fdatasync", lambda _: disk.fdatasync(loop))
        sync = GroupSync(0)

        async def settle() -> None:
            sync.wrote()
            await sync.synced()

        first = asyncio.create_task(settle())
        await disk.began.wait()
        others = [asyncio.create_task(settle()) for _ in range(100)]
        await asyncio.sleep(0)
        disk.go_on.set()
        await asyncio.gather(first, *others)
        assert disk.calls == 2

    asyncio.run(story())


def test_write_during_a_sync_waits_for_the_next_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        disk, loop = _Disk(), asyncio.get_running_loop()
        monkeypatch.setattr(os, "fdatasync", lambda _: disk.fdatasync(loop))
        sync = GroupSync(0)
        sync.wrote()
        first = asyncio.create_task(sync.synced())
        await disk.began.wait()
        sync.wrote()
        second = asyncio.create_task(sync.synced())
        await asyncio.sleep(0)
        disk.began.clear()
        disk.go_on.set()
        await first
        assert not second.done()
        await disk.began.wait()
        await second
        assert disk.calls == 2

    asyncio.run(story())


def test_superseded_file_is_released_after_the_running_sync(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        disk, loop = _Disk(), asyncio.get_running_loop()
        monkeypatch.setattr(os, "fdatasync", lambda _: disk.fdatasync(loop))
        let_go: list[bool] = []
        sync = GroupSync(0)
        sync.wrote()
        first = asyncio.create_task(sync.synced())
        await disk.began.wait()
        sync.wrote()
        second = asyncio.create_task(sync.synced())
        await asyncio.sleep(0)
        sync.supersede(lambda: let_go.append(disk.go_on.is_set()))
        await asyncio.gather(first, second)
        assert not let_go
        disk.go_on.set()
        async with asyncio.timeout(PATIENCE):
            while not let_go:
                await asyncio.sleep(0.001)
        assert let_go == [True]
        assert disk.calls == 1
        sync.supersede(lambda: let_go.append(False))
        assert let_go == [True, False]

    asyncio.run(story())


def test_cancelled_waiter_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        disk, loop = _Disk(), asyncio.get_running_loop()
        monkeypatch.setattr(os, "fdatasync", lambda _: disk.fdatasync(loop))
        sync = GroupSync(0)
        sync.wrote()
        first, second = (asyncio.create_task(sync.synced()) for _ in range(2))
        await disk.began.wait()
        first.cancel()
        await asyncio.wait([first])
        disk.go_on.set()
        async with asyncio.timeout(PATIENCE):
            await second
        assert first.cancelled()
        assert disk.calls == 1

    asyncio.run(story())


def test_no_sync_without_new_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fdatasync", broken)
    asyncio.run(GroupSync(0).synced())


def test_fast_disk_is_synced_inline_and_a_slow_one_in_a_thread() -> None:
    took = [0.0001, 0.0001, 0.01, 0.0001]
    clock = [0.0]
    threads: list[bool] = []

    def to_disk(_: int) -> None:
        clock[0] += took[len(threads)]
        threads.append(threading.current_thread() is not threading.main_thread())

    async def story() -> list[bool]:
        sync = GroupSync(0, to_disk, now=lambda: clock[0])
        at_once = []
        for _ in took:
            sync.wrote()
            at_once.append(sync.try_sync())
            await sync.synced()
        return at_once

    assert asyncio.run(story()) == [False, True, True, False]
    assert threads == [True, False, False, True]


def test_failed_sync_stops_all_waiting_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened(tmp_path / "a.journal")

    async def story() -> list[BaseException | None]:
        waits = (journal.synced() for _ in range(5))
        return await asyncio.gather(*waits, return_exceptions=True)

    journal.promise(1)
    journal.settle(delivered(1))
    monkeypatch.setattr(os, "fdatasync", broken)
    found = asyncio.run(story())
    assert [str(error) for error in found] == [
        f"the journal {journal.path} cannot be written: Input/output error"
    ] * 5
    journal.close()


def test_sync_error_is_raised_in_waiters_and_the_next_sync_is_tried() -> None:
    failures = [Stopped("no room"), ZeroDivisionError("a bug")]

    def to_disk(_: int) -> None:
        if failures:
            raise failures.pop(0)

    async def story() -> list[BaseException | None]:
        sync = GroupSync(0, to_disk)
        found = []
        for _ in range(3):
            sync.wrote()
            found += await asyncio.gather(sync.synced(), return_exceptions=True)
        return found

    assert [type(error) for error in asyncio.run(story())] == [
        Stopped,
        ZeroDivisionError,
        type(None),
    ]


def test_worker_waits_until_its_last_result_is_on_disk(
    segcli: Segcli, vendor: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited_vendor = LimitedVendor()
    events = write_events(tmp_path / "events.jsonl", tracks(100, users=1))
    monkeypatch.setattr(os, "fdatasync", broken)
    said = segcli(*to_webhook(vendor(limited_vendor).url, events), "--concurrency", "8")
    assert said.code == 3
    assert "cannot be written: Input/output error" in said.err
    assert limited_vendor.taken == ["m0"]


def test_rejects_are_synced_before_the_journal_records_them(
    segcli: Segcli, vendor: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rejects = tmp_path / "webhook.rejects.ndjson"
    whole = os.fdatasync

    def only_others(descriptor: int) -> None:
        if rejects.exists() and os.path.samestat(os.fstat(descriptor), rejects.stat()):
            broken(descriptor)
        whole(descriptor)

    monkeypatch.setattr(os, "fdatasync", only_others)
    events = write_events(tmp_path / "events.jsonl", [*tracks(2), track(2, "u2", note="POISON")])
    said = segcli(*to_webhook(vendor(LimitedVendor()).url, events))
    assert said.code == 3
    assert "the rejects file webhook.rejects.ndjson cannot be written: Input/output" in said.err
    assert [state for state, _, _ in settled_lines(tmp_path / JOURNAL)] == ["delivered"] * 2
