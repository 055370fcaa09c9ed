"""Prints the summary: where every line went and why, and how fast the vendor answered."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from segcli.accounting.tally import State, Tally
from segcli.cli.dest_option import default_named
from segcli.cli.input_days import describe_skipped
from segcli.cli.output import Column, plain_text, rendered_table, say, say_table
from segcli.core.plural import count_of
from segcli.core.reason import is_too_old
from segcli.core.settings import how_to_set
from segcli.core.trust import name_and_address
from segcli.core.visible_text import shell_quoted
from segcli.runs.run_result import RunResult

if TYPE_CHECKING:
    from rich.text import Text

COLOURS: dict[State, str] = {
    "mapped": "green",
    "delivered": "green",
    "refused": "red",
    "rejected": "red",
    "skipped": "yellow",
    "unsent": "magenta",
}
# The statuses of a wrong address; some vendors use them for one event too, as of an unknown user.
_NOT_FOUND = frozenset({"http_404", "http_405"})
_REASONS_SHOWN = 12
# Wide enough that no message is wrapped.
_WIDTH_OFF_TERMINAL = 160


def print_summary(result: RunResult, *, report: Path | None) -> None:
    """Print the ledger, the reasons, the times, and where rejects and report are."""
    if result.is_default:
        say(default_named(result.job.destination.name))
    columns = [Column(right=True), Column()]
    say_table(rendered_table(columns, _ledger(result), gap=2), width=_WIDTH_OFF_TERMINAL)
    say(*_facts(result, report))
    if not result.stopped:
        say(*result.ending())


def _ledger(result: RunResult) -> Iterator[tuple[str, "Text"]]:
    over_all = result.over_all_runs()
    read = plain_text("read", style="bold") + _over_all(result, sum(over_all.values()))
    yield f"{result.tally.read:,}", read
    for state, lines in result.tally.ledger(result.states).items():
        name = plain_text(state, style=COLOURS[state] if lines else "dim")
        yield f"{lines:,}", name + _over_all(result, over_all[state])
        for reason, count in _reasons(result.tally, state):
            yield "", plain_text(f"{count:,}  {reason}", style="dim")
    yield from _several(result)
    for note, count in result.tally.notes.most_common():
        yield f"{count:,}", plain_text(f"note: {note}")


def _several(result: RunResult) -> Iterator[tuple[str, "Text"]]:
    """Yield what became of the events at each action, if several actions took one."""
    if not result.tally.fanned_out:
        return
    yield f"{result.tally.fanned_out:,}", plain_text("taken by several actions")
    for action in result.actions:
        counts = result.by_action(action).items()
        said = ", ".join(f"{events:,} {state}" for state, events in counts if events)
        if said:
            yield "", plain_text(f"{said}  by {action}", style="dim")


def _over_all(result: RunResult, lines: int) -> "Text":
    """Return the number over all runs, if this run resumed an earlier one."""
    return plain_text(f"   {lines:,} over all runs" if result.before else "", style="dim")


def _reasons(tally: Tally, state: State) -> Iterator[tuple[str, int]]:
    found = [(reason, n) for (of, reason), n in tally.reasons.most_common() if of == state]
    # What a vendor would lose comes first: it is not what the user asked to leave out.
    found.sort(key=lambda one: not is_too_old(one[0]))
    yield from found[:_REASONS_SHOWN]
    if rest := found[_REASONS_SHOWN:]:
        yield f"for {len(rest)} other reasons", sum(n for _, n in rest)


def _answers(tally: Tally) -> str:
    if not tally.latencies.count:
        return "no answer"
    p50, p95, p99 = (tally.latencies.quantile(share) * 1000 for share in (0.5, 0.95, 0.99))
    return f"answers within {p50:,.0f} ms (p50), {p95:,.0f} ms (p95), {p99:,.0f} ms (p99)"


def _sentence(result: RunResult) -> Iterator[str]:
    """Yield what a real send, or a run that stopped, has delivered and to where."""
    if "delivered" not in result.states or (result.sandbox and not result.stopped):
        return
    tally, job = result.tally, result.job
    to = f"{job.destination.name} in the sandbox" if result.sandbox else name_and_address(job)
    left = f"; {tally.unsent:,} {result.describe_unsent()}" if tally.unsent else ""
    yield f"{tally.delivered:,} delivered to {to}{left}"


def _wrong_address(result: RunResult) -> Iterator[str]:
    """Yield a note if nothing was delivered, and every refusal is a 404 or 405."""
    over_all, job = result.over_all_runs(), result.job
    codes = {code for state, code in result.tally.codes if state == "refused"}
    if result.sandbox or not codes or not codes <= _NOT_FOUND or over_all["delivered"]:
        return
    if any(state == "delivered" for _, state in result.tally.actions):
        return
    statuses = " or ".join(sorted(code.removeprefix("http_") for code in codes))
    why = f"nothing was delivered, and every refusal is HTTP {statuses}"
    yield f"note: {why}: is this the right address, {name_and_address(job)}?"
    if hasattr(job.settings, "endpoint"):
        yield how_to_set(job.destination.name, "endpoint")
    if result.kept:
        own = "" if result.rejects_from == 0 else "the records of this run in "
        yield f"Then send {own}{result.kept}"


def _earlier_rejects(result: RunResult) -> str:
    """Return what the rejects file had before; empty if nothing. Sending it would send that too."""
    since = result.rejects_from
    if since == 0:
        return ""
    if since is None:
        return " (also has records of earlier runs)"
    own = f"tail -c +{since + 1} {shell_quoted(str(result.kept))}"
    return f" (also has records of earlier runs; those of this run: {own})"


def _facts(result: RunResult, report: Path | None) -> Iterator[str]:
    yield from _sentence(result)
    tally, seconds = result.tally, result.seconds
    is_send = "delivered" in result.states
    speed = (tally.delivered if is_send else tally.read) / seconds if seconds else 0.0
    yield f"{seconds:,.1f} s, {speed:,.0f} {'delivered' if is_send else 'lines'}/s"
    if left_out := describe_skipped(result.left_out):
        yield left_out
    job = result.job
    if result.command == "send" and (advice := job.destination.advice(job.settings)):
        yield f"note: {advice}"
    for remark in result.remarks:
        yield from remark.splitlines()
    if tally.requests:
        requests = count_of(tally.requests, "request")
        yield f"{requests}, {count_of(tally.retries, 'retry', 'retries')}; {_answers(tally)}"
    if result.kept:
        yield f"rejects: {result.kept}{_earlier_rejects(result)}"
    if report:
        yield f"report: {report}"
    if result.sandbox:
        yield f"Nothing left this machine: all requests went to the sandbox at {result.sandbox}."
    yield from _wrong_address(result)
