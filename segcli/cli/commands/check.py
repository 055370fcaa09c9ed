"""`segcli check`: the gate for CI, without a key and without a network."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from segcli.accounting.rejects import Rejects
from segcli.cli import formats, report
from segcli.cli.input_days import choose, describe_skipped, find_inputs, first_look
from segcli.cli.job import job_of
from segcli.cli.option_types import RATE
from segcli.cli.options import JOBS_OPTION, JobOptions, grouped_options, job_options
from segcli.cli.output import say, show_rendered, write_data
from segcli.cli.output_checks import check_found, check_outputs
from segcli.core.outcome import Job
from segcli.errors import Exit, UsageError
from segcli.inputs import Input, Looked
from segcli.review.checker import CheckRun, review_inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What to look at, and how to say it."""

    format: str
    strict: bool
    expect: Path | None
    update: bool
    fail_on_uncovered: tuple[str, ...]
    max_findings: int
    rate: float | None
    jobs: int | None


@click.command("check")
@job_options(default_dest="pointillist")
@grouped_options(
    CheckOptions,
    "how",
    click.option(
        "--format",
        type=click.Choice(formats.NAMES),
        default="text",
        show_default=True,
        help="How to print what was found.",
    ),
    click.option("--strict", is_flag=True, help="Count warnings as errors."),
    click.option(
        "--expect",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Compare with a golden file, as `segcli transform --outcomes` prints it.",
    ),
    click.option("--update", is_flag=True, help="Write the golden file anew."),
    click.option(
        "--fail-on-uncovered",
        metavar="PATTERN",
        multiple=True,
        help="Count input fields like this, and all below, as errors where the mapping leaves "
        "them out, such as 'properties' or 'context.*.id' (repeatable).",
    ),
    click.option(
        "--max-findings",
        metavar="N",
        type=click.IntRange(min=0),
        default=1000,
        show_default=True,
        help="Print so many at most; all are counted.",
    ),
    click.option("--rate", type=RATE, metavar="RATE", help="Say how long sending at it takes."),
    JOBS_OPTION,
)
def command(asked: JobOptions, how: CheckOptions) -> int:
    """Say in CI what a destination would receive and lose.

    Exits with 1 if a line is rejected, if the payloads differ from --expect, or if a field of
    --fail-on-uncovered is left out; with --strict for warnings too. Exits with 2, and reports
    nothing, if an input cannot be read to its end.
    """
    _check_golden(how)
    # Without --update it is only read, but then it is no input either.
    files = check_outputs(asked, writes={"--expect": how.expect})
    inputs = find_inputs(asked)
    check_found(files, inputs)
    job = job_of(asked)
    choice = choose(inputs, asked, job)
    looked = first_look(choice.inputs, asked)
    if (left_out := describe_skipped(choice.left_out)) and not asked.quiet:
        say(left_out)
    if not asked.quiet:
        for remark in looked.remarks:
            say(*remark.splitlines())
    review = review_inputs(_as_asked(asked, how, job, looked=looked, left_out=choice.left_out))
    if not asked.quiet:
        _print(how.format, formats.format_review(how.format, review))
    if asked.report:
        report.write_report(asked.report, formats.format_review("json", review))
    return Exit.INCOMPLETE if review.errors else Exit.DONE


def _print(form: str, pieces: Iterable[bytes]) -> None:
    write = show_rendered if form == "text" else write_data
    for piece in pieces:
        write(piece)


def _check_golden(how: CheckOptions) -> None:
    """Raise UsageError where --update cannot be meant as it is typed."""
    if not how.update:
        return
    if how.expect is None:
        raise UsageError("--update: no golden file is named", "Type --expect FILE --update")
    if not how.expect.parent.is_dir():
        raise UsageError(f"--expect {how.expect}: the folder {how.expect.parent} does not exist")


def _as_asked(
    asked: JobOptions, how: CheckOptions, job: Job, *, looked: Looked, left_out: Sequence[Input]
) -> CheckRun:
    return CheckRun(
        job=job,
        inputs=looked,
        files_left_out=len(left_out),
        strict=how.strict,
        expect=how.expect,
        update=how.update,
        fail_on_uncovered=how.fail_on_uncovered,
        rate=how.rate,
        most_findings=how.max_findings,
        max_line=asked.max_line,
        rejects=Rejects(asked.rejects) if asked.rejects else None,
        jobs=how.jobs,
    )
