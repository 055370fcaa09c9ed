"""`--format markdown`: tables for a pull-request comment or a job summary."""

import re
from collections.abc import Iterable, Iterator, Sequence

from segcli.cli.formats import first_of, hidden_fields, percent, sentences
from segcli.core.visible_text import visible
from segcli.plan.coverage import PlanResult
from segcli.review.coverage import LeftOut
from segcli.review.coverage_view import shown_fields
from segcli.review.review import Review
from segcli.runs.output_checks import FormatMarks

MARKS = FormatMarks(start=(b"### segcli check",))

_LEFT_OUT_SHOWN = _UNSEEN_SHOWN = 40
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>|~#&$]")
_PIPE_BEHIND_BACKSLASH = re.compile(r"(?<=\\)\|")


def formatted(review: Review) -> str:
    """Return the review as GitHub-flavoured Markdown."""
    said = sentences(review)
    blocks = [f"### segcli check: {_cell(review.subject)}", f"{said.verdict}; {said.counts}."]
    if said.default:
        blocks.insert(1, f"{_cell(said.default)}.")
    if review.findings:
        blocks.append(_table(("where", "code", "state", "finding"), _findings(review)))
    fields = shown_fields(review.left_out, review.coverage)
    if fields:
        blocks.append(_table(("not carried", "events", "share", "sample"), _left_out(fields)))
    if hidden := hidden_fields(review, fields):
        blocks.append(f"{hidden}.")
    if review.routes:
        titles = ("route", "events", "requests", "bytes", "largest")
        blocks.append(_table(titles, _routes(review)))
    if review.plan and review.plan.unseen:
        blocks.append(_table(("planned, in no line", "property"), _unseen(review.plan)))
    last = (said.requests, said.plan, said.advice, said.baseline)
    blocks += [f"{sentence}." for sentence in (said.hidden, said.untried) if sentence]
    blocks += [f"{_cell(sentence)}." for sentence in last if sentence]
    return "\n\n".join(blocks) + "\n"


def _findings(review: Review) -> Iterator[Sequence[str]]:
    for one in review.entries():
        state, _, rest = one.text.partition(": ")
        first = first_of(one)
        yield _code(first.place), first.code, state, _code(rest)


def _left_out(fields: Sequence[LeftOut]) -> Iterator[Sequence[str]]:
    for one in fields[:_LEFT_OUT_SHOWN]:
        sample = _code(one.sample) if one.sample else ""
        yield _code(one.path), f"{one.events:,}", _cell(percent(one.share)), sample
    if rest := fields[_LEFT_OUT_SHOWN:]:
        yield f"and {len(rest)} more", "", "", ""


def _unseen(plan: PlanResult) -> Iterator[Sequence[str]]:
    for one in plan.unseen[:_UNSEEN_SHOWN]:
        yield _code(one.label), _code(one.path) if one.path else ""
    if rest := plan.unseen[_UNSEEN_SHOWN:]:
        yield f"and {len(rest)} more", ""


def _routes(review: Review) -> Iterator[Sequence[str]]:
    for route in review.routes:
        figures = (route.events, route.requests, route.bytes, route.largest)
        yield _code(route.route), *(f"{figure:,}" for figure in figures)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(text: str) -> str:
    """Return text for a table cell, with Markdown escaped."""
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", visible(text))


def _code(text: str) -> str:
    """Return text as code, where it cannot mention a user, link, or show a picture.

    A pipe ends a table cell even in code, unless a backslash precedes it. A pipe that has a
    backslash already would be ambiguous, so it goes between two code spans.
    """
    pieces = _PIPE_BEHIND_BACKSLASH.split(visible(text) or " ")
    return r"\|".join(_span(piece) if piece else "" for piece in pieces)


def _span(text: str) -> str:
    """Return a code span, with a fence longer than any run of backticks in the text."""
    text = text.replace("|", r"\|")
    fence = "`"
    while fence in text:
        fence += "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"
