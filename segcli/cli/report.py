"""Ends a command: prints the summary, writes the JSON report, returns the exit code."""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from segcli import __version__
from segcli.accounting.atomic_write import rewrite
from segcli.accounting.tally import Tally
from segcli.cli.long_list import with_list
from segcli.cli.options import Outputs
from segcli.cli.output import say
from segcli.cli.run_result import RunResult
from segcli.core.secret import display_url
from segcli.errors import OutputError
from segcli.inputs.input import shown_name

REPORT_VERSION = 1


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
    text = orjson.dumps(_document(result), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    inputs = (
        orjson.dumps({"name": entry.title, "bytes": entry.size}).decode() for entry in result.inputs
    )
    return with_list(text.decode(), "inputs", inputs)


def _document(result: RunResult) -> dict[str, Any]:
    """Return the report without its inputs, which may be millions.

    `report_version` changes when a field changes its meaning.
    """
    endpoint = getattr(result.job.settings, "endpoint", "")
    return {
        "report_version": REPORT_VERSION,
        "segcli": __version__,
        "command": result.command,
        "destination": result.job.destination.name,
        "endpoint": display_url(endpoint) if endpoint else None,
        "sandbox": bool(result.sandbox),
        "inputs": [],
        "files_left_out": len(result.left_out),
        "started": datetime.fromtimestamp(result.started, UTC).isoformat(timespec="milliseconds"),
        "seconds": round(result.seconds, 3),
        "exit_code": int(result.exit_code),
        "stopped": result.stopped.message if result.stopped else None,
        **_lines(result),
        **_requests(result.tally),
        "rejects": shown_name(str(result.kept)) if result.kept else None,
    }


def _lines(result: RunResult) -> dict[str, Any]:
    """Return the fields of the report about lines."""
    tally = result.tally
    return {
        "read": tally.read,
        "ledger": tally.ledger(result.states),
        "resumed": bool(result.before),
        "read_over_all_runs": sum(result.over_all_runs().values()),
        "ledger_over_all_runs": result.over_all_runs(),
        "reasons": [
            {"state": state, "reason": reason, "lines": lines}
            for (state, reason), lines in tally.reasons.most_common()
        ],
        "notes": dict(tally.notes),
    }


def _requests(tally: Tally) -> dict[str, Any]:
    """Return the fields of the report about requests and bytes; latencies are in milliseconds."""
    return {
        "requests": tally.requests,
        "retries": tally.retries,
        "bytes_read": tally.bytes_read,
        "bytes_sent": tally.bytes_sent,
        "latency_ms": {
            f"p{share}": round(tally.latencies.quantile(share / 100) * 1000, 1)
            for share in (50, 95, 99)
            if tally.latencies.count
        },
    }


def _unwritten(path: Path, result: RunResult) -> OutputError | None:
    """Write the report; return the error if that fails."""
    try:
        write_report(path, report_json(result))
    except OutputError as error:
        error.hint = "The run itself is complete; do not repeat it."
        return error
    return None
