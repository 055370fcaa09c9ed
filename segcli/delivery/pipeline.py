"""The pipeline of a send: read, map, queue, post, and account for every line."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from segcli.accounting.reject_samples import RejectSamples
from segcli.accounting.rejects import Rejects, RejectStore
from segcli.accounting.tally import Tally
from segcli.core.decision import Decision, FanOut, Mapped, Skipped, left_out_note, payloads_of
from segcli.core.destination import Unmapped
from segcli.core.event import Rejected
from segcli.core.line import Line, Result
from segcli.core.outcome import Decide, Job, make_mapper
from segcli.core.reason import is_too_old
from segcli.core.redaction import Redactor
from segcli.delivery.acknowledge import Acknowledger
from segcli.delivery.batch import Bounds, item_of
from segcli.delivery.delivery_log import DeliveryLog, delivery_log, wire_log
from segcli.delivery.first_delivered import FirstDelivered
from segcli.delivery.ledger import Ledger
from segcli.delivery.progress_store import NullProgressStore, ProgressStore
from segcli.delivery.queues import SendQueue
from segcli.delivery.rate import SharedRate
from segcli.delivery.retry import BatchSender
from segcli.delivery.shutdown import OutsideStop, StopSignal, relaxed_gc, stop_on_signals
from segcli.delivery.slots import SendSlots
from segcli.delivery.throttle import Throttle
from segcli.delivery.user_throttle import user_throttle_of
from segcli.delivery.without_request import LinesWithoutRequest
from segcli.errors import Stopped
from segcli.http.client import Post
from segcli.http.network import Network
from segcli.http.token_post import TokenPost
from segcli.http.transports import TRANSPORTS, open_client
from segcli.journal.pending import PendingLines
from segcli.lines import chunks
from segcli.lines.chunks import Input
from segcli.lines.read_ahead import read_ahead

# Seconds to wait for requests in flight once the run is stopping.
GRACE = 10.0

# Bytes of payloads in memory.
_MAX_QUEUED = 16 * 1024 * 1024
_MAX_ROUTES = 1024
# How many batches may wait for a retry without a slot, for each slot.
_WAITING_PER_SLOT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRun:
    """What to send, and how. Times are in seconds, the rate in requests a second.

    rejects: the rejects file, or where else rejects are kept.
    shared_rate: the share of this run, if its rate is that of several runs together.
    route_share: its part of the rates of single routes then.
    network: proxies and certificates.
    progress: where results are saved; without one the run cannot be resumed.
    samples: keeps a few rejected and refused lines; None if they are not needed.
    first: where the first delivered lines are remembered; None if they are not needed.
    owns_process: the process exists for this run: it stops on signals, and collects garbage less
        often. Otherwise the run leaves the process as it is.
    outside: stops the run from another thread.
    """

    job: Job
    inputs: Sequence[Input]
    rejects: Path | RejectStore
    concurrency: int = 10
    rate: float | None = None
    shared_rate: SharedRate | None = None
    route_share: float = 1.0
    timeout: float = 30.0
    retry_for: float = 600.0
    max_line: int = chunks.MAX_LINE
    transport: str = TRANSPORTS[0]
    network: Network = Network()
    progress: ProgressStore | None = None
    samples: RejectSamples | None = None
    first: FirstDelivered | None = None
    owns_process: bool = False
    outside: OutsideStop | None = None


def deliver(run: SendRun, tally: Tally) -> None:
    """Send every event of the inputs; returns when every line is settled.

    Events of one user are sent in input order, one after the other. Raises Stopped if the run ends
    early. In any case the tally accounts for every line read. The progress store has every result,
    unless it could not be written: that stops the run, and a resumed run sends those lines again.
    """
    with relaxed_gc() if run.owns_process else nullcontext():
        asyncio.run(_Delivery(run, tally).go())


@dataclass(frozen=True, slots=True, kw_only=True)
class SendWorkers:
    """The workers of a run, which share `concurrency` slots.

    A worker has a slot while it sends, and none while its batch waits for a retry. There are
    three workers for each slot: up to twice `concurrency` batches wait beside those that are
    sent, and for each one more that waits one fewer is sent.
    """

    concurrency: int
    queue: SendQueue
    slots: SendSlots
    sender: BatchSender
    acknowledger: Acknowledger

    @property
    def count(self) -> int:
        """The number of workers.

        With one slot there is one worker: requests are sent in the order of the input, and none
        is sent while a batch waits for its retry.
        """
        return 1 if self.concurrency == 1 else self.concurrency * (1 + _WAITING_PER_SLOT)

    async def work(self, post: Post) -> None:
        """Send batches, one after the other, until none is left."""
        while await self._send_next(post):
            pass

    async def _send_next(self, post: Post) -> bool:
        """Send the next batch; False when none is left. A waiting worker holds no batch."""
        batch = await self.queue.next_batch()
        if not batch:
            return False
        # A result is saved in the iteration of the event loop after its reply: do not use its
        # slot before that. Sending requests one after the other, instead of each between two
        # replies, also made a run 10 % faster.
        await asyncio.sleep(0)
        if self.sender.ledger.failure:
            self.sender.stop_signal.stop(self.sender.ledger.failure)
        await self.sender.send(batch, post)
        self.acknowledger.add(batch)
        if self.concurrency == 1:
            await self.acknowledger.all_on_disk()
        self.slots.release()
        return True


class _Delivery:
    """The parts of one run, connected."""

    def __init__(self, run: SendRun, tally: Tally) -> None:
        job = run.job
        self.run = run
        self.bounds_of = _bounds_of(job)
        self.counts_actions = len(job.destination.actions) > 1
        self.tally = tally
        self.stop_signal = StopSignal()
        self.cut_short: Stopped | None = None
        self.store = run.progress or NullProgressStore()
        rejects = Rejects(run.rejects) if isinstance(run.rejects, Path) else run.rejects
        self.redactor = Redactor(job.secrets())
        self.log = delivery_log(self.redactor)
        self.ledger = Ledger(tally, rejects, self.store, self.log)
        self.ledger.first, self.ledger.samples = run.first, run.samples
        slots = SendSlots(run.concurrency, self.stop_signal)
        self.queue = SendQueue(
            most=_MAX_QUEUED,
            stop_signal=self.stop_signal,
            slots=slots,
            user_throttle=user_throttle_of(job),
        )
        throttle = _throttle_of(run, self.stop_signal)
        self.acknowledger = Acknowledger(self.ledger, self.stop_signal, self.queue, throttle)
        self.workers = SendWorkers(
            concurrency=run.concurrency,
            queue=self.queue,
            slots=slots,
            sender=self._sender(throttle, slots),
            acknowledger=self.acknowledger,
        )

    def _sender(self, throttle: Throttle, slots: SendSlots) -> BatchSender:
        return BatchSender(
            job=self.run.job,
            throttle=throttle,
            stop_signal=self.stop_signal,
            ledger=self.ledger,
            tally=self.tally,
            retry_for=self.run.retry_for,
            sleep=slots.sleep,
            redactor=self.redactor,
            log=self.log,
            wire_log=wire_log(self.redactor),
        )

    async def go(self) -> None:
        """Run the feeder and all workers until they are done or the run is stopped."""
        if self.log:
            self._log_run(self.log)
        try:
            self.ledger.begin(self.run.inputs)
            with self._stops_from_outside():
                client = open_client(
                    self.run.transport, timeout=self.run.timeout, network=self.run.network
                )
                async with client as post:
                    await self._all_tasks(self._authorized(post))
            if self.cut_short:
                self.stop_signal.stop(self.cut_short)
        except BaseException as error:
            self.stop_signal.stop(error)
            raise
        finally:
            self.ledger.close(finished=not self.stop_signal.is_stopped)
            if self.log:
                self.log.ended(self.tally)
        if self.stop_signal.reason:
            raise self.stop_signal.reason

    def _authorized(self, post: Post) -> Post:
        """Return what posts with an access token, if the destination needs one."""
        job = self.run.job
        source = job.destination.token
        if source is None:
            return post
        return TokenPost(
            post,
            partial(source.request, job.settings),
            setting=source.setting,
            redactor=self.redactor,
            # No lines: it was called with those of the request. After the wait for a token it is
            # asked again whether this run may send.
            before_send=partial(self.ledger.before_send, ()),
        )

    @contextmanager
    def _stops_from_outside(self) -> Iterator[None]:
        with ExitStack() as stack:
            if self.run.owns_process:
                stack.enter_context(stop_on_signals(self.stop_signal))
            if self.run.outside:
                stack.enter_context(self.run.outside.applied_to(self.stop_signal))
            yield

    def _log_run(self, log: DeliveryLog) -> None:
        """Log the start of the run, and why it stops early once it does."""
        job, rate = self.run.job, _lower(self.run.rate, self.run.job.destination.limits.rate)
        earlier = self.store.earlier_answers
        log.started(job, earlier, concurrency=self.run.concurrency, rate=rate)
        self.stop_signal.on_stop(lambda: log.stopping(self.stop_signal.reason))

    async def _all_tasks(self, post: Post) -> None:
        feeder = asyncio.create_task(self._feed())
        workers = [asyncio.create_task(self.workers.work(post)) for _ in range(self.workers.count)]
        everything = asyncio.gather(feeder, *workers, return_exceptions=True)
        is_stopped = asyncio.ensure_future(self.stop_signal.wait_stopped())
        for task in (feeder, *workers):
            task.add_done_callback(self._stop_if_failed)
        ends: list[asyncio.Future[Any]] = [everything, is_stopped]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if self.stop_signal.is_stopped:
            self.tally.stopping = True
            feeder.cancel()
            await self._grace(everything)
        is_stopped.cancel()
        await self.acknowledger.all_on_disk()

    async def _grace(self, everything: "asyncio.Future[list[BaseException | None]]") -> None:
        """Wait for the requests in flight, up to GRACE; then cancel them."""
        aborted = asyncio.create_task(self.stop_signal.wait_aborted(GRACE))
        ends: list[asyncio.Future[Any]] = [everything, aborted]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        aborted.cancel()
        if not everything.done():
            everything.cancel()
            # Await it, or asyncio logs "exception was never retrieved".
            with suppress(asyncio.CancelledError):
                await everything

    def _stop_if_failed(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            self.stop_signal.stop(error)

    async def _feed(self) -> None:
        """Read and map every line; queue the payloads, and settle all other lines."""
        job = replace(self.run.job, reveals_keys=True)
        decide = make_mapper(job, mapped=self.store.earlier_answers)
        async for reading in read_ahead(self._readings()):
            count = len(reading.lines) + len(reading.rejected)
            self.ledger.open(count, reading.place, reading.mark)
            self.tally.bytes_read += reading.size
            self.tally.stored_read += reading.stored
            for settled in await self._queue(reading, decide):
                await _shielded(self.ledger.settle(settled))
                # Skipped lines need no sync: a resumed run would skip them again.
                if settled.state != "skipped":
                    await self.ledger.on_disk()
            if reading.ended is not None:
                self.ledger.ended(reading.place, reading.ended)
            await asyncio.sleep(0)
        self.queue.close()

    def _readings(self) -> Iterator[PendingLines]:
        """Yield everything that can be read; a damaged input stops the run only after it is sent.

        Otherwise a resumed run would stop at the same place and get no further.
        """
        try:
            yield from self.store.pending_lines(self.run.inputs, self.run.max_line)
        except Stopped as stopped:
            self.cut_short = stopped

    async def _queue(self, reading: PendingLines, decide: Decide) -> list[Result]:
        """Queue what is mapped; return all other lines as results, by state and reason."""
        rest = LinesWithoutRequest()
        ended: list[Result] = []
        for line, problem in reading.rejected:
            rest.add("rejected", problem, "input", line)
        found = decide([line.text for line in reading.lines])
        self._count(reading.lines, found)
        for line, outcome in zip(reading.lines, found, strict=True):
            match outcome:
                case Mapped() as mapped:
                    if mapped.notes:
                        self.tally.notes.update(mapped.notes)
                    await self.queue.put(item_of(line, mapped, self.bounds_of(mapped.request_key)))
                case FanOut() as several:
                    ended += await self._queue_several(line, several, rest)
                case Skipped(reason):
                    ended += self._skip(line, reason, rest)
                case Rejected() as rejected:
                    rest.reject(line, rejected, rejected.action)
        return [*rest.results(), *ended]

    def _skip(self, line: Line, reason: str, rest: LinesWithoutRequest) -> Sequence[Result]:
        """Skip a line, or return its result if an earlier run has sent it to some of its actions.

        It has become too old for those that are open.
        """
        if not (is_too_old(reason) and self.ledger.settled_actions(line)):
            rest.add("skipped", reason, "", line)
            return ()
        self.tally.notes[left_out_note(reason)] += 1
        self.tally.bytes_to_send += line.size
        self.ledger.open_event(line, ())
        return [self.ledger.end_event(line)]

    def _count(self, lines: Sequence[Line], found: Sequence[Decision]) -> None:
        """Count before it is queued, or more would be answered than there is to send."""
        self.tally.bytes_to_send += sum(
            line.size
            for line, outcome in zip(lines, found, strict=True)
            if type(outcome) is Mapped or payloads_of(outcome)
        )
        if self.counts_actions:
            self.ledger.open_actions(filter(None, map(_only_action, found)))

    async def _queue_several(
        self, line: Line, several: FanOut, rest: LinesWithoutRequest
    ) -> Sequence[Result]:
        """Queue the requests of an event in their order, but those that an earlier run has settled.

        Return the result of the event if that has settled all of them.
        """
        settled = self.ledger.settled_actions(line) if several.left_out else ()
        self.tally.notes.update(several.notes_apart_from(settled))
        left = self.ledger.open_event(line, [one.action for one in several.requests])
        if not left:
            return [self.ledger.end_event(line)]
        for one in several.requests:
            if one.action not in left:
                continue
            match one:
                case Mapped():
                    await self.queue.put(item_of(line, one, self.bounds_of(one.request_key)))
                case Unmapped(action, rejected=rejected):
                    rest.reject(line, rejected, action)
        return ()


def _throttle_of(run: SendRun, stop_signal: StopSignal) -> Throttle:
    destination = run.job.destination
    return Throttle(
        in_flight=run.concurrency,
        rate=run.shared_rate or _lower(run.rate, destination.limits.rate),
        route_rates=destination.rates_of_routes(run.route_share),
        stop_signal=stop_signal,
    )


def _only_action(outcome: Decision) -> str:
    """Return the action that alone takes an event; "" if that is unknown, or there are several."""
    return outcome.action if isinstance(outcome, Mapped | Rejected) else ""


async def _shielded(settling: Coroutine[Any, Any, None]) -> None:
    """Shield from cancellation: a line written to the rejects file must also be counted."""
    task = asyncio.create_task(settling)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


def _bounds_of(job: Job) -> Callable[[str], Bounds]:
    """Return a function that looks up the bounds of a route, once for most routes."""

    # Limited, because a route may contain the id of a user.
    @lru_cache(_MAX_ROUTES)
    def bounds(route: str) -> Bounds:
        events = job.destination.events_per_request(route, job.settings)
        return Bounds(events, job.destination.bytes_per_request(route, job.settings))

    return bounds


def _lower(one: float | None, other: float | None) -> float | None:
    return min((rate for rate in (one, other) if rate is not None), default=None)
