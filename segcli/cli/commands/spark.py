"""`segcli spark`: maps, checks and sends archives on a cluster of Spark."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import click

from segcli.accounting.tally import Tally
from segcli.cli import report
from segcli.cli.commands.check import (
    CHECK_OPTIONS,
    CheckOptions,
    check_baseline,
    report_review,
    run_of,
)
from segcli.cli.help_format import GroupedCommand, SuggestingGroup
from segcli.cli.input_days import describe_skipped
from segcli.cli.job import spec_and_job
from segcli.cli.log_options import LOG_OPTIONS, LogOptions, logging_to
from segcli.cli.options import JobOptions, grouped_options, job_options
from segcli.cli.output import say
from segcli.cli.spark_session import session
from segcli.core.plural import count_of
from segcli.core.secret import display_address
from segcli.errors import UsageError
from segcli.inputs import Input
from segcli.runs.output_checks import Named, OutputFile, Reads, check_outputs
from segcli.runs.plans import read_plans
from segcli.runs.run_result import RunResult
from segcli.spark.cluster_job import ClusterJob, cluster_job
from segcli.spark.manifest import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Where a job runs.

    master: the master of Spark; None for that of spark-submit
    conf: settings of Spark, as `key=value`
    skip_unreadable: go on after a file that cannot be read to its end
    """

    master: str | None
    conf: tuple[str, ...]
    skip_unreadable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """What a mapping writes.

    out: where
    format: `parquet` or `ndjson`
    outcomes: an object for every line, as NDJSON
    """

    out: str
    format: str
    outcomes: bool


_MASTER = click.option(
    "--master",
    metavar="MASTER",
    help="Where Spark runs: 'local[*]' for this machine.  [default: what spark-submit says]",
)
_CONF = click.option(
    "--conf",
    metavar="KEY=VALUE",
    multiple=True,
    help="A setting of Spark (repeatable). Never put a key there: Spark shows it.",
)
_SKIP_UNREADABLE = click.option(
    "--skip-unreadable",
    is_flag=True,
    help="List files that cannot be read to their end, instead of stopping.",
)
CLUSTER_OPTIONS = grouped_options(
    ClusterOptions, "cluster_options", _MASTER, _CONF, _SKIP_UNREADABLE
)


@click.group("spark", cls=SuggestingGroup)
def command() -> None:
    """Map, check and send an archive on a cluster of Spark.

    Start it with spark-submit on EMR, Glue or Databricks, or on this machine with
    --master 'local[*]'. `segcli guide spark` describes what to set.
    """


@command.command("transform", cls=GroupedCommand, whole_name="spark transform")
@job_options()
@grouped_options(
    TableOptions,
    "table_options",
    click.option(
        "--out",
        metavar="PLACE",
        required=True,
        help="Where Spark writes the tables: an address or a path that all executors see. It must "
        "not exist.",
    ),
    click.option(
        "--format",
        type=click.Choice(["parquet", "ndjson"]),
        metavar="FORMAT",
        default="parquet",
        show_default=True,
        help="parquet: a table with the outcome of every line. ndjson: the payloads, as `segcli "
        "transform` prints them.",
    ),
    click.option(
        "--outcomes",
        is_flag=True,
        help="With ndjson: an object for every input line, with its state.",
    ),
)
@CLUSTER_OPTIONS
@LOG_OPTIONS
def transform(
    options: JobOptions,
    table_options: TableOptions,
    cluster_options: ClusterOptions,
    log_options: LogOptions,
) -> int:
    """Write what a destination would receive, as a table or as NDJSON.

    Reads files, folders and addresses that all executors see. Needs no key and sends nothing.
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

        def write() -> Tally:
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
    """Report what a destination would receive and lose, as `segcli check`.

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
    run = replace(run, plans=read_plans(check_options.plan))
    with (
        logging_to(log_options),
        session("segcli spark check", cluster_options) as spark,
    ):
        from segcli.spark.review import review_on_spark

        review, problems = review_on_spark(spark, job, run)
    say(*(f"left out: {problem}" for problem in problems))
    return report_review(review, options, check_options)


def _job(
    options: JobOptions,
    cluster_options: ClusterOptions,
    writes: Named,
    reads: Reads | None = None,
    outputs: Sequence[OutputFile] = (),
) -> ClusterJob:
    """Return the job; raises UsageError, InputError and DestinationError."""
    _check_options(options)
    check_outputs(options, writes, reads, outputs)
    spec, job = spec_and_job(options)
    if not options.quiet:
        shown = ", ".join(map(display_address, options.files))
        say(f"Looking at {shown} …")
    found = listed(options.files)
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


def _reported(job: ClusterJob, options: JobOptions, run: Callable[[], Tally]) -> int:
    """Run a job, print its summary and write its report; return the exit code."""
    result = RunResult(
        command="transform",
        job=job.job,
        inputs=job.files,
        left_out=job.choice.left_out,
        tally=Tally(),
    )
    result.tally = run()
    return report.conclude(result, options)
