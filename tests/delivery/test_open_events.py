"""The ledger settles a line that several actions take with the last of them."""

import asyncio
from collections.abc import Sequence

import msgspec

from segcli.accounting.tally import Tally
from segcli.core.line import Line, Result
from segcli.delivery.ledger import Ledger
from segcli.delivery.progress_store import NullProgressStore
from segcli.journal.event_parts import SettledAction

LINE = Line("a.jsonl", 1, b"{}")


class Recorded(NullProgressStore):
    """A store and a rejects file in one, which record in which order they are called."""

    def __init__(self, earlier: Sequence[SettledAction] = ()) -> None:
        self.calls: list[object] = []
        self._earlier = earlier

    @property
    def needs_sync(self) -> bool:
        return True

    def promise(self, lines: int) -> None:
        self.calls.append(("promise", lines))

    def keep(self, settled: Result) -> None:
        self.calls.append(("keep", [one.action for one in settled.failures]))

    async def synced(self) -> None:
        self.calls.append("synced")

    def try_sync(self) -> bool:
        return False

    def settle_actions(self, settled: Result) -> None:
        self.calls.append((settled.state, *(line.action for line in settled.lines)))

    def settled_actions(self, line: Line) -> Sequence[SettledAction]:
        assert line == LINE
        return self._earlier

    def settle(self, settled: Result) -> None:
        assert settled.lines == [LINE]
        self.calls.append((settled.state, "line"))

    def close(self) -> None:
        """Nothing is open."""


def of(action: str) -> list[Line]:
    return [msgspec.structs.replace(LINE, action=action)]


def test_a_line_with_a_failure_is_in_the_rejects_file_on_disk_before_it_is_settled() -> None:
    store, tally = Recorded(), Tally()
    ledger = Ledger(tally, store, store)

    async def story() -> None:
        ledger.open(1)
        assert ledger.open_event(LINE, ["A", "B", "C"]) == {"A", "B", "C"}
        ledger.delivered(of("A"))
        await ledger.on_disk()
        await ledger.settle(Result(of("B"), "refused", "HTTP 400", 400, 1))
        await ledger.on_disk()
        ledger.delivered(of("C"))
        # Two tasks may wait at once: each returns once the line is settled.
        await asyncio.gather(ledger.on_disk(), ledger.on_disk())

    asyncio.run(story())
    assert store.calls == [
        ("promise", 1),
        ("promise", 3),
        ("delivered", "A"),
        "synced",
        ("refused", "B"),
        "synced",
        ("delivered", "C"),
        ("keep", ["B"]),
        "synced",
        ("refused", "line"),
        "synced",
        "synced",
    ]
    assert (tally.read, tally.delivered, tally.refused) == (1, 0, 1)
    assert tally.actions == {("A", "delivered"): 1, ("B", "refused"): 1, ("C", "delivered"): 1}


def test_a_line_with_an_open_action_is_unsent_and_so_is_the_action() -> None:
    store, tally = Recorded([SettledAction("A", "delivered", None)]), Tally()
    ledger = Ledger(tally, store, store)

    async def story() -> None:
        ledger.open(1)
        assert ledger.open_event(LINE, ["A", "B", "C"]) == {"B", "C"}
        await ledger.settle(Result(of("B"), "rejected", "no"))
        ledger.close(finished=False)

    asyncio.run(story())
    assert ("keep", ["B"]) not in store.calls
    assert (tally.rejected, tally.unsent) == (0, 1)
    assert tally.actions == {("B", "rejected"): 1, ("C", "unsent"): 1}
