"""The delivery on Spark: each task sends the events of one bucket, and writes its log."""

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

from segcli.accounting.tally import Tally
from segcli.core.outcome import Job
from segcli.delivery.pipeline import SendRun, deliver
from segcli.delivery.rate import SharedRate
from segcli.delivery.shutdown import OutsideStop, relaxed_gc
from segcli.errors import Interrupted, OutputError, SegcliError, Stopped
from segcli.http.network import Network
from segcli.http.transports import TRANSPORTS
from segcli.journal.checkpoint import Header
from segcli.shared_journal.log import TakenOver
from segcli.shared_journal.shared_journal import SharedJournal
from segcli.shared_journal.store import StoreProblem
from segcli.spark.bucket_log import JournalRejects, pending_rows, take_over_bucket
from segcli.spark.control import Control, Share, TaskWatch
from segcli.spark.executor import KeySource, executor_network, keys_from
from segcli.spark.job_state import SparkRun, StatePlace
from segcli.spark.shipped_job import ShippedJob
from segcli.spark.task_error import raising_task_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """How a task sends. Times are in seconds.

    concurrency: the most requests in flight, of all tasks together.
    first: the share of this task, until the driver says something else.
    route_share: the part of the rates of single routes, which the tasks divide once and for all.
    timeout: for a request and its reply.
    retry_for: in which the vendor neither accepts nor refuses an event, until the run stops.
    transport: what carries the requests.
    uses_environment: requests take the proxies that the executor's environment names.
    """

    concurrency: int
    first: Share
    timeout: float
    retry_for: float
    route_share: float = 1.0
    transport: str = TRANSPORTS[0]
    uses_environment: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTasks:
    """Tasks that send the rows of a bucket each. They return how that went, as JSON.

    job, keys: the job, and where its keys come from.
    state, run, wave: where the logs are.
    header: what a new log begins with.
    titles: the name of each file, by its place.
    options: how to send.
    """

    schema: ClassVar[str] = "summary string"

    job: ShippedJob
    keys: Mapping[str, KeySource]
    state: StatePlace
    run: SparkRun
    wave: str
    header: Header
    titles: Mapping[int, str] = field(repr=False)
    options: DeliveryOptions
    max_line: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Send all rows; yield the summary. A run that has to stop ends without an exception."""
        control = Control(self.state.control(self.run.number))
        first = next((batch for batch in batches if batch.num_rows), None)
        if first is None:
            _nothing_to_send(control)
            return
        bucket = first.column(1)[0].as_py()
        rows = _one_bucket(first, batches, bucket)
        summary: dict[str, Any] = {"bucket": bucket, "stopped": control.reason_to_halt()}
        if not summary["stopped"]:
            with raising_task_errors():
                summary |= _Delivery(self, bucket, control).go(rows)
        yield pa.RecordBatch.from_arrays([pa.array([json.dumps(summary)])], names=["summary"])


class _Delivery:
    """The delivery of one bucket."""

    def __init__(self, tasks: DeliveryTasks, bucket: int, control: Control) -> None:
        self._tasks = tasks
        self._bucket = bucket
        self._control = control
        self._outside = OutsideStop()
        first = tasks.options.first
        self._rate = SharedRate(first.per_second, in_flight=first.in_flight)
        self._halted = ""

    def go(self, rows: Iterator[pa.RecordBatch]) -> dict[str, Any]:
        """Send the rows of the bucket; return the summary. Raises OutputError and SettingsError."""
        tasks = self._tasks
        job = tasks.job.job(keys_from(tasks.keys))
        tally, began, stopped = Tally(), time.monotonic(), ""
        watch = TaskWatch(self._control, self._bucket, self._rate, on_halt=self._halt)
        with watch.watching():
            journal = self._journal(rows)
            before = sum(journal.past.totals.values())
            try:
                self._wait(journal)
                with watch.sending(), relaxed_gc():
                    deliver(self._run(job, journal), tally)
            except Interrupted:
                raise
            except Stopped as error:
                stopped = self._stopped(error, journal)
        return {
            "who": f"{socket.gethostname()}:{os.getpid()}",
            "seconds": round(time.monotonic() - began, 3),
            "before": before,
            "stopped": stopped,
            "read": tally.read,
            "requests": tally.requests,
            "retries": tally.retries,
            "bytes_sent": tally.bytes_sent,
            "notes": dict(tally.notes),
        }

    def _journal(self, rows: Iterator[pa.RecordBatch]) -> SharedJournal:
        tasks = self._tasks
        store = tasks.state.bucket(tasks.wave, self._bucket)
        try:
            return take_over_bucket(
                store,
                tasks.header,
                timeout=tasks.options.timeout,
                lines=pending_rows(rows, tasks.titles),
            )
        except (StoreProblem, ValueError, TakenOver) as problem:
            raise OutputError(f"the log {store.shown} cannot be used: {problem}") from None

    def _wait(self, journal: SharedJournal) -> None:
        """Wait until the last request of an older attempt is over, or the run halts."""
        while (seconds := journal.seconds_to_wait) and not self._halted:
            time.sleep(min(seconds, 0.2))
        if self._halted:
            journal.end(finished=False)
            raise Stopped(self._halted)

    def _run(self, job: Job, journal: SharedJournal) -> SendRun:
        options = self._tasks.options
        return SendRun(
            job=job,
            inputs=(),
            rejects=JournalRejects(),
            concurrency=options.concurrency,
            shared_rate=self._rate,
            route_share=options.route_share,
            timeout=options.timeout,
            retry_for=options.retry_for,
            max_line=self._tasks.max_line,
            transport=options.transport,
            network=executor_network() if options.uses_environment else Network(),
            progress=journal,
            outside=self._outside,
        )

    def _stopped(self, error: SegcliError, journal: SharedJournal) -> str:
        """Return why the task stopped, and let the others stop too: a retry would be of no use."""
        if self._halted:
            return self._halted
        if journal.is_taken_over:
            # Another attempt goes on. If it belongs to this run, Spark knows this one as lost.
            if reason := self._control.reason_to_halt():
                return reason
            raise OutputError(error.message, error.hint) from None
        reason = "\n".join(filter(None, (error.message, error.hint)))
        try:
            self._control.halt(reason)
        except StoreProblem as problem:
            raise OutputError(f"the run cannot be halted: {problem}") from None
        return reason

    def _halt(self, reason: str) -> None:
        self._halted = reason
        self._outside.stop(Stopped(reason))


def _nothing_to_send(control: Control) -> None:
    """Say that the bucket of this partition, which has no rows, is sent."""
    from pyspark import TaskContext  # noqa: PLC0415  # optional, and slow

    if context := TaskContext.get():
        with suppress(StoreProblem):
            control.ended(context.partitionId())


def _one_bucket(
    first: pa.RecordBatch, batches: Iterator[pa.RecordBatch], bucket: int
) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a partition; raises RuntimeError if it holds another bucket."""
    yield _checked(first, bucket)
    yield from (_checked(batch, bucket) for batch in batches if batch.num_rows)


def _checked(batch: pa.RecordBatch, bucket: int) -> pa.RecordBatch:
    if set(batch.column(1).to_pylist()) != {bucket}:
        raise RuntimeError("a partition holds two buckets")
    return batch
