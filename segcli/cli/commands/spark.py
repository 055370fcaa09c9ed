"""`segcli spark`: maps, checks and sends archives on a Spark cluster."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import click

from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.cli import report
from segcli.cli.commands.check import (
    CHECK_OPTIONS,
    CheckOptions,
    check_baseline,
    report_review,
    run_of,
)
from segcli.cli.help_format import GroupedCommand, SuggestingGroup
from segcli.cli.html_page import html_output
from segcli.cli.input_days import describe_skipped
from segcli.cli.job import spec_and_job
from segcli.cli.log_options import LOG_OPTIONS, LogOptions, logging_to
from segcli.cli.options import JobOptions, job_options
from segcli.cli.output import say, show, write_data
from segcli.cli.replay_prompt import ReplayPrompt, ask_about_replay
from segcli.cli.run import announce, transport_for
from segcli.cli.send_options import REQUEST_OPTIONS, RequestOptions
from segcli.cli.spark_options import (
    CLUSTER_OPTIONS,
    STATE_OPTIONS,
    TABLE_OPTIONS,
    ClusterOptions,
    StateOptions,
    TableOptions,
)
from segcli.cli.spark_session import session
from segcli.core.plural import count_of
from segcli.core.secret import display_address
from segcli.errors import Exit, Stopped, UsageError
from segcli.inputs import Input
from segcli.runs.output_checks import Named, OutputFile, Reads, check_outputs
from segcli.runs.plans import read_plans
from segcli.runs.run_result import RunResult
from segcli.spark.account import account_of_job, kept_records
from segcli.spark.cluster_job import ClusterJob, cluster_job, left_out
from segcli.spark.executor import KeySource
from segcli.spark.job_state import (
    SparkRun,
    StatePlace,
    done_waves,
    is_running,
    latest_job,
    state_at,
)
from segcli.spark.manifest import job_files
from segcli.spark.send_options import SparkSend, check_send, estimate, with_key_from
from segcli.spark.session import slots_of

_RESUME = "To continue where it stopped, type the same command with --resume."


@click.group("spark", cls=SuggestingGroup)
def command() -> None:
    """Map, check and send an archive on a Spark cluster.

    Start it with spark-submit on EMR, Glue or Databricks, or on this machine with
    --master 'local[*]'. `segcli guide spark` describes what to set.
    """


@command.command("transform", cls=GroupedCommand, whole_name="spark transform")
@job_options()
@TABLE_OPTIONS
@CLUSTER_OPTIONS
@LOG_OPTIONS
def transform(
    options: JobOptions,
    table_options: TableOptions,
    cluster_options: ClusterOptions,
    log_options: LogOptions,
) -> int:
    """Write what a destination would receive.

    As a table, or with --format ndjson as `segcli transform` prints it. Reads files, folders and
    addresses that all executors see. Needs no key and sends nothing.
    """
    every_line, out = table_options.outcomes, table_options.out
    if every_line and table_options.format != "ndjson":
        raise UsageError("--outcomes needs NDJSON", "The table has the outcome of every line.")
    job = _job(options, cluster_options, log_options.writes)
    with (
        logging_to(log_options),
        session("segcli spark transform", cluster_options) as spark,
    ):
        from segcli.spark import mapping

        def write() -> tuple[Tally, Sequence[str]]:
            if table_options.format == "ndjson":
                return mapping.write_ndjson(spark, job, out, every_line=every_line)
            return mapping.write_outcomes(spark, job, out)

        return _reported(job, options, write)


@command.command("check", cls=GroupedCommand, whole_name="spark check")
@job_options()
@CHECK_OPTIONS
@CLUSTER_OPTIONS
@LOG_OPTIONS
def check(
    options: JobOptions,
    check_options: CheckOptions,
    cluster_options: ClusterOptions,
    log_options: LogOptions,
) -> int:
    """Report what a destination would receive and lose.

    The findings, counts and exit codes are those of `segcli check`. Needs no key and sends nothing.
    """
    if check_options.expect or check_options.update:
        raise UsageError(
            "--expect cannot be used on Spark: a golden file is for the samples of a test",
            "Type: segcli check --expect FILE SAMPLES",
        )
    check_baseline(check_options)
    writes = {"--baseline": check_options.baseline, **log_options.writes}
    reads = {"--plan": check_options.plan}
    job = _job(options, cluster_options, writes, reads, check_options.output)
    run = run_of(options, check_options, looked=job.files, left_out=len(job.choice.left_out))
    # A cluster may find more than a driver can hold, so JSON has no more than the other formats.
    run = replace(run, plans=read_plans(check_options.plan), keeps_all=False)
    with (
        logging_to(log_options),
        session("segcli spark check", cluster_options) as spark,
    ):
        from segcli.spark.review import review_on_spark

        review, problems = review_on_spark(spark, job, run)
    say(*left_out(problems))
    return _incomplete(report_review(review, options, check_options), problems)


@command.command("send", cls=GroupedCommand, whole_name="spark send")
@job_options()
@STATE_OPTIONS
@REQUEST_OPTIONS
@CLUSTER_OPTIONS
@LOG_OPTIONS
def send(
    options: JobOptions,
    state_options: StateOptions,
    request_options: RequestOptions,
    cluster_options: ClusterOptions,
    log_options: LogOptions,
) -> int:
    """Send events and account for every line.

    The events of one user are sent in the order of the files, one after the other. --rate and
    --concurrency hold for all tasks together. `segcli spark status` shows how far a job is, and
    `segcli spark rejects` prints rejected and refused events.
    """
    job = _job(options, cluster_options, log_options.writes)
    keys: Mapping[str, KeySource] = {}
    if state_options.api_key_from:
        job, keys = with_key_from(job, state_options.api_key_from)
    sending = _sending(state_options, request_options, keys)
    _announce(job, sending, options, is_agreed=state_options.yes)
    with (
        logging_to(log_options),
        session("segcli spark send", cluster_options) as spark,
    ):
        from segcli.spark.delivery import send_on_spark

        if not options.quiet:
            say(estimate(job, sending, slots_of(spark)))
        tell = str if options.quiet else say
        try:
            result = send_on_spark(spark, job, sending, tell)
        except Stopped as stopped:
            stopped.hint = _with_resume(stopped.hint)
            raise
    result.ending = lambda: _where_rejects_are(result, state_options.state)
    if result.stopped:
        result.stopped.hint = _with_resume(result.stopped.hint)
    return _incomplete(report.conclude(result, options), result.remarks)


def _sending(
    state_options: StateOptions, request_options: RequestOptions, keys: Mapping[str, KeySource]
) -> SparkSend:
    return SparkSend(
        state=state_at(state_options.state),
        keys=keys,
        buckets=state_options.buckets,
        by_day=state_options.wave == "day",
        concurrency=request_options.concurrency,
        rate=request_options.rate,
        timeout=request_options.timeout,
        retry_for=request_options.retry_for,
        transport=transport_for(request_options),
        resume=state_options.resume,
        restart=state_options.restart,
        allow_http=request_options.allow_http,
    )


def _announce(job: ClusterJob, sending: SparkSend, options: JobOptions, *, is_agreed: bool) -> None:
    """Check a send, say what goes where, and ask before messages to people are started."""
    shown = check_send(job, sending)
    announce(count_of(len(job.files), "file"), shown, sandbox=None, quiet=options.quiet)
    prompt = ReplayPrompt(
        is_agreed=is_agreed,
        quiet=options.quiet,
        rehearsal=False,
        max_line=options.max_line,
    )
    say(*ask_about_replay(shown, job.files, prompt))


@command.command("status", cls=GroupedCommand, whole_name="spark status")
@click.argument("state", metavar="STATE")
def status(state: str) -> int:
    """Show how far a job of `segcli spark send` is.

    Reads only what the job has recorded at STATE.
    """
    place, run = _latest(state)
    found = account_of_job(place, run)
    header = run.header["header"]
    waves = run.header["waves"]
    done = sum(one is not None for one in done_waves(place, run, len(waves)))
    to = f"{header['destination']} at {header['endpoint']}"
    show(
        f"{place}: to {to if header['endpoint'] else header['destination']}",
        f"  began    {run.header['began']} on {run.header['host']}; this is run {run.number}"
        + (", which has not ended" if is_running(place, run) else ""),
        f"  waves    {done:,} of {len(waves):,} complete",
        f"  files    {found.files:,} of {len(run.header['files']):,} read",
    )
    tally = found.tally()
    counts = [("read", tally.read), *tally.ledger(STATES_OF_SEND).items()]
    show(*(f"  {lines:>12,}  {name}" for name, lines in counts))
    show(*(f"  left out: {problem}" for problem in found.problems))
    return 0


@command.command("rejects", cls=GroupedCommand, whole_name="spark rejects")
@click.argument("state", metavar="STATE")
def rejects(state: str) -> int:
    """Print the rejected and refused events of a job.

    As NDJSON, an input like any other.
    """
    place, run = _latest(state)
    for record in kept_records(place, run):
        write_data(f"{record}\n".encode())
    return 0


def _incomplete(code: int, problems: Sequence[str]) -> int:
    """Return the exit code, which says so if files were left out."""
    return max(code, Exit.INCOMPLETE) if problems else code


def _latest(state: str) -> tuple[StatePlace, SparkRun]:
    """Return the last run of the last job of a state. Raises UsageError and OutputError."""
    place = state_at(state)
    run = latest_job(place)
    if run is None:
        raise UsageError(
            f"there is no job at {place}", "It is the PLACE of: segcli spark send --state PLACE"
        )
    return place, run


def _with_resume(hint: str) -> str:
    return "\n".join(filter(None, (hint, _RESUME)))


def _where_rejects_are(result: RunResult, state: str) -> Iterator[str]:
    if result.tally.refused or result.tally.rejected:
        yield f"rejects: segcli spark rejects {shlex.quote(display_address(state))}"


def _job(
    options: JobOptions,
    cluster_options: ClusterOptions,
    writes: Named,
    reads: Reads | None = None,
    outputs: Sequence[OutputFile] = (),
) -> ClusterJob:
    """Return the job; raises UsageError, InputError and DestinationError."""
    _check_options(options)
    check_outputs(options, {**writes, **html_output(options)}, reads, outputs)
    spec, job = spec_and_job(options)
    if not options.quiet:
        shown = ", ".join(map(display_address, options.files))
        say(f"Looking at {shown} …")
    found = job_files(options.files)
    if not options.quiet:
        say(*getattr(found, "notes", ()))
    made = cluster_job(
        spec,
        job,
        found,
        max_line=options.max_line,
        first_look=not options.no_first_look,
        skip_unreadable=cluster_options.skip_unreadable,
    )
    if not options.quiet:
        say(f"Reading {count_of(len(made.files), 'file')} of {_size(made.files)} bytes on Spark")
        say(*filter(None, [describe_skipped(made.choice.left_out)]))
    return made


def _size(files: Sequence[Input]) -> str:
    return f"{sum(entry.size or 0 for entry in files):,}"


def _check_options(options: JobOptions) -> None:
    """Raise UsageError for options that have no meaning on a cluster."""
    if options.rejects:
        raise UsageError(
            "--rejects cannot be used on Spark: executors do not share a file",
            "The table of outcomes has rejected lines; `segcli spark rejects` prints those of a "
            "send.",
        )


def _reported(
    job: ClusterJob, options: JobOptions, run: Callable[[], tuple[Tally, Sequence[str]]]
) -> int:
    """Run a job, print its summary and write its report; return the exit code."""
    result = RunResult(
        command="transform",
        job=job.job,
        inputs=job.files,
        left_out=job.choice.left_out,
        tally=Tally(),
    )
    result.tally, problems = run()
    result.remarks = left_out(problems)
    return _incomplete(report.conclude(result, options), problems)
