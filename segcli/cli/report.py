"""Ends a command: prints the summary, writes the report and its page, returns the exit code."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from segcli.accounting.atomic_write import rewrite
from segcli.cli.long_list import with_lists
from segcli.cli.options import Outputs
from segcli.cli.output import say
from segcli.errors import OutputError
from segcli.runs.report import input_row, report_of
from segcli.runs.run_result import RunResult


def conclude(result: RunResult, options: Outputs) -> int:
    """Print the summary, write the reports, and return the exit code.

    At the end it raises the error that stopped the run, if any; else OutputError if the report
    cannot be written. The summary comes first, so that the figures are not lost.
    """
    result.stop_clock()
    unwritten = _unwritten(options.report, report_json(result)) if options.report else None
    no_page = _unwritten(options.html, _page(result, options)) if options.html else None
    if not options.quiet:
        from segcli.cli.summary import print_summary

        print_summary(result, report=None if unwritten else options.report)
    problems = [problem for problem in (result.stopped, unwritten, no_page) if problem]
    say(*(problem.message for problem in problems[1:]))
    if problems:
        raise problems[0]
    return result.exit_code


def write_report(path: Path, content: Iterable[bytes]) -> None:
    """Write a report piece by piece; raises OutputError if it cannot be written.

    A new file has mode 0600, because reasons and differences quote events.
    """
    # The report may go to stdout too; then it follows what was printed.
    sys.stdout.flush()
    try:
        rewrite(path, content, private=True)
    except OSError as error:
        raise OutputError(f"the report {path} cannot be written: {error.strerror}") from None


def report_json(result: RunResult) -> Iterator[bytes]:
    """Yield the JSON report."""
    document = report_of(result, with_inputs=False).document()
    # One point a line: indented, they would be most of the file.
    points = [orjson.dumps(point).decode() for point in document["series"]]
    document["series"] = []
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    inputs = (orjson.dumps(input_row(entry)).decode() for entry in result.inputs)
    return with_lists(text.decode(), {"inputs": inputs, "series": points})


def _page(result: RunResult, options: Outputs) -> Iterator[bytes]:
    from segcli.cli.html_page import run_page

    yield run_page(result, with_samples=options.html_samples)


def _unwritten(path: Path, content: Iterable[bytes]) -> OutputError | None:
    """Write a report; return the error if that fails."""
    try:
        write_report(path, content)
    except OutputError as error:
        error.hint = "The run itself is complete; do not repeat it."
        return error
    return None
