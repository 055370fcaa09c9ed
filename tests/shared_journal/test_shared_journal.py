"""A shared journal: an attempt takes over from another, which stops; damage is refused."""

import asyncio
import itertools
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from support.fakes import PATIENCE
from support.journals import HEADER, delivered
from support.shared_journals import Clock, begun, objects, place_of, put

from segcli.accounting.held_rejects import HeldRejects
from segcli.accounting.rejects import Rejects
from segcli.core.line import ActionFailure, Line, Result
from segcli.errors import OutputError, Stopped, UsageError
from segcli.journal.checkpoint import encode
from segcli.journal.event_parts import SettledAction
from segcli.journal.resume import Start
from segcli.shared_journal import lease_clock, log, shared_journal
from segcli.shared_journal.folder_store import FolderStore
from segcli.shared_journal.log_state import read_state
from segcli.shared_journal.place import _AT_ONCE, check_conditional
from segcli.shared_journal.shared_journal import SharedJournal
from segcli.shared_journal.store import StoreProblem
from segcli.shared_journal.take_over import LEASE, begin_shared
from segcli.spark.bucket_log import take_over_bucket


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "job"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of leases, which stands: a busy machine is no late put."""
    found = Clock()
    monkeypatch.setattr(lease_clock, "seconds", lambda: found.now)
    return found


def refused(*numbers: int) -> Result:
    lines = [Line("a", number, b'{"n":0.12345678901234567890}') for number in numbers]
    return Result(lines, "refused", "no", 400, attempts=1)


# --- who has the journal


def test_lines_settled_by_one_attempt_are_known_to_the_next(folder: Path) -> None:
    first = begun(folder)
    put(first, delivered(1, 2, 5), delivered(3))
    first.end(finished=False)
    second = begun(folder, Start.RESUME)

    assert second.past.totals == {"delivered": 4}
    assert [number for number in range(1, 8) if second.past.is_settled(0, number)] == [1, 2, 3, 5]
    assert second.seconds_to_wait == 0


def test_the_next_attempt_knows_the_settled_actions_of_an_open_line(folder: Path) -> None:
    line = Line("a", 1, b"{}")
    failure = ActionFailure("Mail", "refused", "no", 400)
    parts = [
        Result([msgspec.structs.replace(line, action="Track")], "delivered"),
        Result([msgspec.structs.replace(line, action="Mail")], "refused", failures=[failure]),
    ]
    first = begun(folder)
    for one in parts:
        first.settle_actions(one)
    first.end(finished=False)
    second = begun(folder, Start.RESUME)

    delivered, refused = second.settled_actions(line)
    assert delivered == SettledAction("Track", "delivered", None)
    assert msgspec.convert(refused.failure, ActionFailure) == failure
    assert not second.past.is_settled(0, 1)


def test_an_older_attempt_stops_at_its_next_put_and_its_result_is_not_recorded(
    folder: Path,
) -> None:
    older = begun(folder)
    put(older, delivered(1))
    newer = begun(folder, Start.RESUME, timeout=1.0)
    put(newer, delivered(2))

    with pytest.raises(Stopped, match=r"another attempt has taken over .*: process \d+ on ") as end:
        put(older, delivered(7))
    assert end.value.exit_code == 3
    assert older.is_taken_over
    with pytest.raises(Stopped, match="another attempt has taken over"):
        older.settle(delivered(8))
    older.end(finished=True)
    newer.end(finished=False)
    assert begun(folder, Start.RESUME).past.totals == {"delivered": 2}


def test_a_suspended_attempt_finds_its_number_taken_after_everything_was_compacted_and_finished(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_SNAPSHOT_AFTER", 3)
    older = begun(folder)
    put(older, delivered(1))
    for number in range(4):
        newer = begun(folder, Start.RESUME)
        put(newer, *(delivered(10 * number + each) for each in range(2, 12)))
    newer.end(finished=True)

    assert len(objects(folder)) == 5 + 1, "the claims, and that it is finished"
    with pytest.raises(Stopped, match="another attempt has taken over"):
        put(older, delivered(2))


def test_an_attempt_whose_last_put_is_old_writes_before_it_sends(
    folder: Path, clock: Clock
) -> None:
    older = begun(folder)
    asyncio.run(older.before_send([]))
    begun(folder, Start.RESUME)
    clock.now += LEASE
    asyncio.run(older.before_send([]))
    clock.now += 0.001

    with pytest.raises(Stopped, match="another attempt has taken over"):
        asyncio.run(older.before_send([]))


def test_an_attempt_that_was_slow_to_begin_writes_before_it_sends(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another attempt may have taken over since its last put."""
    put(begun(folder), delivered(1))
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "remove", lambda *_: clock.pass_time(LEASE + 1))
        older = begun(folder, Start.RESUME)
    begun(folder, Start.RESUME)

    with pytest.raises(Stopped, match="another attempt has taken over"):
        asyncio.run(older.before_send([]))


def test_an_attempt_at_a_bucket_that_was_slow_to_read_it_writes_before_it_sends(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bucket() -> SharedJournal:
        store = FolderStore(folder)
        return take_over_bucket(store, HEADER, timeout=1.0, lines=lambda _: iter(()))

    def read_slowly(store: FolderStore, name: str) -> bytes | None:
        clock.now += LEASE + 1
        return read(store, name)

    put(bucket(), delivered(1))
    read = FolderStore.read
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "read", read_slowly)
        older = bucket()
    bucket()

    with pytest.raises(Stopped, match="another attempt has taken over"):
        asyncio.run(older.before_send([]))


def test_a_take_over_waits_until_the_last_request_of_a_lost_attempt_is_over(folder: Path) -> None:
    put(begun(folder, timeout=20.0), delivered(1))
    second = begun(folder, Start.RESUME)

    assert second.seconds_to_wait == LEASE + 20
    # It was killed while it waited: the next one waits for the first one too.
    second.end(finished=False)
    assert begun(folder, Start.RESUME).seconds_to_wait == LEASE + 20


def test_the_number_of_answers_that_wait_for_a_put_is_bounded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_journal, "MAX_UNRECORDED", 3)
    journal = begun(folder)

    async def run() -> list[int]:
        counts = []
        for number in range(1, 8):
            await journal.before_send([])
            journal.settle(delivered(number))
            counts.append(len(objects(folder)))
        return counts

    assert asyncio.run(run()) == [2, 2, 2, 3, 3, 3, 4]


def test_many_results_share_a_put(folder: Path) -> None:
    journal = begun(folder)

    async def run() -> None:
        async def one(number: int) -> None:
            journal.settle(delivered(number))
            await journal.synced()

        await asyncio.gather(*(one(number) for number in range(1, 101)))

    asyncio.run(run())
    assert len(objects(folder)) <= 2 + 2


def test_one_of_two_runs_that_begin_at_once_is_refused(folder: Path) -> None:
    ready, ends = threading.Barrier(2), []

    def begin() -> None:
        ready.wait()
        try:
            ends.append(begun(folder).past.totals)
        except UsageError as error:
            ends.append(error.message)

    threads = [threading.Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(type(end).__name__ for end in ends) == ["Counter", "str"]
    assert any("another attempt has the journal" in end for end in ends if isinstance(end, str))


@pytest.mark.parametrize("snapshot_after", [60, 500])
def test_an_attempt_takes_over_from_one_that_writes_all_the_time(
    snapshot_after: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_SNAPSHOT_AFTER", snapshot_after)
    older = begun(folder)
    put(older, delivered(1))
    read, list_names = FolderStore.read, FolderStore.names
    numbers, is_writing = itertools.count(2), threading.Lock()

    def write() -> None:
        """Let the older attempt write, unless it does: then it is its own call that came here."""
        if is_writing.acquire(blocking=False):
            with suppress(Stopped):
                put(older, *(delivered(next(numbers)) for _ in range(10)))
            is_writing.release()

    # Much is written while the store answers, as if it were far away.
    def read_slowly(store: FolderStore, name: str) -> bytes | None:
        write()
        return read(store, name)

    def list_slowly(store: FolderStore) -> list[str]:
        found = list_names(store)
        write()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "read", read_slowly)
        patch.setattr(FolderStore, "names", list_slowly)
        newer = begun(folder, Start.RESUME)
    with pytest.raises(Stopped, match="another attempt has taken over"):
        put(older, delivered(next(numbers)))

    assert next(numbers) > 100
    assert newer.past.totals["delivered"] >= 1
    put(newer, delivered(200_000))
    assert read_state(FolderStore(folder)).checkpoint


# --- beginning


def test_a_run_begins_only_as_it_was_asked_to(folder: Path) -> None:
    with pytest.raises(UsageError, match="there is nothing to resume: no journal at "):
        begun(folder, Start.RESUME)
    running = begun(folder)
    with pytest.raises(UsageError, match=r"the journal .* has not ended") as end:
        begun(folder)
    assert "--resume" in end.value.hint
    put(running, delivered(1))
    with pytest.raises(UsageError, match="an earlier run of /a to webhook was not finished"):
        begun(folder)
    # None of these has stopped it.
    put(running, delivered(2))
    assert begun(folder, Start.RESTART).past.totals == {}


def test_a_mistake_of_the_command_does_not_stop_an_attempt_that_runs(folder: Path) -> None:
    running = begun(folder)
    put(running, delivered(1))
    other = type(HEADER)(destination="webhook", endpoint="https://acme.example", inputs=["/b"])
    with pytest.raises(Exception, match="the run to resume read /a, not /b"):
        begin_shared(place_of(f"{folder}/"), other, [], Start.RESUME, timeout=1.0)
    put(running, delivered(2))


def test_a_finished_run_leaves_no_object_and_another_run_may_begin(folder: Path) -> None:
    for _ in range(3):
        journal = begun(folder)
        put(journal, delivered(1), refused(2))
        journal.end(finished=True)
        with pytest.raises(UsageError, match="there is nothing to resume"):
            begun(folder, Start.RESUME)

    assert b"deliver" not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_a_run_that_settled_nothing_does_not_block_another_run(folder: Path) -> None:
    begun(folder).end(finished=False)

    assert begun(folder).seconds_to_wait == 0


def test_a_long_journal_is_compacted_while_it_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_SNAPSHOT_AFTER", 10)
    journal = begun(folder)
    put(journal, *map(delivered, range(1, 300)))

    assert len(objects(folder)) < 100
    assert begun(folder, Start.RESUME).past.totals == {"delivered": 299}


def test_a_put_whose_answer_was_lost_is_found_to_be_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, lost = FolderStore.create, []

    def losing(self: FolderStore, name: str, data: bytes) -> bool:
        is_new = create(self, name, data)
        if is_new and name.startswith("0") and name not in lost:
            lost.append(name)
            raise StoreProblem("the connection broke", is_permanent=False)
        return is_new

    monkeypatch.setattr(FolderStore, "create", losing)
    monkeypatch.setattr(log, "_WAITS", (0.0,))
    put(begun(folder), delivered(1), delivered(2))

    assert len(lost) == 4
    assert begun(folder, Start.RESUME).past.totals == {"delivered": 2}


# --- rejects


@pytest.mark.parametrize("is_compacted", [True, False])
def test_rejects_move_with_the_run_and_are_written_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_compacted: bool
) -> None:
    monkeypatch.setattr(log, "_SNAPSHOT_AFTER", 1 if is_compacted else 500)
    here, there = (tmp_path / name for name in ("here.ndjson", "there.ndjson"))
    here.write_bytes(b'{"kept":"before"}\n')

    def attempt(rejects: Rejects, start: Start, *put_too: int, kept: int = 0) -> None:
        journal = begun(folder, start)
        journal.begin(rejects, [])
        for number in put_too:
            rejects.keep(refused(number))
            put(journal, refused(number))
        if kept:
            rejects.keep(refused(kept))
        rejects.close()

    # It was killed before the third one was put.
    attempt(Rejects(here), Start.FRESH, 1, 2, kept=3)
    for place in (there, here, there):
        attempt(Rejects(place), Start.RESUME)
    assert there.read_bytes().count(b"\n") == 2
    attempt(Rejects(there), Start.RESUME, 3)
    attempt(Rejects(here), Start.RESUME)

    lines = there.read_bytes().splitlines()
    assert [line.split(b",")[1] for line in lines] == [b'"line":%d' % n for n in (1, 2, 3)]
    assert sorted(here.read_bytes().splitlines()[1:]) == sorted(lines)
    held = HeldRejects()
    begun(folder, Start.RESUME).begin(held, [])
    assert [record["line"] for record in held.records()] == [1, 2, 3]
    assert b'"n":0.12345678901234567890}' in lines[0]


# --- damage


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes().rpartition(b"\n")[0].rpartition(b"\n")[0] + b"\n")


def change_state(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"delivered"', b'"rejected "'))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


def replace_by_the_previous(path: Path) -> None:
    path.write_bytes((path.parent / "000000000003.log").read_bytes())


def replace_by_one_of_another_run(path: Path) -> None:
    other = begun(path.parent.parent / "other")
    put(other, delivered(1), delivered(2))
    path.write_bytes((path.parent.parent / "other" / path.name).read_bytes())


DAMAGES = (
    *(cut, shorten, change_state, empty, remove),
    *(replace_by_the_previous, replace_by_one_of_another_run),
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_object_is_refused_and_restart_ignores_it(
    damage: Callable[[Path], None], folder: Path
) -> None:
    put(begun(folder), delivered(1), delivered(2), delivered(3))
    damage(folder / "000000000004.log")
    with pytest.raises(UsageError, match=r"is damaged: 0000\S+ (is|belongs)") as end:
        begun(folder, Start.RESUME)
    assert "--restart" in end.value.hint
    with pytest.raises(UsageError, match="is damaged"):
        begun(folder)
    again = begun(folder, Start.RESTART)
    assert again.seconds_to_wait > 0, "the attempt that wrote it may run"
    put(again, delivered(9))
    assert begun(folder, Start.RESUME).past.totals == {"delivered": 1}


def test_a_folder_with_anything_else_in_it_is_refused_and_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / ".hidden").touch()
    (folder / "photo.jpg").write_bytes(b"jpg")
    for start in (Start.FRESH, Start.RESUME, Start.RESTART):
        with pytest.raises(UsageError, match=r"holds photo\.jpg, which is no part of a journal"):
            begun(folder, start)

    assert objects(folder) == [".hidden", "photo"]


def test_another_version_is_refused(folder: Path) -> None:
    begun(folder).end(finished=False)
    for path in folder.iterdir():
        head = path.read_bytes().split(b"\n", 1)[0][len("00000000 ") :]
        path.write_bytes(encode(json.loads(head) | {"segcli_log": 2}))
    with pytest.raises(UsageError, match="was written by another version of segcli"):
        begun(folder)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"the journal \S+file/job cannot be used: Not a dir"):
        begun(tmp_path / "file" / "job")


@pytest.mark.usefixtures("memory")
def test_a_store_with_conditional_writes_that_are_not_atomic_is_recognized() -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    look_together = threading.Barrier(_AT_ONCE, timeout=PATIENCE)

    class Slow(MemoryFileSystem):  # type: ignore[misc]
        protocol = "slow"

        def exists(self, path: str, **more: object) -> bool:
            found: bool = super().exists(path, **more)
            if threading.current_thread() is not threading.main_thread():
                # All have looked before any writes.
                look_together.wait()
            return found

    import fsspec

    fsspec.register_implementation("slow", Slow, clobber=True)
    store = place_of("slow://job").store()
    with pytest.raises(UsageError, match=r"slow://job cannot hold a journal.*conditional"):
        check_conditional(store)
    assert store.names() == []
