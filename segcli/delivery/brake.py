"""The brake: how a run stops in order. Whatever waits, waits here, so that it can be told."""

import asyncio
import contextlib
from collections.abc import Callable


class Brake:
    """Pulled once, with the reason; from then on no new request leaves."""

    def __init__(self) -> None:
        self.reason: BaseException | None = None
        self._pulled = asyncio.Event()
        self._slammed = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    @property
    def pulled(self) -> bool:
        """Tell whether the run is to stop."""
        return self.reason is not None

    def pull(self, reason: BaseException) -> None:
        """Stop the run; the first reason counts."""
        if self.reason is None:
            self.reason = reason
            self._pulled.set()
            for listener in self._listeners:
                listener()

    def slam(self) -> None:
        """Do not even wait for the requests in flight."""
        self._slammed.set()

    def on_pull(self, listener: Callable[[], None]) -> None:
        """Call the listener when the brake is pulled, to wake who waits for something else."""
        self._listeners.append(listener)

    async def sleep(self, seconds: float) -> None:
        """Sleep that long, or until the brake is pulled."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._pulled.wait()

    async def wait_pulled(self) -> None:
        """Return when the brake is pulled."""
        await self._pulled.wait()

    async def wait_slammed(self, seconds: float) -> None:
        """Return when the brake is slammed, at the latest after that many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._slammed.wait()
