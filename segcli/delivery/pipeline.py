"""The delivery, top to bottom: read, map, queue in lanes, post, account for."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from segcli.accounting.rejects import Rejects
from segcli.accounting.tally import Tally
from segcli.core.event import Rejected
from segcli.core.line import Line, Settled
from segcli.core.outcome import Decide, Job, Mapped, Skipped, outcomes
from segcli.delivery.acknowledge import Answered
from segcli.delivery.batch import Bounds, item_of
from segcli.delivery.ledger import Ledger, Record
from segcli.delivery.queues import Lanes
from segcli.delivery.retry import Courier
from segcli.delivery.shutdown import Brake, few_collections, signals_pull
from segcli.delivery.slots import SendSlots
from segcli.delivery.throttle import Pace
from segcli.delivery.workers import SendWorkers
from segcli.errors import Stopped
from segcli.http.client import Post, posting
from segcli.http.transports import TRANSPORTS
from segcli.journal.pending import Reading, all_lines
from segcli.lines import chunks
from segcli.lines.chunks import Input
from segcli.lines.read_ahead import read_ahead

GRACE = 10.0

_HELD_AT_MOST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What to send, and how. Times are in seconds, the rate in requests a second."""

    job: Job
    inputs: Sequence[Input]
    rejects: Path
    concurrency: int = 10
    rate: float | None = None
    timeout: float = 30.0
    retry_for: float = 600.0
    max_line: int = chunks.MAX_LINE
    transport: str = TRANSPORTS[0]
    record: Record | None = None


def deliver(run: Run, tally: Tally) -> None:
    """Send every event of the inputs; returns when every line read is settled.

    Events of one user leave in input order, one after the other. Raises Stopped where the run
    ended early; the tally adds up in any case, and its record tells what is settled.
    """
    with few_collections():
        asyncio.run(_Delivery(run, tally).go())


class _Delivery:
    """The parts of one run, put together."""

    def __init__(self, run: Run, tally: Tally) -> None:
        job = run.job
        self.run = run
        self.tally = tally
        self.brake = Brake()
        self.cut_short: Stopped | None = None
        self.ledger = Ledger(tally, Rejects(run.rejects), run.record)
        slots = SendSlots(run.concurrency, self.brake)
        self.lanes = Lanes(
            most=_HELD_AT_MOST, bounds=_bounds_of(job), brake=self.brake, slots=slots
        )
        self.answered = Answered(self.ledger, self.brake, self.lanes)
        courier = Courier(
            job=job,
            pace=Pace(
                in_flight=run.concurrency,
                rate=_lower(run.rate, job.destination.limits.rate),
                brake=self.brake,
            ),
            brake=self.brake,
            ledger=self.ledger,
            tally=tally,
            retry_for=run.retry_for,
            sleep=slots.sleep,
        )
        self.workers = SendWorkers(
            concurrency=run.concurrency,
            lanes=self.lanes,
            slots=slots,
            courier=courier,
            answered=self.answered,
        )

    async def go(self) -> None:
        """Run the feeder and all workers to their end, or until the brake is pulled."""
        try:
            self.ledger.begin(self.run.inputs)
            with signals_pull(self.brake):
                async with posting(self.run.transport, timeout=self.run.timeout) as post:
                    await self._all_tasks(post)
            if self.cut_short:
                self.brake.pull(self.cut_short)
        except BaseException as error:
            self.brake.pull(error)
            raise
        finally:
            self.ledger.close(finished=not self.brake.pulled)
        if self.brake.reason:
            raise self.brake.reason

    async def _all_tasks(self, post: Post) -> None:
        feeder = asyncio.create_task(self._feed())
        workers = [asyncio.create_task(self.workers.work(post)) for _ in range(self.workers.count)]
        everything = asyncio.gather(feeder, *workers, return_exceptions=True)
        pulled = asyncio.ensure_future(self.brake.wait_pulled())
        for task in (feeder, *workers):
            task.add_done_callback(self._pull_if_failed)
        ends: list[asyncio.Future[Any]] = [everything, pulled]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if self.brake.pulled:
            self.tally.stopping = True
            feeder.cancel()
            await self._grace(everything)
        pulled.cancel()
        await self.answered.all_on_disk()

    async def _grace(self, everything: "asyncio.Future[list[BaseException | None]]") -> None:
        """Await the answers that are under way, for a while; then give up on them."""
        slammed = asyncio.create_task(self.brake.wait_slammed(GRACE))
        ends: list[asyncio.Future[Any]] = [everything, slammed]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        slammed.cancel()
        if not everything.done():
            everything.cancel()
            # Awaited for itself: a gathering that was cancelled and never asked is complained of.
            with suppress(asyncio.CancelledError):
                await everything

    def _pull_if_failed(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            self.brake.pull(error)

    async def _feed(self) -> None:
        """Read and map every line; what is mapped goes to its lane, the rest is settled."""
        record = self.run.record
        decide = outcomes(self.run.job, mapped=record.answered if record else 0)
        async for reading in read_ahead(self._readings()):
            count = len(reading.lines) + len(reading.rejected)
            self.ledger.open(count, reading.place, reading.mark)
            for settled in await self._queue(reading, decide):
                await _to_its_end(self.ledger.settle(settled))
                # Skipped lines need not be on disk: the next run would skip them again.
                if settled.state != "skipped":
                    await self.ledger.on_disk()
            self.tally.bytes_read += reading.size
            self.tally.bytes_settled += reading.size_of_settled
            self.tally.stored_read += reading.stored
            if reading.ended is not None:
                self.ledger.ended(reading.place, reading.ended)
            await asyncio.sleep(0)
        self.lanes.close()

    def _readings(self) -> Iterator[Reading]:
        """Yield all that can be read; it is sent before an input that is cut short stops the run.

        Otherwise no later run would come further.
        """
        run = self.run
        try:
            if run.record is None:
                yield from all_lines(run.inputs, run.max_line)
            else:
                yield from run.record.readings(run.inputs, run.max_line)
        except Stopped as stopped:
            self.cut_short = stopped

    async def _queue(self, reading: Reading, decide: Decide) -> list[Settled]:
        """Put what is mapped in its lane; return the rest, settled, by state and reason."""
        rest: dict[tuple[Literal["skipped", "rejected"], str], list[Line]] = {}
        for line, problem in reading.rejected:
            rest.setdefault(("rejected", problem), []).append(line)
        found = decide([line.text for line in reading.lines])
        for line, outcome in zip(reading.lines, found, strict=True):
            match outcome:
                case Mapped() as mapped:
                    if mapped.notes:
                        self.tally.notes.update(mapped.notes)
                    await self.lanes.put(item_of(line, mapped))
                case Skipped(reason):
                    rest.setdefault(("skipped", reason), []).append(line)
                case Rejected() as rejected:
                    rest.setdefault(("rejected", str(rejected)), []).append(line)
        return [Settled(lines, state, reason) for (state, reason), lines in rest.items()]


async def _to_its_end(settling: Coroutine[Any, Any, None]) -> None:
    """Do not leave a line half settled, kept and not counted, where the feeder is cancelled."""
    task = asyncio.create_task(settling)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


def _bounds_of(job: Job) -> Callable[[str], Bounds]:
    def bounds(route: str) -> Bounds:
        events = job.destination.events_per_request(route, job.settings)
        return Bounds(events, job.destination.bytes_per_request(route, job.settings))

    return bounds


def _lower(one: float | None, other: float | None) -> float | None:
    return min((rate for rate in (one, other) if rate is not None), default=None)
