"""`segcli check`: reports in CI what a destination would receive, without key and network."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import click

from segcli.accounting.rejects import MAKE_ROOM, Rejects
from segcli.cli import formats, report
from segcli.cli.dest_option import is_default
from segcli.cli.explain import explained
from segcli.cli.help_format import GroupedCommand
from segcli.cli.html_page import html_output, review_page
from segcli.cli.input_days import describe_skipped, find_inputs, first_look
from segcli.cli.job import job_of, now_of, typed_selection
from segcli.cli.log_options import LOG_OPTIONS, LogOptions, logging_to
from segcli.cli.option_types import CODE_PREFIXES, OUTPUT_FILE, RATE, TEXT, WholeNumber
from segcli.cli.options import JOBS_OPTION, JobOptions, grouped_options, job_options
from segcli.cli.output import say, show, show_rendered, write_data
from segcli.cli.stdio import ReaderGone, discard_stdout
from segcli.errors import Exit, OutputError, Stopped, UsageError
from segcli.inputs import Input
from segcli.inputs.first_event import judge_events
from segcli.inputs.record_actions import judge_for
from segcli.review.check_run import CheckRun
from segcli.review.checker import review_inputs
from segcli.review.codes import CODES
from segcli.review.review import Review
from segcli.review.wanted import Wanted, is_prefix
from segcli.runs.input_choice import choose
from segcli.runs.output_checks import OutputFile, check_found, check_outputs
from segcli.runs.plans import read_plans


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What to check, and how to report it.

    format: one of `formats.FORMATS`
    plan: the files of tracking plans
    strict: count warnings as errors
    expect: the golden file to compare with
    update: write the golden file instead
    fail_on_uncovered: patterns of fields that the mapping must use
    max_findings: how many findings to print, except as JSON
    rate: requests a second, for the estimate of the time
    jobs: processes; None for the default
    select: codes, or prefixes, of findings that count
    ignore: codes, or prefixes, of findings that do not
    baseline: the file of findings that are accepted
    update_baseline: write that file instead
    output: files to write, each in a format
    allow_empty: pass although nothing was checked
    coverage: patterns of the fields that are shown in the table of fields left out
    mask: show the form of sample values only
    every: print every finding instead of one entry a group
    """

    format: str
    plan: tuple[Path, ...]
    strict: bool
    expect: Path | None
    update: bool
    fail_on_uncovered: tuple[str, ...]
    max_findings: int
    rate: float | None
    jobs: int | None
    select: tuple[tuple[str, ...], ...]
    ignore: tuple[tuple[str, ...], ...]
    baseline: Path | None
    update_baseline: bool
    output: tuple[OutputFile, ...]
    every: bool
    allow_empty: bool
    coverage: tuple[str, ...]
    mask: bool


def _explain(context: click.Context, _: click.Parameter, code: str | None) -> None:
    """Print what a code means, or all codes that begin so, and end: nothing is checked."""
    if code is None or context.resilient_parsing:
        return
    prefix = code.strip().upper()
    if not is_prefix(prefix):
        raise UsageError(
            f"--explain: no code of a finding begins with {code!r}",
            "Type a code, like SEG203, or the start of one. `segcli guide findings` has all codes.",
        )
    found = [explained(one) for one in CODES.values() if one.code.startswith(prefix)]
    show(*found[0], *(line for one in found[1:] for line in ("", *one)))
    context.exit()


CHECK_OPTIONS = grouped_options(
    CheckOptions,
    "check_options",
    click.option(
        "--format",
        type=click.Choice(formats.FORMATS),
        metavar="FORMAT",
        default="text",
        show_default=True,
        help=f"How to print the findings: {', '.join(formats.FORMATS)}.",
    ),
    click.option(
        "--output",
        metavar="FORMAT=PATH",
        multiple=True,
        type=OUTPUT_FILE,
        help="Also write the findings to this file in this format, such as junit=report.xml "
        "(repeatable). --report PATH is short for --output json=PATH.",
    ),
    click.option(
        "--every",
        is_flag=True,
        help="Print every finding.  [default: one entry for all that say the same]",
    ),
    click.option(
        "--plan",
        metavar="FILE",
        multiple=True,
        type=click.Path(dir_okay=False, path_type=Path),
        help="Compare events with this tracking plan of Segment: rules of the Public API, "
        "plan.json of Typewriter, or a CSV (repeatable). Without --dest nothing else is checked.",
    ),
    click.option(
        "--allow-empty",
        is_flag=True,
        help="Pass although no line was mapped, rejected or compared with a plan.",
    ),
    click.option("--strict", is_flag=True, help="Count warnings as errors."),
    click.option(
        "--expect",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Compare with a golden file, which --update writes.",
    ),
    click.option("--update", is_flag=True, help="Rewrite the golden file."),
    click.option(
        "--coverage",
        type=TEXT,
        metavar="PATTERN",
        multiple=True,
        help="Show fields like this that the mapping leaves out, such as 'properties.*', or all "
        "(repeatable).  [default: all but the envelope]",
    ),
    click.option("--mask", is_flag=True, help="Show the form of sample values, not the values."),
    click.option(
        "--fail-on-uncovered",
        type=TEXT,
        metavar="PATTERN",
        multiple=True,
        help="Report an error if the mapping leaves out an input field like this, or one below "
        "it, such as 'properties' or 'context.*.id' (repeatable).",
    ),
    click.option(
        "--max-findings",
        metavar="N",
        type=WholeNumber(min=0),
        default=1000,
        show_default=True,
        help="Print at most N findings; all are counted. JSON has all of them.",
    ),
    click.option(
        "--rate", type=RATE, metavar="RATE", help="Estimate how long sending at this rate takes."
    ),
    click.option(
        "--select",
        metavar="CODES",
        multiple=True,
        type=CODE_PREFIXES,
        help="Only findings with these codes, or codes that begin so, like SEG1,SEG203 "
        "(repeatable).",
    ),
    click.option(
        "--ignore",
        metavar="CODES",
        multiple=True,
        type=CODE_PREFIXES,
        help="No findings with these codes: they are not shown and do not fail (repeatable).",
    ),
    click.option(
        "--baseline",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Accept the findings in this file: only others are shown and fail.",
    ),
    click.option(
        "--update-baseline", is_flag=True, help="Write the baseline: it accepts all findings."
    ),
    JOBS_OPTION,
)


@click.command("check", cls=GroupedCommand)
@job_options(default_dest="pointillist")
@CHECK_OPTIONS
@click.option(
    "--explain",
    metavar="CODE",
    is_eager=True,
    expose_value=False,
    callback=_explain,
    help="Print what a code, or each code that begins so, means, why it matters and how to fix it.",
)
@LOG_OPTIONS
def command(options: JobOptions, check_options: CheckOptions, log_options: LogOptions) -> int:
    """Report in CI what a destination would receive and lose.

    Exits with 1 if a line is rejected (unless the golden file records it), if the payloads differ
    from --expect, if an event differs from --plan, if the mapping leaves out a field of
    --fail-on-uncovered, or if there is nothing to check; with --strict also for warnings. Exits
    with 2, and reports nothing, if an input cannot be read to its end.
    """
    _check_golden(check_options)
    check_baseline(check_options)
    with logging_to(log_options):
        reviewed = _reviewed(options, check_options, log_options)
    return report_review(reviewed, options, check_options)


def report_review(reviewed: Review, options: JobOptions, check_options: CheckOptions) -> int:
    """Print a review, write its files, and return the exit code."""
    review = replace(reviewed, shows_every=check_options.every, coverage=check_options.coverage)
    _write_all(review, options, check_options)
    return Exit.INCOMPLETE if review.errors else Exit.DONE


def run_of(
    options: JobOptions, check_options: CheckOptions, *, looked: Sequence[Input], left_out: int
) -> CheckRun:
    """Return what to review and how; the job, the selection and the plans are still missing."""
    return CheckRun(
        job=None,
        inputs=looked,
        files_left_out=left_out,
        strict=check_options.strict,
        expect=check_options.expect,
        update=check_options.update,
        fail_on_uncovered=check_options.fail_on_uncovered,
        needs_events=not check_options.allow_empty,
        mask=check_options.mask,
        rate=check_options.rate,
        most_findings=check_options.max_findings,
        keeps_all=bool(options.report) or "json" in _formats(check_options),
        max_line=options.max_line,
        rejects=Rejects(options.rejects, MAKE_ROOM) if options.rejects else None,
        jobs=check_options.jobs,
        wanted=Wanted(tuple(chain(*check_options.select)), tuple(chain(*check_options.ignore))),
        baseline=check_options.baseline,
        update_baseline=check_options.update_baseline,
    )


def check_baseline(check_options: CheckOptions) -> None:
    """Raise UsageError if --update-baseline has no file, or no folder to write it to."""
    if not check_options.update_baseline:
        return
    baseline = check_options.baseline
    if baseline is None:
        problem = "--update-baseline needs a baseline"
        raise UsageError(problem, "Type --baseline FILE --update-baseline")
    if not os.path.isdir(baseline.parent):
        raise UsageError(
            f"--baseline {baseline}: the folder {baseline.parent} does not exist",
            "Make the folder, or name another file: --baseline FILE",
        )


def _reviewed(options: JobOptions, check_options: CheckOptions, log_options: LogOptions) -> Review:
    """Check the files of the run, take the first look, and review every line."""
    # Without --update the golden file is only read, but it must not be an input either.
    writes = {
        "--expect": check_options.expect,
        "--baseline": check_options.baseline,
        **log_options.writes,
        **html_output(options),
    }
    reads = {"--plan": check_options.plan}
    files = check_outputs(options, writes, reads, check_options.output)
    job = None if _is_for_plans_only(options, check_options) else job_of(options)
    plans = read_plans(check_options.plan)
    inputs = find_inputs(options)
    check_found(files, inputs)
    spec = typed_selection(options)
    selection = job.selection if job else spec.selection(now_of(options))
    choice = choose(inputs, spec, selection)
    judge = judge_for(job.destination) if job else judge_events
    looked = first_look(choice.inputs, options, judge)
    if not options.quiet:
        say(*filter(None, [describe_skipped(choice.left_out)]), *looked.remark_lines)
    run = run_of(options, check_options, looked=looked, left_out=len(choice.left_out))
    review = review_inputs(replace(run, job=job, selection=selection, plans=plans))
    return replace(review, is_default=job is not None and is_default())


def _write_all(review: Review, options: JobOptions, check_options: CheckOptions) -> None:
    """Print the review and write its files; an output that fails does not stop the others.

    At the end it raises the first error of a file, or else that of stdout.
    """
    failures: list[Exception] = []
    unprinted = None if options.quiet else _print(check_options.format, review)
    as_json = [OutputFile("json", options.report)] if options.report else []
    contents = [
        (one.path, formats.format_review(one.format, review, in_file=True))
        for one in (*as_json, *check_options.output)
    ]
    if options.html:
        contents.append((options.html, iter((review_page(review, options),))))
    for path, content in contents:
        try:
            report.write_report(path, content)
        except OutputError as error:
            failures.append(error)
    if failure := next(iter(failures), unprinted):
        raise failure


def _print(form: str, review: Review) -> Exception | None:
    """Print the review; return the error if stdout cannot be written."""
    write = show_rendered if form == "text" else write_data
    try:
        for piece in formats.format_review(form, review):
            write(piece)
    except (ReaderGone, Stopped) as error:
        # The rest is still in a buffer, and would fail again with each flush.
        discard_stdout()
        return error
    return None


def _is_for_plans_only(options: JobOptions, check_options: CheckOptions) -> bool:
    """Return whether a plan is given and no destination.

    Raises UsageError if an option is given that needs a destination.
    """
    if not check_options.plan or not is_default():
        return False
    for option, given in (
        ("--expect", check_options.expect),
        ("--coverage", check_options.coverage),
        ("--fail-on-uncovered", check_options.fail_on_uncovered),
        ("--rate", check_options.rate),
        ("--set", options.set),
        ("--api-key-file", options.api_key_file),
        ("--endpoint", options.endpoint),
    ):
        if given:
            problem = f"{option} needs a destination, and --plan alone has none"
            raise UsageError(problem, "Add --dest NAME")
    return True


def _check_golden(check_options: CheckOptions) -> None:
    """Raise UsageError if --update has no golden file, or no folder to write it to."""
    if not check_options.update:
        return
    expect = check_options.expect
    if expect is None:
        raise UsageError("--update needs a golden file", "Type --expect FILE --update")
    if not os.path.isdir(expect.parent):
        raise UsageError(
            f"--expect {expect}: the folder {expect.parent} does not exist",
            "Make the folder, or name another file: --expect FILE",
        )


def _formats(check_options: CheckOptions) -> set[str]:
    return {check_options.format, *(one.format for one in check_options.output)}
