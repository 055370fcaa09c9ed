"""A progress store for the tests of the delivery; no tests here."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from segcli.core.line import Line, Result


@dataclass(slots=True)
class SlowStore:
    """A progress store whose disk takes a while; `lines` are those with a saved result."""

    lines: set[int] = field(default_factory=set)
    needs_before_send: bool = False
    needs_sync: bool = True
    gather_seconds: float = 0.024
    seconds: float = 0.003

    def settle(self, settled: Result) -> None:
        self.lines.update(line.number for line in settled.lines)

    def try_sync(self) -> bool:
        return False

    async def synced(self) -> None:
        await asyncio.sleep(self.seconds)

    def promise(self, lines: int) -> None:
        """There is always room."""

    async def before_send(self, lines: Sequence[Line]) -> None:
        """Nothing is saved."""

    def end(self, *, finished: bool) -> None:
        """There are no files."""
