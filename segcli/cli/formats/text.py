"""`--format text`: findings as `file:line: state: field problem`, then tables."""

import io
import sys

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from segcli.cli.formats import percent, sentences, so_many, visible
from segcli.review.finding import Finding
from segcli.review.review import Review

_COLOURS = {"error": "red", "warning": "yellow"}
_LEFT_OUT_SHOWN = 40
# Off a terminal nothing is folded: a line can be searched for.
_WIDE = 100_000


def formatted(review: Review) -> str:
    """Return the review for people: coloured on a terminal, plain elsewhere."""
    is_terminal = sys.stdout.isatty()
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=is_terminal,
        highlight=False,
        soft_wrap=True,
        width=None if is_terminal else _WIDE,
    )
    said = sentences(review)
    for finding in review.findings:
        console.print(_line(finding))
    _say(console, said.hidden, said.counts)
    _table(console, _left_out(review))
    _say(console, said.untried)
    _table(console, _routes(review))
    _say(console, said.plan, said.verdict)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().split("\n")[:-1])


def _line(finding: Finding) -> Text:
    place = Text(visible(f"{finding.file}:{finding.line}: "))
    state, _, rest = visible(finding.text).partition(": ")
    return place + Text(state, style=_COLOURS[finding.level]) + Text(f": {rest}")


def _say(console: Console, *lines: str) -> None:
    for line in filter(None, lines):
        console.print(line, markup=False)


def _table(console: Console, table: RenderableType | None) -> None:
    if table:
        console.print(table)


def _left_out(review: Review) -> Table | None:
    if not review.left_out:
        return None
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for one in review.left_out[:_LEFT_OUT_SHOWN]:
        events = f"{so_many(one.events, 'event')} ({percent(one.share)})"
        note = Text(f"not carried by {review.destination}")
        table.add_row(Text(visible(one.path)), events, note)
    if rest := review.left_out[_LEFT_OUT_SHOWN:]:
        table.add_row(f"and {len(rest)} more fields; --format json has them all", "", "")
    return table


def _routes(review: Review) -> Table | None:
    if not review.routes:
        return None
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("route", overflow="fold")
    for title in ("events", "requests", "bytes", "largest"):
        table.add_column(title, justify="right", no_wrap=True)
    for route in review.routes:
        figures = (route.events, route.requests, route.bytes, route.largest)
        table.add_row(Text(visible(route.route)), *(f"{figure:,}" for figure in figures))
    return table
