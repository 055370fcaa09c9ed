"""Ends a command: prints the summary, writes the JSON report, returns the exit code."""

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
    """Print the summary, write the report, and return the exit code.

    At the end it raises the error that stopped the run, if any; else OutputError if the report
    cannot be written. The summary comes first, so that the figures are not lost.
    """
    result.stop_clock()
    unwritten = _unwritten(options.report, result) if options.report else None
    if not options.quiet:
        from segcli.cli.summary import print_summary

        print_summary(result, report=None if unwritten else options.report)
    if unwritten and result.stopped:
        say(unwritten.message)
    if problem := result.stopped or unwritten:
        raise problem
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
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    inputs = (orjson.dumps(input_row(entry)).decode() for entry in result.inputs)
    return with_lists(text.decode(), {"inputs": inputs})


def _unwritten(path: Path, result: RunResult) -> OutputError | None:
    """Write the report; return the error if that fails."""
    try:
        write_report(path, report_json(result))
    except OutputError as error:
        error.hint = "The run itself is complete; do not repeat it."
        return error
    return None
