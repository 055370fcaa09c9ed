"""How many results one sync is for: more while no event waits for them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.fakes import clock, item, play
from support.pipelines import Pipeline, pipeline
from support.slow_store import SlowStore

from segcli.core.reply import Reply
from segcli.delivery.batch import QueuedPayload


@dataclass(slots=True)
class CountingStore(SlowStore):
    """Counts its syncs; each takes 30 ms, as a put does."""

    seconds: float = 0.03
    gather_seconds: float = 1.0
    syncs: int = 0

    async def synced(self) -> None:
        self.syncs += 1
        await SlowStore.synced(self)


def events(count: int, users: int) -> list[QueuedPayload]:
    return [item(b"x", user=f"u{number % users}", number=number) for number in range(count)]


async def accepted(_bodies: list[bytes]) -> Reply:
    return Reply(200)


async def seconds(found: Pipeline, items: list[QueuedPayload]) -> float:
    began = clock()
    await found.send(items, accepted)
    return clock() - began


@pytest.mark.parametrize(
    ("users", "rate", "most_syncs"),
    [(400, 20, 32), (400, 100, 20), (20, 20, 64), (400, None, 40)],
    ids=["one a second", "32 each", "few users", "no rate"],
)
def test_a_sync_is_for_many_results_while_others_can_be_sent(
    users: int, rate: float | None, most_syncs: int, tmp_path: Path
) -> None:
    store: Any = CountingStore()
    found = pipeline(tmp_path, concurrency=16, store=store, rate=rate)

    took = play(seconds(found, events(400, users)))

    assert found.tally.delivered == 400
    assert store.syncs <= most_syncs
    if rate:
        assert took == pytest.approx(400 / rate, rel=0.03)


def test_a_user_that_others_do_not_keep_waiting_is_released_at_once(tmp_path: Path) -> None:
    store: Any = CountingStore()
    found = pipeline(tmp_path, concurrency=16, store=store, rate=100)

    took = play(seconds(found, events(100, 1)))

    # Each event waits for the sync of the one before it, and for nothing else.
    assert took == pytest.approx(100 * 0.03, rel=0.05)
    assert store.syncs == 100
