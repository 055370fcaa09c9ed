"""The report of a run: the same value for a program, and as the JSON of `--report`.

`report.schema.json` beside it describes that JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from segcli import __version__
from segcli.accounting.series_json import point_json
from segcli.accounting.tally import Tally
from segcli.core.secret import display_url
from segcli.errors import Exit
from segcli.inputs.input import shown_name
from segcli.runs.run_result import RunResult

REPORT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run did. It holds no key.

    report_version: changes when a field changes its meaning.
    segcli: the version of segcli.
    command: `transform` or `send`.
    destination: the name of the destination.
    endpoint: the address, without credentials and query; None if there is none.
    sandbox: whether a sandbox received everything.
    inputs: the inputs that were read, as `{"name", "bytes"}`; bytes are None if unknown.
    files_left_out: files that were not read, because their day is outside `since` and `until`.
    started: when the run began, as ISO-8601 in UTC.
    seconds: how long it took.
    exit_code: what the command ends with: 0 done; 1 done, but some events were rejected or
        refused; 3 stopped early; 129, 130 or 143 interrupted by a signal.
    stopped: why the run stopped early; None if it did not.
    read: lines read by this run.
    ledger: those lines by state. The states add up to `read`.
    resumed: whether the run continued an earlier one.
    read_over_all_runs, ledger_over_all_runs: the same with the runs that this one continued.
    actions: what became of the events that each action took, as `{"action"}` with a number for each
        state, in the order of the actions; empty if the destination has only one. An event that
        several actions take stands at each of them.
    actions_over_all_runs: the same with the runs that this one continued.
    fanned_out: lines that several actions take.
    reasons: lines by `{"state", "reason", "lines"}`, the most frequent first.
    notes: events by what the summary says of them, such as what their mapping leaves out.
    requests: requests sent, with `retries`.
    retries: requests that were sent again.
    bytes_read, bytes_sent: bytes of the lines read, and of the request bodies.
    latency_ms: the times of the vendor's answers in milliseconds, as `p50`, `p95`, `p99`.
    series: the course of the run for plots: at most one point a second, and at most 2,000; see
        `report.schema.json`. Empty if it was not recorded.
    rejects_file: the file that keeps rejected and refused events; None if none was written.
    rejects_from: from which byte of that file the records of this run, and of those that it
        continued, begin; before it are those of earlier runs. None if no file was written, and
        after `restart` if records of the forgotten run may be among them.
    rejects: the records of such events that are held in memory, if no file was named. Each is
        a dict like a line of a rejects file, and holds the event.
    """

    report_version: int = REPORT_VERSION
    segcli: str = __version__
    command: str
    destination: str
    endpoint: str | None
    sandbox: bool
    inputs: Sequence[Mapping[str, Any]]
    files_left_out: int
    started: str
    seconds: float
    exit_code: int
    stopped: str | None
    read: int
    ledger: Mapping[str, int]
    resumed: bool
    read_over_all_runs: int
    ledger_over_all_runs: Mapping[str, int]
    actions: Sequence[Mapping[str, Any]] = ()
    actions_over_all_runs: Sequence[Mapping[str, Any]] = ()
    fanned_out: int = 0
    reasons: Sequence[Mapping[str, Any]]
    notes: Mapping[str, int]
    requests: int
    retries: int
    bytes_read: int
    bytes_sent: int
    latency_ms: Mapping[str, float]
    series: Sequence[Mapping[str, Any]] = ()
    rejects_file: str | None
    rejects_from: int | None = None
    rejects: Sequence[Mapping[str, Any]] = ()

    @property
    def ok(self) -> bool:
        """True if the run is complete, and no event was rejected or refused."""
        return self.exit_code == Exit.DONE

    def document(self) -> dict[str, Any]:
        """Return the JSON of `--report`. Its `rejects` is the file."""
        names = (entry.name for entry in fields(self))
        values = {name: getattr(self, name) for name in names if name != "rejects"}
        values["inputs"], values["series"] = list(self.inputs), list(self.series)
        values["rejects"] = values.pop("rejects_file")
        return values


def report_of(result: RunResult, *, with_inputs: bool = True) -> Report:
    """Return the report of a run. There may be millions of inputs, so they may be left out."""
    endpoint = getattr(result.job.settings, "endpoint", "")
    return Report(
        command=result.command,
        destination=result.job.destination.name,
        endpoint=display_url(endpoint) if endpoint else None,
        sandbox=bool(result.sandbox),
        inputs=[*map(input_row, result.inputs)] if with_inputs else (),
        files_left_out=len(result.left_out),
        started=datetime.fromtimestamp(result.started, UTC).isoformat(timespec="milliseconds"),
        seconds=round(result.seconds, 3),
        exit_code=int(result.exit_code),
        stopped=result.stopped.message if result.stopped else None,
        **_lines(result),
        **_requests(result.tally),
        series=_series(result),
        rejects_file=shown_name(str(result.kept)) if result.kept else None,
        rejects_from=result.rejects_from if result.kept else None,
        rejects=result.held.records() if result.held else (),
    )


def input_row(entry: Any) -> dict[str, Any]:
    """Return an input as it stands in a report."""
    return {"name": entry.title, "bytes": entry.size}


def _series(result: RunResult) -> list[dict[str, Any]]:
    points = result.series.points if result.series else ()
    return [point_json(point, result.states) for point in points]


def _lines(result: RunResult) -> dict[str, Any]:
    """Return the fields of the report about lines."""
    tally = result.tally
    return {
        "read": tally.read,
        "ledger": tally.ledger(result.states),
        "resumed": bool(result.before),
        "read_over_all_runs": sum(result.over_all_runs().values()),
        "ledger_over_all_runs": result.over_all_runs(),
        "actions": _actions(result),
        "actions_over_all_runs": _actions(result, over_all_runs=True),
        "fanned_out": tally.fanned_out,
        "reasons": [
            {"state": state, "reason": reason, "lines": lines}
            for (state, reason), lines in tally.reasons.most_common()
        ],
        "notes": dict(tally.notes),
    }


def _actions(result: RunResult, *, over_all_runs: bool = False) -> list[dict[str, Any]]:
    counts = {
        action: result.by_action(action, over_all_runs=over_all_runs) for action in result.actions
    }
    return [{"action": action} | dict(states) for action, states in counts.items()]


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
