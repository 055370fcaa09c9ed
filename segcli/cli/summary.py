"""The closing table: where every line went, why, and how the vendor answered."""

import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from segcli.cli.choice import said_of
from segcli.cli.ending import Ending
from segcli.delivery.tally import State, Tally

COLOURS: dict[State, str] = {
    "mapped": "green",
    "delivered": "green",
    "refused": "red",
    "rejected": "red",
    "skipped": "yellow",
    "unsent": "magenta",
}
_REASONS_SHOWN = 12
# Nobody's screen: wide enough that no message is broken in two.
_WIDTH_OFF_TERMINAL = 160


def talk() -> Console:
    """The console for people: stderr, plain where that is no terminal."""
    return Console(
        stderr=True,
        highlight=False,
        soft_wrap=True,
        width=None if sys.stderr.isatty() else _WIDTH_OFF_TERMINAL,
    )


def print_summary(ending: Ending, *, report: Path | None) -> None:
    """Print the ledger, the reasons, the times, and where rejects and report are."""
    console = talk()
    console.print(_ledger(ending))
    for line in _facts(ending, report):
        console.print(line)


def _ledger(ending: Ending) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right")
    table.add_column()
    over_all = ending.over_all_runs()
    read = Text("read", style="bold") + _over_all(ending, sum(over_all.values()))
    table.add_row(f"{ending.tally.read:,}", read)
    for state, lines in ending.tally.ledger(ending.states).items():
        name = Text(state, style=COLOURS[state] if lines else "dim")
        table.add_row(f"{lines:,}", name + _over_all(ending, over_all[state]))
        for reason, count in _reasons(ending.tally, state):
            table.add_row("", Text(f"{count:,}  {reason}", style="dim"))
    for note, count in ending.tally.notes.most_common():
        table.add_row(f"{count:,}", Text(f"note: {note}"))
    return table


def _over_all(ending: Ending, lines: int) -> Text:
    """Say the figure of all runs, where this one went on with an earlier one."""
    return Text(f"   {lines:,} over all runs" if ending.before else "", style="dim")


def _reasons(tally: Tally, state: State) -> Iterator[tuple[str, int]]:
    found = [(reason, n) for (of, reason), n in tally.reasons.most_common() if of == state]
    yield from found[:_REASONS_SHOWN]
    if rest := found[_REASONS_SHOWN:]:
        yield f"for {len(rest)} other reasons", sum(n for _, n in rest)


def _answers(tally: Tally) -> str:
    if not tally.latencies.count:
        return "no answer"
    p50, p95, p99 = (tally.latencies.quantile(share) * 1000 for share in (0.5, 0.95, 0.99))
    return f"answers within {p50:,.0f} ms (p50), {p95:,.0f} ms (p95), {p99:,.0f} ms (p99)"


def _facts(ending: Ending, report: Path | None) -> Iterator[str]:
    tally, seconds = ending.tally, ending.seconds
    speed = tally.read / seconds if seconds else 0.0
    yield f"{seconds:,.1f} s, {speed:,.0f} lines/s"
    if left_out := said_of(ending.left_out):
        yield left_out
    if tally.requests:
        yield f"{tally.requests:,} requests, {tally.retries:,} retries; {_answers(tally)}"
    if ending.kept:
        yield f"rejects: {ending.kept}"
    if report:
        yield f"report: {report}"
    if ending.sandbox:
        yield f"Nothing left this machine: the sandbox at {ending.sandbox} took it all."
