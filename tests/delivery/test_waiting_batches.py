"""A batch that waits for its retry delays its own users and no others."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import clock, item, play
from support.pipelines import Answers, Pipeline, pipeline
from support.slow_store import SlowStore

from segcli.accounting.tally import STATES_OF_SEND
from segcli.core.reply import Reply
from segcli.delivery.batch import QueuedPayload
from segcli.delivery.shutdown import StopSignal
from segcli.delivery.slots import SendSlots
from segcli.errors import Interrupted, Stopped
from segcli.http.client import NoReply

OK = Reply(200)


def of_users(users: Iterable[str]) -> list[QueuedPayload]:
    """Return an event for each user, in this order; bodies are `user/number`."""
    return [
        item(f"{user}/{number}".encode(), user=user, number=number)
        for number, user in enumerate(users)
    ]


def one_each(**users: int) -> list[QueuedPayload]:
    """Return one event for each user: this many users for each prefix of names, in order."""
    return of_users(f"{name}{number}" for name, count in users.items() for number in range(count))


def failing(users: str, until: float = 1e9, status: int = 500) -> Answers:
    """Answer after 20 ms; users with this prefix fail until this time."""

    async def answers(bodies: list[bytes]) -> Reply:
        fails = clock() < 1000 + until and any(body.startswith(users.encode()) for body in bodies)
        await asyncio.sleep(0.02)
        return Reply(status) if fails else OK

    return answers


def sent(found: Pipeline, items: Sequence[QueuedPayload], answers: Answers) -> Pipeline:
    play(found.send(items, answers))
    return found


def adds_up(found: Pipeline) -> bool:
    return sum(found.tally.ledger(STATES_OF_SEND).values()) == found.tally.read


# --- slots


def test_batches_waiting_for_a_retry_free_their_slots(tmp_path: Path) -> None:
    found = pipeline(tmp_path, concurrency=4)
    seen = []

    async def story() -> None:
        began = asyncio.get_running_loop().call_later
        began(0.49, lambda: seen.append((found.tally.delivered, found.tally.retries)))
        await found.send(one_each(bad=4, good=80), failing("bad", until=0.1))

    play(story())

    # At four in 20 ms, 96 events fit into this time; each of the four waits for half a second.
    assert seen == [(80, 4)]
    assert found.tally.delivered == 84
    assert found.most_in_flight == 4


@pytest.mark.parametrize("concurrency", [2, 5, 16])
def test_at_most_twice_the_concurrency_of_batches_wait(concurrency: int, tmp_path: Path) -> None:
    """As many more batches hold slots, so no new batch is taken."""
    found = pipeline(tmp_path, concurrency=concurrency, retry_for=20)
    sent(found, one_each(u=500), failing("u"))

    assert len({bodies[0] for _, bodies in found.posts}) == 3 * concurrency
    assert found.most_in_flight == concurrency
    assert found.tally.unsent == 500


@pytest.mark.parametrize(("bad", "places"), [(8, 4), (9, 3), (11, 1)])
def test_further_waiting_batches_keep_their_slots(bad: int, places: int, tmp_path: Path) -> None:
    found = pipeline(tmp_path, concurrency=4)
    while_all_wait = []

    async def answers(bodies: list[bytes]) -> Reply:
        if found.tally.retries == bad and clock() < 1000.5:
            while_all_wait.append(found.in_flight)
        return await failing("bad", until=0.2)(bodies)

    sent(found, one_each(bad=bad, good=200), answers)

    assert max(while_all_wait) == places
    assert found.tally.delivered == bad + 200


def test_batch_after_its_wait_is_sent_before_new_batches(tmp_path: Path) -> None:
    found = pipeline(tmp_path, concurrency=2)
    sent(found, one_each(bad=1, good=200), failing("bad", until=0.1))

    first, second = found.times_of(b"bad0/0")
    assert second - first == pytest.approx(0.52, abs=0.021)


def test_nothing_overtakes_a_waiting_batch_with_concurrency_1(tmp_path: Path) -> None:
    found = pipeline(tmp_path, concurrency=1)
    items = one_each(a=3, bad=1, z=9)
    sent(found, items, failing("bad", until=3))

    order = [bodies[0] for _, bodies in found.posts]
    assert list(dict.fromkeys(order)) == [item.body for item in items]
    # All attempts of the failing batch follow each other.
    assert order == sorted(order)
    assert found.tally.retries > 0


# --- order


@given(
    users=st.lists(st.sampled_from("abcdefgh"), max_size=60),
    concurrency=st.integers(1, 5),
    events=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_events_of_a_user_arrive_once_in_order_under_any_failures(
    users: list[str],
    concurrency: int,
    events: int,
    seed: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    dice = random.Random(seed)
    under_way: set[bytes] = set()
    taken: list[bytes] = []

    async def answers(bodies: list[bytes]) -> Reply | NoReply:
        these = {body[:1] for body in bodies}
        assert not these & under_way
        under_way.update(these)
        await asyncio.sleep(dice.choice([0.25, 0.5, 1]))
        under_way.difference_update(these)
        fault = dice.choice([None, None, 500, 503, "no reply"])
        if fault is None:
            taken.extend(bodies)
            return OK
        return Reply(fault) if isinstance(fault, int) else NoReply("reset")

    items = of_users(users)
    folder = tmp_path_factory.mktemp("run")
    found = pipeline(folder, concurrency=concurrency, events=events, retry_for=1e6)
    sent(found, items, answers)

    assert Counter(taken) == Counter(item.body for item in items)
    for user in set(users):
        mine = [body for body in taken if body.startswith(user.encode())]
        assert mine == [item.body for item in items if item.user == user]
    assert found.tally.delivered == len(items) == found.tally.read
    assert found.most_in_flight <= concurrency


# --- stopping


@pytest.mark.parametrize("concurrency", [1, 4])
def test_interrupted_run_ends_at_once_with_waiting_batches_unsent(
    concurrency: int, tmp_path: Path
) -> None:
    found = pipeline(tmp_path, concurrency=concurrency)
    ctrl_c = Interrupted("interrupted", signal_number=2)
    ended = []

    async def story() -> None:
        asyncio.get_running_loop().call_later(0.3, found.stop_signal.stop, ctrl_c)
        await found.send(one_each(bad=9, good=200), failing("bad"))
        ended.append(clock() - 1000)

    play(story())
    requests = found.tally.requests

    assert ended == [pytest.approx(0.3, abs=0.021)]
    assert found.stop_signal.reason is ctrl_c
    assert adds_up(found)
    assert found.tally.unsent == found.tally.read - found.tally.delivered >= 9
    assert requests == len(found.posts)


def stopped_after(found: Pipeline, items: Sequence[QueuedPayload], answers: Answers) -> float:
    """Return after how many seconds a run was stopped."""
    at: list[float] = []
    found.stop_signal.on_stop(lambda: at.append(clock() - 1000))
    sent(found, items, answers)
    return at[0]


def test_run_stops_after_retry_for_with_many_waiting_batches(
    tmp_path: Path,
) -> None:
    """Each request fails after half a minute, and has to wait for a slot."""

    async def silent(_bodies: list[bytes]) -> NoReply:
        await asyncio.sleep(30)
        return NoReply("no answer within 30 s")

    found = pipeline(tmp_path, concurrency=4, retry_for=100)
    after = stopped_after(found, one_each(u=500), silent)

    # From the first failure, after 30 s, to the first failure after the time is over.
    assert 130 <= after <= 160
    assert isinstance(found.stop_signal.reason, Stopped)
    assert (found.tally.delivered, found.tally.unsent) == (0, 500)


def test_newly_failing_batch_does_not_extend_retry_for(tmp_path: Path) -> None:
    async def answers(bodies: list[bytes]) -> Reply:
        is_first = len(found.times_of(bodies[0])) == 1
        waits = {b"a0/0": (0, 1_000), b"b0/1": (60, 0)}
        await asyncio.sleep(waits[bodies[0]][0 if is_first else 1])
        return Reply(500)

    found = pipeline(tmp_path, concurrency=2, retry_for=100)

    # One fails at once and then does not answer for long; the other fails from 60 s.
    assert stopped_after(found, one_each(a=1, b=1), answers) == 100


def test_stop_releases_tasks_that_wait_for_a_slot() -> None:
    async def story() -> float:
        stop_signal = StopSignal()
        slots = SendSlots(1, stop_signal)
        slots.take()
        asyncio.get_running_loop().call_later(0.2, slots.take)
        asyncio.get_running_loop().call_later(7, stop_signal.stop, Stopped("enough"))
        await slots.sleep(0.5)
        return clock() - 1000

    assert play(story()) == 7


def test_wrong_key_stops_a_run_with_waiting_batches(tmp_path: Path) -> None:
    async def answers(bodies: list[bytes]) -> Reply:
        await asyncio.sleep(0.02)
        return Reply(500) if bodies[0].startswith(b"bad") else Reply(401)

    found = sent(pipeline(tmp_path, concurrency=2), one_each(bad=2, good=5), answers)

    assert isinstance(found.stop_signal.reason, Stopped)
    assert "401" in found.stop_signal.reason.message
    assert adds_up(found)
    assert found.tally.unsent == 7


# --- retry storms


def times_of_failed_requests(
    folder: Path, headers: dict[str, str], concurrency: int
) -> list[float]:
    """Return when each request was sent to a vendor that is down for 8 s with this reply."""

    async def down(_bodies: list[bytes]) -> Reply:
        await asyncio.sleep(0.02)
        return Reply(503, {"date": "Tue, 03 Feb 2026 10:00:00 GMT", **headers})

    chance = random.Random(5).random
    found = pipeline(folder, concurrency=concurrency, retry_for=8, chance=chance)
    sent(found, one_each(u=1_000), down)
    assert adds_up(found)
    return [at for at, _ in found.posts]


@pytest.mark.parametrize("concurrency", [1, 10])
@pytest.mark.parametrize(
    "asked", ["0", "0.0", "Tue, 03 Feb 2026 09:00:00 GMT", "Tue, 03 Feb 2026 10:00:00 GMT", "-1"]
)
def test_retry_after_0_causes_no_more_requests_than_no_retry_after(
    asked: str, concurrency: int, tmp_path: Path
) -> None:
    without = times_of_failed_requests(tmp_path, {}, concurrency)

    assert times_of_failed_requests(tmp_path, {"retry-after": asked}, concurrency) == without
    assert len(without) < 40 * concurrency


# --- memory and the progress store


def test_waiting_batches_count_against_the_memory_bound(tmp_path: Path) -> None:
    items = [item(b"x" * 500, user=f"u{number}", number=number) for number in range(2_000)]
    weight = items[0].weight
    found = pipeline(tmp_path, concurrency=8, events=10, most=50 * weight, retry_for=60)
    held = []

    async def answers(_bodies: list[bytes]) -> Reply:
        await asyncio.sleep(0.02)
        held.append(found.tally.read - found.tally.delivered)
        return Reply(500 if clock() < 1020 and len(held) % 3 else 200)

    sent(found, items, answers)

    assert max(held) <= 51
    assert found.tally.delivered == 2_000
    assert found.tally.retries > 0


@given(
    concurrency=st.integers(2, 5),
    seed=st.integers(0, 99),
    faults=st.sampled_from([[200, 200, 500], [200, 200, 503], [200, 500, 503, 429]]),
)
def test_unsaved_deliveries_never_exceed_the_concurrency(
    concurrency: int, seed: int, faults: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """So a kill at any moment makes at most this many events be sent twice."""
    dice = random.Random(seed)
    store: Any = SlowStore()
    at_vendor: set[int] = set()

    async def answers(bodies: list[bytes]) -> Reply:
        number = int(bodies[0].split(b"/")[1])
        at_vendor.add(number)
        assert len(at_vendor - store.lines) <= concurrency
        await asyncio.sleep(dice.choice([0.25, 0.5, 0.5, 1]))
        status = dice.choice(faults)
        if status != 200:
            at_vendor.discard(number)
        return Reply(status)

    folder = tmp_path_factory.mktemp("run")
    found = pipeline(folder, concurrency=concurrency, store=store, retry_for=1e6)
    sent(found, of_users(dice.choice("abcdefghijkl") for _ in range(30)), answers)

    assert store.lines == set(range(30))
