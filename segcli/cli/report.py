"""The end of a command: the summary for people, the JSON report for machines, the exit code."""

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from segcli import __version__
from segcli.cli.ending import Ending
from segcli.cli.options import Files, Outputs
from segcli.cli.output import say
from segcli.errors import OutputError, UsageError
from segcli.inputs import Input
from segcli.inputs.input import shown
from segcli.secret import display_url

REPORT_VERSION = 1
# Near its beginning each report says what it is; `check` writes one of its own.
_MARKS = (b'"report_version"', b'"check_version"')


def check_outputs(asked: Files, others: Mapping[str, Path | None] | None = None) -> None:
    """Find out before the run whether its files can be written, each without harming another.

    `others` are its files besides --rejects and --report, by their options.
    """
    outputs = {"--rejects": asked.rejects, "--report": asked.report}
    named = {**(others or {}), **outputs}
    _check_apart(asked.files, {option: path for option, path in named.items() if path})
    for option, path in outputs.items():
        if path and not os.path.isdir(path.parent):
            raise UsageError(f"{option} {path}: the folder {path.parent} does not exist")
    if asked.report:
        _check_is_report(asked.report)
    if asked.rejects:
        _check_holds_rejects(asked.rejects)


def check_stdout(inputs: Sequence[Input]) -> None:
    """Raise UsageError where stdout goes to a file that is read, which would never end."""
    try:
        status = os.fstat(1)
    except OSError:  # closed by whoever started us
        return
    if not stat.S_ISREG(status.st_mode):
        return
    for entry in inputs:
        if entry.name != "-" and not entry.remote and os.path.samestat(status, os.stat(entry.name)):
            raise UsageError(
                f"stdout goes to {entry.title}, which is also an input",
                "Let it go elsewhere: segcli … > another-file",
            )


def _check_apart(inputs: Sequence[str], outputs: Mapping[str, Path]) -> None:
    """Raise UsageError where one file is named for two things, or would become an input."""
    folders = [os.path.realpath(name) for name in inputs if os.path.isdir(name)]
    taken = {_identity(name): "an input" for name in inputs if name != "-"}
    for option, path in outputs.items():
        other = taken.setdefault(_identity(path), option)
        if other == "an input":
            raise UsageError(
                f"{option} {path} is also an input",
                f"Name another, {option} PATH, or the inputs by a pattern without it.",
            )
        if other != option:
            raise UsageError(f"{option} {path} is also {other}", f"Name another: {option} PATH")
        if any(Path(os.path.realpath(path)).is_relative_to(folder) for folder in folders):
            raise UsageError(
                f"{option} {path} lies in a folder that is read, and would become an input",
                f"Name a place outside of it: {option} PATH",
            )


def _identity(path: str | Path) -> object:
    """Return what is the same for all names of a file, also where it is not there yet."""
    try:
        status = os.stat(path)
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def _check_is_report(path: Path) -> None:
    """Raise UsageError where writing the report would wipe out a file that is something else."""
    hint = "Name another: --report PATH"
    try:
        start = _start_of(path)
    except OSError as error:
        raise UsageError(f"--report {path} cannot be read: {error.strerror}", hint) from None
    if start and not any(mark in start for mark in _MARKS):
        raise UsageError(f"--report {path} is there already, and is no report of segcli", hint)


def _check_holds_rejects(path: Path) -> None:
    """Raise UsageError where rejects would be added to what cannot be lines of JSON.

    People may have repaired what stands there, so it need not begin with a record of ours.
    """
    start = b""
    with suppress(OSError):  # whether it can be written is found out where it is opened
        start = _start_of(path).lstrip()
    if start and not start.startswith(b'{"'):
        problem = f"--rejects {path} is there already, and is no file of rejects"
        raise UsageError(problem, "Name another: --rejects PATH")


def _start_of(path: Path) -> bytes:
    """Return the first bytes of a file; none where there is no such file."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(64)


def conclude(ending: Ending, asked: Outputs) -> int:
    """Print the summary, write the report, and return the exit code.

    Raises the error that stopped the run, if one did, once all else is said; else OutputError
    where the report cannot be written: the figures must not be lost with the file.
    """
    ending.stop_clock()
    unwritten = _unwritten(asked.report, ending) if asked.report else None
    if not asked.quiet:
        from segcli.cli.summary import print_summary

        print_summary(ending, report=None if unwritten else asked.report)
    if unwritten and ending.stopped:
        say(unwritten.message)
    if problem := ending.stopped or unwritten:
        raise problem
    return ending.exit_code


def write(path: Path, content: bytes) -> None:
    """Write a report; raises OutputError where it cannot be written."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise OutputError(f"the report {path} cannot be written: {error.strerror}") from None


def document(ending: Ending) -> dict[str, Any]:
    """Return the JSON report; `report_version` changes when a field changes its meaning."""
    tally = ending.tally
    endpoint = getattr(ending.job.settings, "endpoint", "")
    return {
        "report_version": REPORT_VERSION,
        "segcli": __version__,
        "command": ending.command,
        "destination": ending.job.destination.name,
        "endpoint": display_url(endpoint) if endpoint else None,
        "sandbox": bool(ending.sandbox),
        "inputs": [{"name": entry.title, "bytes": entry.size} for entry in ending.inputs],
        "files_left_out": len(ending.left_out),
        "started": datetime.fromtimestamp(ending.started, UTC).isoformat(timespec="milliseconds"),
        "seconds": round(ending.seconds, 3),
        "exit_code": int(ending.exit_code),
        "stopped": ending.stopped.message if ending.stopped else None,
        "read": tally.read,
        "ledger": tally.ledger(ending.states),
        "resumed": bool(ending.before),
        "read_over_all_runs": sum(ending.over_all_runs().values()),
        "ledger_over_all_runs": ending.over_all_runs(),
        "reasons": [
            {"state": state, "reason": reason, "lines": lines}
            for (state, reason), lines in tally.reasons.most_common()
        ],
        "notes": dict(tally.notes),
        "requests": tally.requests,
        "retries": tally.retries,
        "bytes_read": tally.bytes_read,
        "bytes_sent": tally.bytes_sent,
        "latency_ms": {
            f"p{share}": round(tally.latencies.quantile(share / 100) * 1000, 1)
            for share in (50, 95, 99)
            if tally.latencies.count
        },
        "rejects": shown(str(ending.kept)) if ending.kept else None,
    }


def _unwritten(path: Path, ending: Ending) -> OutputError | None:
    """Write the report; return why it cannot be written."""
    try:
        write(path, orjson.dumps(document(ending), option=orjson.OPT_INDENT_2) + b"\n")
    except OutputError as error:
        error.hint = "The run itself is over, and nothing of it is to be done again."
        return error
    return None
