"""The driver of a send on Spark: waves one after the other, one rate, one account."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from segcli.accounting.tally import STATES_OF_SEND
from segcli.core.secret import Secret
from segcli.errors import InputError, SegcliError, Stopped, UsageError
from segcli.inputs import Input
from segcli.inputs.judgement import accept_all
from segcli.job_spec import JobSpec
from segcli.journal.checkpoint import Header
from segcli.journal.resume import check_same_run
from segcli.runs.run_result import RunResult
from segcli.runs.send_start import SendPlan, journal_header
from segcli.spark import account, job_state
from segcli.spark.buckets import BucketedRows
from segcli.spark.cluster_job import ClusterJob, left_out
from segcli.spark.control import Control, RateDivision, Share
from segcli.spark.delivery_job import DeliveryOptions, DeliveryTasks
from segcli.spark.executor import KeySource
from segcli.spark.file_task import FileTasks
from segcli.spark.job_state import SparkRun
from segcli.spark.manifest import encoded_task, files_by_task, waves
from segcli.spark.send_options import SparkSend, check_send
from segcli.spark.session import (
    check_session,
    partition_keys,
    slots_of,
    task_rows,
    with_conf,
)
from segcli.spark.shipped_job import shipped_with_keys, shipped_without_keys
from segcli.spark.task_error import raising_run_errors

# A batch of rows that goes to a task may have lines of 1 MiB.
_CONF = {"spark.sql.execution.arrow.maxRecordsPerBatch": "256"}
# Stored bytes of a wave: 120 million small events at most, and half a million at least. Nothing is
# sent while a wave is read and sorted, for some seconds.
_MOST_IN_WAVE, _LEAST_IN_WAVE = 16 << 30, 64 << 20


def send_on_spark(
    spark: Any, job: ClusterJob, send: SparkSend, tell: Callable[[str], object] = str
) -> RunResult:
    """Send all events; return the result of the whole job, from its logs.

    A run that stopped early is a result too: `stopped` has the error. Raises UsageError, InputError
    and OutputError before anything is sent, and InputError or Stopped for a file that a task cannot
    read.
    """
    check_session(spark)
    check_send(job, send)
    _check_concurrency(send, min(slots_of(spark), send.buckets))
    job, run, todo = _begun(job, send)
    result = RunResult(
        command="send",
        job=job.job,
        inputs=job.files,
        left_out=job.choice.left_out,
        tally=account.WaveAccount().tally(),
        states=STATES_OF_SEND,
        describe_unsent=lambda: "read, goes out with --resume",
    )
    sender = _Sender(spark, job, send, run)
    with sender.halting_at_an_error():
        for number, wave in todo:
            tell(f"Wave {number + 1} of {len(run.header['waves'])}: {len(wave):,} files")
            if reason := sender.send_wave(number, wave):
                message, _, hint = reason.partition("\n")
                result.stopped = Stopped(message, hint)
                break
    job_state.end_run(send.state, run)
    found = account.account_of_job(send.state, run)
    result.tally = found.tally()
    result.remarks = left_out(found.problems)
    sender.add_requests(result)
    return result


class _Sender:
    """Sends the waves of one run."""

    def __init__(self, spark: Any, job: ClusterJob, send: SparkSend, run: SparkRun) -> None:
        self._spark, self._job, self._send, self._run = spark, job, send, run
        self._slots = slots_of(spark)
        self._control = Control(send.state.control(run.number))
        self._keys = tuple(partition_keys(spark, send.buckets))
        self._header = log_header(job, send)
        self._summaries: list[dict[str, Any]] = []

    def send_wave(self, number: int, files: Sequence[Input]) -> str:
        """Send a wave; return why the run has stopped, empty if it has not."""
        wave = self._run.wave(number)
        with job_state.store_errors(self._send.state):
            self._control.begin_wave()
        rows = self._bucket_rows(wave, files)
        delivered = rows.mapInArrow(self._delivery(wave, files), DeliveryTasks.schema)
        with raising_run_errors(), with_conf(self._spark, _CONF), self._division().dividing():
            summaries = [orjson.loads(row.summary) for row in delivered.collect()]
        self._summaries += summaries
        if reason := next((one["stopped"] for one in summaries if one["stopped"]), ""):
            return str(reason)
        found = account.account_of_wave(self._send.state, wave, self._send.buckets)
        if found.unsent or found.files != len(files):
            raise AssertionError(f"wave {number} does not add up: {found.document()}")
        job_state.wave_is_done(self._send.state, self._run, number, found.document())
        return ""

    def add_requests(self, result: RunResult) -> None:
        """Add the requests of this run, as far as its tasks have reported them."""
        tally = result.tally
        for one in self._summaries:
            tally.requests += one.get("requests", 0)
            tally.retries += one.get("retries", 0)
            tally.bytes_sent += one.get("bytes_sent", 0)
            tally.notes.update(one.get("notes", {}))

    @contextmanager
    def halting_at_an_error(self) -> Iterator[None]:
        """Let the tasks that still run end if the driver cannot go on."""
        try:
            yield
        except BaseException as error:
            reason = error.message if isinstance(error, SegcliError) else "the driver has stopped"
            with suppress(Exception):  # the first error is the one to show
                self._control.halt(reason)
            raise

    def _bucket_rows(self, wave: str, files: Sequence[Input]) -> Any:
        """Return the rows of a wave, each bucket in a partition, in the order of the files."""
        job = self._job
        tasks = FileTasks(
            rows=BucketedRows(keys=self._keys, state=self._send.state, wave=wave),
            job=shipped_without_keys(job.spec, job.job),
            tasks=tuple(map(encoded_task, files_by_task(files, self._slots))),
            max_line=job.max_line,
            first_look=job.first_look,
            skip_unreadable=job.skip_unreadable,
        )
        rows = task_rows(self._spark, len(tasks.tasks)).mapInArrow(tasks, tasks.rows.schema)
        by_bucket = rows.repartition(self._send.buckets, "key")
        return by_bucket.sortWithinPartitions("place", "line")

    def _delivery(self, wave: str, files: Sequence[Input]) -> DeliveryTasks:
        send, job = self._send, self._job
        shipped = shipped_with_keys(job.spec, job.job)
        return DeliveryTasks(
            job=shipped,
            keys=_key_sources(job.spec, send),
            state=send.state,
            run=replace(self._run, header={}),
            wave=wave,
            header=self._header,
            titles={entry.place: entry.title for entry in files},
            max_line=job.max_line,
            options=DeliveryOptions(
                concurrency=send.concurrency,
                first=Share(
                    self._rate and self._rate / self._tasks_at_once,
                    max(1, send.concurrency // self._tasks_at_once),
                ),
                route_share=1 / self._tasks_at_once,
                timeout=send.timeout,
                retry_for=send.retry_for,
                transport=send.transport,
                uses_environment=send.uses_environment,
            ),
        )

    @property
    def _tasks_at_once(self) -> int:
        return min(self._slots, self._send.buckets)

    @property
    def _rate(self) -> float | None:
        limits = (self._send.rate, self._job.job.destination.limits.rate)
        return min((rate for rate in limits if rate is not None), default=None)

    def _division(self) -> RateDivision:
        return RateDivision(
            self._control,
            self._rate,
            concurrency=self._send.concurrency,
            slots=self._tasks_at_once,
            buckets=self._send.buckets,
        )


def _check_concurrency(send: SparkSend, tasks: int) -> None:
    """Raise UsageError if more requests would be in flight than are wanted: each task has one."""
    if send.concurrency < tasks:
        raise UsageError(
            f"{tasks} tasks run at once, so more than {send.concurrency} requests would be in "
            "flight",
            f"Add --concurrency {tasks}, or --buckets {send.concurrency} to use fewer tasks.",
        )


def _key_sources(spec: JobSpec, send: SparkSend) -> dict[str, KeySource]:
    carried: dict[str, KeySource] = {
        name: KeySource("carried", _revealed(spec.settings[name].value))
        for name in spec.document()["keys"]
        if name not in send.keys
    }
    return carried | {**send.keys}


def _revealed(value: Any) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def log_header(job: ClusterJob, send: SparkSend) -> Header:
    """Return what the logs of a job begin with; it is the same in each of its runs."""
    plan = SendPlan(
        spec=job.spec,
        job=job.job,
        names=sorted({entry.found_in or entry.name for entry in job.files}),
        inputs=job.files,
        judge=accept_all,
    )
    header = journal_header(plan)
    options = {**header.options, "--buckets": str(send.buckets)}
    return replace(header, options=options)


def _begun(
    job: ClusterJob, send: SparkSend
) -> tuple[ClusterJob, SparkRun, list[tuple[int, list[Input]]]]:
    """Begin or continue a job; return it, the run, and the waves that are left.

    Raises UsageError, InputError and OutputError if the run may not begin like this.
    """
    found = job_state.latest_job(send.state)
    if found is None or send.restart:
        if send.resume:
            raise UsageError(
                f"there is nothing to resume: no job at {send.state}", "Omit --resume."
            )
        return _fresh(job, send, found)
    waves_of = found.header["waves"]
    complete = job_state.is_complete(send.state, found, len(waves_of))
    if not send.resume:
        state = "has sent everything" if complete else "is not finished"
        raise UsageError(
            f"there is a job at {send.state}, which {state}",
            "Add --resume to continue it, or --restart to send everything again.",
        )
    return _resumed(job, send, found)


def _fresh(
    job: ClusterJob, send: SparkSend, found: SparkRun | None
) -> tuple[ClusterJob, SparkRun, list[tuple[int, list[Input]]]]:
    todo = [list(job.files)]
    if send.by_day:
        todo = list(waves(job.files, least=_LEAST_IN_WAVE, most=_MOST_IN_WAVE))
    header = {
        "header": asdict(log_header(job, send)),
        "at": job.spec.at,
        "buckets": send.buckets,
        "waves": [[wave[0].place, wave[-1].place] for wave in todo],
        "files": [[entry.title, entry.version] for entry in job.files],
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": socket.gethostname(),
    }
    run = job_state.begin_job(send.state, header)
    if found:
        account.fence_job(send.state, found)
    return job, run, list(enumerate(todo))


def _resumed(
    job: ClusterJob, send: SparkSend, found: SparkRun
) -> tuple[ClusterJob, SparkRun, list[tuple[int, list[Input]]]]:
    """Continue a job with the times that it began with. Raises UsageError and InputError."""
    job = job.at(found.header["at"])
    check_same_run(Header(**found.header["header"]), log_header(job, send))
    check_same_files(found.header["files"], job.files)
    done = job_state.done_waves(send.state, found, len(found.header["waves"]))
    run = job_state.resume_job(send.state, found)
    by_place = {entry.place: entry for entry in job.files}
    todo = []
    for number, (first, last) in enumerate(found.header["waves"]):
        if done[number] is None:
            wave = [by_place[place] for place in range(first, last + 1) if place in by_place]
            todo.append((number, wave))
    return job, run, todo


def check_same_files(before: Sequence[Sequence[str]], files: Sequence[Input]) -> None:
    """Raise InputError for the first file that is not the one of the job."""
    now = {entry.title: entry.version for entry in files}
    for title, version in before:
        if title not in now:
            raise InputError(f"{title} is missing, and the job has read it", "Put it back.")
        if now[title] != version:
            raise InputError(
                f"{title} has changed since the job began",
                "Put it back as it was, or add --restart to send everything again.",
            )
    if len(now) > len(before):
        new = next(iter(now.keys() - {title for title, _ in before}))
        raise InputError(
            f"{new} is new since the job began", "Send new files with a state of their own."
        )
