"""`segcli transform`: payloads to stdout, and nothing else there."""

import click

from segcli.accounting.rejects import Rejects
from segcli.accounting.tally import Tally
from segcli.cli import report
from segcli.cli.input_days import choose, find_inputs, first_look
from segcli.cli.job import job_of
from segcli.cli.options import JOBS_OPTION, JobOptions, job_options
from segcli.cli.output import data_output
from segcli.cli.output_checks import check_found, check_outputs
from segcli.cli.run_result import RunResult
from segcli.errors import Stopped
from segcli.payloads import Transformation, transform


@click.command("transform")
@job_options(default_dest="pointillist")
@click.option(
    "--outcomes", is_flag=True, help="Print an object for every input line, whatever became of it."
)
@JOBS_OPTION
def command(asked: JobOptions, outcomes: bool, jobs: int | None) -> int:
    """Print what a destination would receive.

    One payload a line, in input order. Reads stdin where no file is named. No key is needed and
    nothing is sent.
    """
    return transform_and_report(asked, every_line=outcomes, jobs=jobs)


def transform_and_report(
    asked: JobOptions, *, every_line: bool = False, jobs: int | None = None
) -> int:
    """Print the payloads and the summary; return the exit code."""
    files = check_outputs(asked)
    inputs = find_inputs(asked)
    check_found(files, inputs)
    rejects = Rejects(asked.rejects) if asked.rejects else None
    job = job_of(asked)
    choice = choose(inputs, asked, job)
    looked = first_look(choice.inputs, asked)
    ending = RunResult(
        command="transform",
        job=job,
        inputs=looked,
        left_out=choice.left_out,
        tally=Tally(),
        rejects=asked.rejects,
        remarks=looked.remarks,
    )
    transformation = Transformation(
        job=job,
        inputs=looked,
        every_line=every_line,
        rejects=rejects,
        max_line=asked.max_line,
        jobs=jobs,
    )
    try:
        transform(transformation, data_output(), ending.tally)
    except Stopped as stopped:
        ending.stopped = stopped
    return report.conclude(ending, asked)
