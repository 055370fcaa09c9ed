"""`segcli transform`: prints payloads, and nothing else, to stdout."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import click

from segcli.accounting.rejects import MAKE_ROOM, Rejects, size_of
from segcli.accounting.series import sampled
from segcli.accounting.tally import Tally
from segcli.cli import report
from segcli.cli.dest_option import is_default
from segcli.cli.help_format import GroupedCommand
from segcli.cli.html_page import html_output, watch_for_reports
from segcli.cli.input_days import find_inputs, first_look
from segcli.cli.job import job_of, typed_selection
from segcli.cli.log_options import LOG_OPTIONS, LogOptions, logging_to
from segcli.cli.options import JOBS_OPTION, JobOptions, job_options
from segcli.cli.output import data_output
from segcli.cli.typed_command import with_command
from segcli.errors import Stopped
from segcli.inputs.record_actions import judge_for
from segcli.payloads import Transformation, transform
from segcli.runs.input_choice import choose
from segcli.runs.output_checks import check_found, check_outputs
from segcli.runs.run_result import RunResult

_AGAIN = "type the command again"


@click.command("transform", cls=GroupedCommand)
@job_options(default_dest="pointillist")
@click.option(
    "--outcomes", is_flag=True, help="Print an object for every input line, with its state."
)
@JOBS_OPTION
@LOG_OPTIONS
def command(options: JobOptions, outcomes: bool, jobs: int | None, log_options: LogOptions) -> int:
    """Print what a destination would receive.

    Prints one payload a line, in input order. Reads stdin if no file is named. Needs no key and
    sends nothing.
    """
    return transform_and_report(options, log_options, every_line=outcomes, jobs=jobs)


def transform_and_report(
    options: JobOptions,
    log_options: LogOptions,
    *,
    every_line: bool = False,
    jobs: int | None = None,
) -> int:
    """Print the payloads and the summary; return the exit code."""
    with logging_to(log_options):
        return _transform(options, log_options.writes, every_line=every_line, jobs=jobs)


def _transform(
    options: JobOptions, writes: Mapping[str, Path | None], *, every_line: bool, jobs: int | None
) -> int:
    files = check_outputs(options, writes={**writes, **html_output(options)})
    inputs = find_inputs(options)
    check_found(files, inputs)
    rejects = Rejects(options.rejects, MAKE_ROOM) if options.rejects else None
    job = job_of(options)
    choice = choose(inputs, typed_selection(options), job.selection)
    looked = first_look(choice.inputs, options, judge_for(job.destination))
    result = RunResult(
        command="transform",
        job=job,
        inputs=looked,
        left_out=choice.left_out,
        tally=Tally(),
        rejects=options.rejects,
        rejects_from=size_of(options.rejects) if options.rejects else 0,
        remarks=looked.remarks,
        is_default=is_default(),
    )
    if not every_line:
        result.ending = partial(_which_lines, result)
    watch_for_reports(result, options)
    transformation = Transformation(
        job=job,
        inputs=looked,
        every_line=every_line,
        rejects=rejects,
        samples=result.samples,
        max_line=options.max_line,
        jobs=jobs,
    )
    try:
        with sampled(result.series):
            transform(transformation, data_output(), result.tally)
    except Stopped as stopped:
        result.stopped = _with_hint(stopped)
    return report.conclude(result, options)


def _with_hint(stopped: Stopped) -> Stopped:
    """Say that the command starts from the beginning: it has no journal, and no --resume."""
    if _AGAIN not in stopped.hint:
        again = f"The output is not complete: {_AGAIN}. It starts from the beginning."
        stopped.hint = "\n".join(filter(None, (stopped.hint, again)))
    return stopped


def _which_lines(result: RunResult) -> Iterator[str]:
    """Yield the command that names the rejected lines, unless the rejects file does."""
    can_read = all(entry.can_be_read_again for entry in result.inputs)
    if result.tally.rejected and not result.kept and can_read:
        yield f"which lines: {with_command('check', result.job)}"
