"""A sync stores a change on disk before it is sent, and its result after, in that order."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from support.engage import audience, difference, opened
from support.fakes import wait_until

from segcli.core.line import Line, Result
from segcli.engage.identify import Computation
from segcli.engage.state import DeliveryState, EngageState, MemberChanges
from segcli.engage.sync import SyncProgress
from segcli.lines.chunks import Input

BIG = Computation(kind="audience", key="big", label="Acme")
Fates = list[tuple[DeliveryState, int]]


class RecordingState(EngageState):
    """A state that records calls of `note`, and may block the first one."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.notes: list[Fates] = []
        self.first_goes_on = threading.Event()
        self.first_goes_on.set()
        self.second_came = threading.Event()

    def note(self, difference: MemberChanges, fates: Iterable[tuple[DeliveryState, int]]) -> None:
        if self.notes:
            self.second_came.set()
        self.notes.append(list(fates))
        self.first_goes_on.wait()
        super().note(difference, self.notes[-1])


@pytest.fixture
def state(tmp_path: Path) -> Iterator[RecordingState]:
    state = RecordingState(tmp_path / "state.sqlite")
    yield state
    state.close()


@pytest.fixture
def progress(state: RecordingState) -> SyncProgress:
    """A sync with changes for five users."""
    found = difference(state, audience("u1", "u2", "u3", "u4", "u5"))
    return SyncProgress(state, found, BIG, at="2026-02-03T10:11:12.000Z")


def line(place: int) -> Line:
    return Line("m.csv", place + 1, b"{}", place)


def users_in_doubt(path: Path) -> int:
    """Return how many users may know something, according to the state."""
    with opened(path, dry_run=True) as state:
        return difference(state, []).known


def test_change_is_recorded_on_disk_before_it_is_sent(
    progress: SyncProgress, tmp_path: Path
) -> None:
    asyncio.run(progress.before_send([line(1), line(2)]))

    assert users_in_doubt(tmp_path / "state.sqlite") == 2


def test_retried_change_is_not_recorded_twice(
    progress: SyncProgress, state: RecordingState
) -> None:
    async def story() -> None:
        await progress.before_send([line(1), line(2)])
        await progress.before_send([line(2)])
        await progress.before_send([line(2), line(3)])

    asyncio.run(story())

    assert state.notes == [[("sent", 1), ("sent", 2)], [("sent", 3)]]


def test_results_are_recorded_in_order_on_synced(
    progress: SyncProgress, state: RecordingState
) -> None:
    async def story() -> None:
        await progress.before_send([line(1), line(2), line(3)])
        progress.settle(Result([line(2)], "delivered"))
        progress.settle(Result([line(3)], "refused"))
        progress.settle(Result([line(1)], "delivered"))
        await progress.synced()

    asyncio.run(story())

    assert state.notes[1] == [("delivered", 2), ("refused", 3), ("delivered", 1)]
    assert state.known()[0].pending == 3


def test_change_refused_after_two_tries_stays_in_doubt(
    progress: SyncProgress, tmp_path: Path
) -> None:
    async def story() -> None:
        await progress.before_send([line(1), line(2)])
        await progress.before_send([line(1)])
        progress.settle(Result([line(1), line(2)], "refused"))
        await progress.synced()

    asyncio.run(story())

    assert users_in_doubt(tmp_path / "state.sqlite") == 1


def test_unsent_change_is_not_recorded(progress: SyncProgress, state: RecordingState) -> None:
    async def story() -> None:
        progress.settle(Result([line(1)], "rejected"))
        progress.settle(Result([line(2)], "skipped"))
        await progress.synced()

    asyncio.run(story())

    assert state.notes == []
    assert state.known()[0].pending == 5


def test_end_records_remaining_results(progress: SyncProgress, state: RecordingState) -> None:
    asyncio.run(progress.before_send([line(1)]))
    progress.settle(Result([line(1)], "delivered"))
    progress.end(finished=False)
    [known] = state.known()

    assert (known.members, known.pending, known.last_sync) == (1, 4, "")


def test_end_of_a_finished_sync_is_recorded(progress: SyncProgress, state: RecordingState) -> None:
    progress.end(finished=True)

    assert state.known()[0].last_sync == "2026-02-03T10:11:12.000Z"


def test_end_waits_for_a_write_in_progress(progress: SyncProgress, state: RecordingState) -> None:
    """After a second Ctrl-C, nothing waits for the thread that writes."""
    state.first_goes_on.clear()

    async def story() -> None:
        sending = asyncio.create_task(progress.before_send([line(1)]))
        await asyncio.to_thread(wait_for_first, state)
        progress.settle(Result([line(1)], "delivered"))
        ending = asyncio.create_task(asyncio.to_thread(progress.end, finished=False))
        overtaken = await asyncio.to_thread(state.second_came.wait, 0.2)
        state.first_goes_on.set()
        await asyncio.gather(sending, ending)
        assert not overtaken

    asyncio.run(story())

    assert state.notes == [[("sent", 1)], [("delivered", 1)]]
    assert state.known()[0].members == 1


def wait_for_first(state: RecordingState) -> None:
    wait_until(lambda: bool(state.notes))


def test_every_change_is_read_once_with_the_line_of_its_member(progress: SyncProgress) -> None:
    [reading] = progress.pending_lines([Input("m.csv", None)], 100)

    assert [(one.file, one.number, one.place) for one in reading.lines] == [
        ("m.csv", number + 1, number) for number in range(1, 6)
    ]
    assert reading.size == sum(one.size for one in reading.lines)
