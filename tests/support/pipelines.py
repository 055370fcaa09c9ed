"""Queues, workers and sender of a run on a simulated clock, with a vendor in this process."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from support.fakes import clock
from support.retry_harness import AcmeSettings, acme

from segcli.accounting.rejects import Rejects
from segcli.accounting.tally import Tally
from segcli.core.destination import Request
from segcli.core.outcome import Job
from segcli.core.reply import Reply, by_status
from segcli.delivery.acknowledge import Acknowledger
from segcli.delivery.batch import Bounds, QueuedPayload
from segcli.delivery.ledger import Ledger
from segcli.delivery.pipeline import SendWorkers
from segcli.delivery.progress_store import ProgressStore
from segcli.delivery.queues import SendQueue
from segcli.delivery.retry import BatchSender
from segcli.delivery.shutdown import StopSignal
from segcli.delivery.slots import SendSlots
from segcli.delivery.throttle import Throttle
from segcli.delivery.user_throttle import UserThrottle
from segcli.http.client import NoReply

Answers = Callable[[list[bytes]], Awaitable[Reply | NoReply]]


@dataclass(slots=True)
class Pipeline:
    """All of a run but its inputs and HTTP; `posts` has when each request left, and its events."""

    workers: SendWorkers
    tally: Tally
    ledger: Ledger
    stop_signal: StopSignal
    bounds: Bounds
    posts: list[tuple[float, list[bytes]]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    @property
    def queue(self) -> SendQueue:
        return self.workers.queue

    @property
    def throttle(self) -> Throttle:
        return self.workers.sender.throttle

    async def send(self, items: Iterable[QueuedPayload], answers: Answers) -> None:
        """Send the items, and return when the run is over; what is left then is unsent."""

        async def post(request: Request) -> Reply | NoReply:
            bodies = request.body.split(b",")
            self.posts.append((clock(), bodies))
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            try:
                return await answers(bodies)
            finally:
                self.in_flight -= 1

        working = [self.workers.work(post) for _ in range(self.workers.count)]
        await asyncio.gather(self._feed(items), *working)
        await self.workers.acknowledger.all_on_disk()
        self.ledger.close(finished=not self.stop_signal.is_stopped)

    async def _feed(self, items: Iterable[QueuedPayload]) -> None:
        for item in items:
            if self.stop_signal.is_stopped:
                return
            self.ledger.open(1)
            await self.queue.put(replace(item, bounds=self.bounds))
        self.queue.close()

    def times_of(self, body: bytes) -> list[float]:
        """Return when each request with this event left."""
        return [at for at, bodies in self.posts if body in bodies]


def pipeline(
    folder: Path,
    *,
    concurrency: int,
    events: int = 1,
    most: int = 16 * 1024 * 1024,
    store: ProgressStore | None = None,
    user_throttle: UserThrottle | None = None,
    **more: Any,
) -> Pipeline:
    """Make one whose clock is the story's, and whose chance is always 1."""
    tally, stop_signal, rate = Tally(), StopSignal(), more.pop("rate", None)
    ledger = Ledger(tally, Rejects(folder / "rejects.ndjson"), store)
    slots = SendSlots(concurrency, stop_signal)
    queue = SendQueue(most=most, stop_signal=stop_signal, slots=slots, user_throttle=user_throttle)
    throttle = Throttle(in_flight=concurrency, rate=rate, stop_signal=stop_signal, now=clock)
    sender = BatchSender(
        job=Job(destination=acme(by_status), settings=AcmeSettings()),
        throttle=throttle,
        stop_signal=stop_signal,
        ledger=ledger,
        tally=tally,
        now=clock,
        sleep=slots.sleep,
        **({"retry_for": 600.0, "chance": lambda: 1.0} | more),
    )
    workers = SendWorkers(
        concurrency=concurrency,
        queue=queue,
        slots=slots,
        sender=sender,
        acknowledger=Acknowledger(ledger, stop_signal, queue, throttle),
    )
    return Pipeline(workers, tally, ledger, stop_signal, Bounds(events))
