"""A send for a program: in a thread of its own, to a report."""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from segcli.accounting.held_rejects import HeldRejects
from segcli.accounting.rejects import check_writable
from segcli.accounting.series import Series, sampled
from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.core.outcome import Job
from segcli.delivery.pipeline import SendRun, deliver
from segcli.delivery.shutdown import OutsideStop
from segcli.errors import Interrupted, SegcliError, Stopped, UsageError
from segcli.http.transports import TRANSPORTS, load
from segcli.inputs import Input
from segcli.inputs.given import GivenInputs
from segcli.inputs.judgement import HeadJudge
from segcli.runs.job_request import RequestedJob
from segcli.runs.output_checks import check_found, check_outputs
from segcli.runs.replay_start import check_messages, message_risk, survey
from segcli.runs.report import Report, report_of
from segcli.runs.run_result import RunResult
from segcli.runs.send_start import (
    SendPlan,
    Started,
    begin_send,
    check_sending,
    check_start,
    journal_at,
)

# Seconds between two calls of `on_progress`.
_EVERY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How a program sends. The fields are the arguments of `segcli.send`."""

    journal: str | os.PathLike[str] | None
    resume: bool
    restart: bool
    rejects: Path | None
    rate: float | None
    concurrency: int
    timeout: float
    retry_for: float
    allow_http: bool
    transport: str | None
    on_progress: Callable[[Tally], object] | None
    max_line: int
    confirm_messages: bool


def deliver_and_report(
    options: SendOptions, requested: RequestedJob, given: GivenInputs, judge: HeadJudge
) -> Report:
    """Send, and return the report.

    Raises UsageError, SettingsError, InputError and OutputError before anything is sent, and the
    error that stopped the run, with its report.
    """
    plan = _plan(options, requested, given, judge)
    transport = _transport(options.transport)
    started = begin_send(plan)
    started.wait_for_older_run()
    held, tally = None if options.rejects else HeldRejects(), Tally()
    result = _result(started, tally, rejects=options.rejects, held=held)
    run = SendRun(
        job=started.job,
        inputs=started.looked,
        rejects=options.rejects or held or HeldRejects(),
        concurrency=options.concurrency,
        rate=options.rate,
        timeout=options.timeout,
        retry_for=options.retry_for,
        max_line=options.max_line,
        transport=transport,
        network=requested.network,
        progress=started.journal,
        outside=OutsideStop(),
    )
    return _reported(_SendThread(run, result), result, started, options.on_progress)


def _result(
    started: Started, tally: Tally, *, rejects: Path | None, held: HeldRejects | None
) -> RunResult:
    return RunResult(
        command="send",
        job=started.job,
        inputs=started.choice.inputs,
        left_out=started.choice.left_out,
        tally=tally,
        states=STATES_OF_SEND,
        series=Series(tally),
        rejects=rejects,
        rejects_from=started.rejects_from(rejects) if rejects else 0,
        held=held,
        remarks=started.looked.remarks,
        before=started.before,
        before_by_action=started.before_by_action,
    )


def _plan(
    options: SendOptions, requested: RequestedJob, given: GivenInputs, judge: HeadJudge
) -> SendPlan:
    """Check the request, before anything is written."""
    check_start(resume=options.resume, restart=options.restart)
    check_sending(requested.job, allow_http=options.allow_http)
    if options.concurrency < 1:
        raise UsageError(f"concurrency must be at least 1, not {options.concurrency}")
    journal = None if options.journal is None else journal_at(options.journal, given.names)
    if journal is None and (options.resume or options.restart):
        raise UsageError("there is no journal to continue or to forget", "Give journal=PATH.")
    plan = SendPlan(
        spec=requested.spec,
        job=requested.job,
        names=given.names,
        inputs=given.found,
        judge=judge,
        journal=journal,
        timeout=options.timeout,
        resume=options.resume,
        restart=options.restart,
        before=lambda job, inputs: _check_messages(options, job, inputs),
    )
    _check_files(options, requested, given, plan.journal_path)
    return plan


def _check_messages(options: SendOptions, job: Job, inputs: Sequence[Input]) -> None:
    """Raise UsageError if the run may send messages to people and the program has not agreed."""
    if options.confirm_messages:
        return
    risk = message_risk(job, survey(job, inputs, options.max_line))
    check_messages(risk, confirmed=False, hint="Give confirm_messages=True to send all the same.")


def _check_files(
    options: SendOptions, requested: RequestedJob, given: GivenInputs, journal: Path | None
) -> None:
    """Raise UsageError if a file that is written has a second role, such as an input."""
    names = () if given.found and given.found[0].given else given.names
    run = _FileNames(
        files=names,
        dest=requested.spec.source.dest if requested.spec.source.texts else None,
        config=requested.config,
        rejects=options.rejects,
    )
    files = check_outputs(run, writes={"--journal": journal})
    check_found(files, given.found)
    if options.rejects:
        check_writable(options.rejects)


@dataclass(frozen=True, slots=True, kw_only=True)
class _FileNames:
    """The names of the files of a send, as `check_outputs` takes them."""

    files: tuple[str, ...]
    dest: str | None
    config: str | None
    rejects: Path | None
    api_key_file: Path | None = None
    report: Path | None = None


def _transport(wanted: str | None) -> str:
    """Return the transport, which can be loaded; raises UsageError."""
    if wanted is not None and wanted not in TRANSPORTS:
        raise UsageError(f"there is no transport {wanted!r}", f"There are: {', '.join(TRANSPORTS)}")
    for name in (wanted,) if wanted else TRANSPORTS:
        try:
            load(name)
        except ImportError as error:
            problem = error
        else:
            return name
    raise UsageError(f"http_transport: {wanted or TRANSPORTS[-1]} cannot be loaded: {problem}")


class _SendThread:
    """A run in a thread of its own, so that it has an event loop of its own."""

    def __init__(self, run: SendRun, result: RunResult) -> None:
        self.tally = result.tally
        self._series = result.series
        self.error: BaseException | None = None
        self._run = run
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._deliver, name="segcli-send", daemon=True)

    def wait(self, on_progress: Callable[[Tally], object] | None) -> None:
        """Run, and return when the run is over; its error is in `error`.

        An exception in this thread, such as KeyboardInterrupt, stops the run, and is raised once
        the run is over.
        """
        try:
            self._thread.start()
            while not self._over.wait(_EVERY):
                if on_progress:
                    on_progress(self.tally)
            if on_progress:
                on_progress(self.tally)
        except BaseException as raised:
            self._stop(raised)
            raise

    def _stop(self, raised: BaseException) -> None:
        """Stop the run and wait for its end; a second interrupt does not wait for replies."""
        reason = _reason(raised)
        while self._thread.is_alive() and not self._over.is_set():
            try:
                if self._run.outside:
                    self._run.outside.stop(reason)
                self._over.wait()
            except KeyboardInterrupt:
                continue

    def _deliver(self) -> None:
        try:
            with sampled(self._series):
                deliver(self._run, self.tally)
        except BaseException as error:  # raised again in the thread of the caller
            self.error = error
        finally:
            self._over.set()


def _reason(raised: BaseException) -> Stopped:
    if isinstance(raised, KeyboardInterrupt):
        return Interrupted("interrupted", signal_number=signal.SIGINT)
    return Stopped(f"the program raised {type(raised).__name__}")


def _reported(
    thread: _SendThread,
    result: RunResult,
    started: Started,
    on_progress: Callable[[Tally], object] | None,
) -> Report:
    """Run to the report; raises the error that stopped the run, with the report in it."""
    try:
        thread.wait(on_progress)
    except BaseException as raised:
        result.stopped = _reason(raised)
        result.stop_clock()
        with suppress(AttributeError):  # an exception with slots takes none
            raised.report = report_of(result)  # type: ignore[attr-defined]
        raised.add_note(f"segcli: {_hint(started)}")
        raise
    result.stop_clock()
    if isinstance(thread.error, SegcliError):
        result.stopped = thread.error
        thread.error.report = report_of(result)
        thread.error.hint = "\n".join(filter(None, (thread.error.hint, _hint(started))))
    if thread.error:
        raise thread.error
    return report_of(result)


def _hint(started: Started) -> str:
    if started.journal is None:
        return "This run has no journal, so it cannot be continued. With journal=PATH it can."
    if started.journal.is_taken_over:
        return ""
    if started.is_resumable:
        return "To continue where it stopped, call it again with resume=True."
    return "Nothing was settled: call it again, without resume=True."
