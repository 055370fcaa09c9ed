"""`--format text`: findings as `file:line: CODE state: field problem`, then tables."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from segcli.cli.formats import first_of, hidden_fields, percent, sentences
from segcli.cli.output import Column, plain_text, rendered, rendered_table
from segcli.core.plural import count_of
from segcli.plan.coverage import PlanResult
from segcli.review.coverage import LeftOut
from segcli.review.coverage_view import shown_fields
from segcli.review.findings import Finding, Group
from segcli.review.review import Review
from segcli.runs.output_checks import FormatMarks

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

MARKS = FormatMarks(end=re.compile(rb"[\d,]+ errors?, [\d,]+ warnings?\n\Z"))

_COLOURS = {"error": "red", "warning": "yellow"}
_LEFT_OUT_SHOWN = _UNSEEN_SHOWN = 40
# Off a terminal no line is wrapped, so that a search finds it.
_WIDE = 100_000


def formatted(review: Review, stream: TextIO | None = None) -> str:
    """Return the review for people, with colours if the stream (or stdout) is a terminal."""
    said = sentences(review)
    fields = shown_fields(review.left_out, review.coverage)
    parts: Iterable[Any] = (
        *map(_line, review.entries()),
        said.hidden,
        said.default,
        said.counts,
        _left_out(review, fields),
        hidden_fields(review, fields),
        said.untried,
        _routes(review),
        said.requests,
        _unseen(review),
        said.plan,
        said.advice,
        said.baseline,
        said.verdict,
    )
    text = rendered(filter(None, parts), stream or sys.stdout, width=_WIDE)
    return "".join(f"{line.rstrip()}\n" for line in text.split("\n")[:-1])


def _line(entry: Finding | Group) -> "Text":
    state, _, rest = entry.text.partition(": ")
    first = first_of(entry)
    place = plain_text(f"{first.place}: ")
    kind = plain_text(f"{first.code} {state}", style=_COLOURS[first.level])
    return place + kind + plain_text(f": {rest}")


def _left_out(review: Review, fields: Sequence[LeftOut]) -> "Table | None":
    if not fields:
        return None
    columns = [Column(fold=True), Column(right=True, whole=True), Column(fold=True), Column()]
    return rendered_table(columns, _left_out_rows(review, fields), gap=2)


def _left_out_rows(
    review: Review, fields: Sequence[LeftOut]
) -> Iterator[tuple[str, str, str, str]]:
    for one in fields[:_LEFT_OUT_SHOWN]:
        events = f"{count_of(one.events, 'event')} ({percent(one.share)})"
        yield one.path, events, f"not carried by {review.destination}", one.sample
    if rest := fields[_LEFT_OUT_SHOWN:]:
        yield f"and {len(rest)} more fields; --format json has them all", "", "", ""


def _unseen(review: Review) -> "Table | None":
    if not review.plan or not review.plan.unseen:
        return None
    columns = [Column(fold=True), Column(fold=True), Column(whole=True)]
    return rendered_table(columns, _unseen_rows(review.plan), gap=2)


def _unseen_rows(plan: PlanResult) -> Iterator[tuple[str, str, str]]:
    for one in plan.unseen[:_UNSEEN_SHOWN]:
        yield one.label, one.path, "planned, in no line"
    if rest := plan.unseen[_UNSEEN_SHOWN:]:
        yield f"and {len(rest)} more; --format json has them all", "", ""


def _routes(review: Review) -> "Table | None":
    if not review.routes:
        return None
    figures = ("events", "requests", "bytes", "largest")
    columns = [Column(title=title, right=True, whole=True) for title in figures]
    rows = [
        (one.route, *(f"{n:,}" for n in (one.events, one.requests, one.bytes, one.largest)))
        for one in review.routes
    ]
    return rendered_table([Column(title="route", fold=True), *columns], rows, gap=2)
