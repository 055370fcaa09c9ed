"""Shared journals for tests: begin one without a run, see what is in its place."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from support.journals import HEADER

from segcli.core.line import Result
from segcli.journal.resume import Start
from segcli.shared_journal.place import SharedPlace, shared_place
from segcli.shared_journal.shared_journal import SharedJournal
from segcli.shared_journal.take_over import begin_shared


@dataclass(slots=True)
class Clock:
    """A clock that stands."""

    now: float = 1000.0

    def pass_time(self, seconds: float) -> None:
        self.now += seconds


def place_of(name: object) -> SharedPlace:
    place = shared_place(str(name))
    assert place
    return place


def begun(folder: Path, start: Start = Start.FRESH, *, timeout: float = 0.0) -> SharedJournal:
    """Begin an attempt of a run without inputs."""
    return begin_shared(place_of(f"{folder}/"), HEADER, [], start, timeout=timeout)


def put(journal: SharedJournal, *results: Result) -> None:
    """Settle these, each with a put of its own."""

    async def settle() -> None:
        for result in results:
            journal.settle(result)
            await journal.synced()

    asyncio.run(settle())


def objects(folder: Path) -> list[str]:
    """Return the names of the objects, without their ending."""
    return sorted(path.stem.lstrip("0") for path in folder.iterdir())
