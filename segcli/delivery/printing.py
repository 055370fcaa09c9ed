"""Printing: what lines become for `transform`, and the account of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from segcli.accounting.tally import State
from segcli.core.event import Rejected
from segcli.core.line import TooLong
from segcli.core.outcome import Job, Mapped, Outcome, Skipped, outcomes
from segcli.delivery.jobs.portion import Piece, Portion, Work
from segcli.lines.spans import lines_of, without_break


@dataclass(slots=True)
class Account:
    """What became of so many lines.

    `reasons` count those that were not mapped, in the order in which they first came. `rejected`
    are those that are to be kept: the place among the lines, the reason, the line.
    """

    lines: int = 0
    mapped: int = 0
    reasons: Counter[tuple[State, str]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    rejected: list[tuple[int, str, bytes | TooLong]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Printing:
    """What to print of lines: payloads, or with `every_line` an object for each.

    `several`: the objects name their file. `keeps`: rejected lines are to be kept.
    """

    job: Job
    every_line: bool = False
    several: bool = False
    keeps: bool = False
    max_line: int


def printing_of(printing: Printing) -> Work[Account]:
    """Return the function that maps the pieces of a run, in input order."""
    decide = outcomes(printing.job)

    def portion(piece: Piece) -> Portion[Account]:
        account, outs = Account(), []
        for lines in lines_of(piece.data, printing.max_line):
            found = decide(lines)
            mapped = [one for one in found if type(one) is Mapped]
            first = piece.first + account.lines
            outs.append(
                _every_line(piece.title, first, found, printing)
                if printing.every_line
                else _payloads(mapped)
            )
            if len(mapped) < len(found):
                account.reasons.update(_reasons(found))
                if printing.keeps:
                    account.rejected += _rejected(lines, found, account.lines)
            account.notes.update([note for one in mapped for note in one.notes])
            account.mapped += len(mapped)
            account.lines += len(found)
        return Portion(account, outs)

    return portion


def described(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as `--outcomes` and golden files show it, without its place."""
    match outcome:
        case Mapped(route, body):
            return {"state": "mapped", "route": route, "payload": orjson.Fragment(body)}
        case Skipped(reason):
            return {"state": "skipped", "reason": reason}
        case Rejected() as rejected:
            return {"state": "rejected", "reason": str(rejected)}


def _payloads(mapped: Sequence[Mapped]) -> bytes:
    return b"\n".join([*[one.body for one in mapped], b""])


def _every_line(title: str, first: int, found: Sequence[Outcome], printing: Printing) -> bytes:
    place: dict[str, Any] = {"file": title} if printing.several else {}
    return b"".join(
        orjson.dumps(place | {"line": number} | described(one), option=orjson.OPT_APPEND_NEWLINE)
        for number, one in enumerate(found, first)
    )


def _reasons(found: Sequence[Outcome]) -> Iterator[tuple[State, str]]:
    return (_state_and_reason(one) for one in found if not isinstance(one, Mapped))


def _state_and_reason(outcome: Skipped | Rejected) -> tuple[State, str]:
    if isinstance(outcome, Skipped):
        return "skipped", outcome.reason
    return "rejected", str(outcome)


def _rejected(
    lines: Sequence[bytes | TooLong], found: Sequence[Outcome], first: int
) -> Iterator[tuple[int, str, bytes | TooLong]]:
    for place, (line, outcome) in enumerate(zip(lines, found, strict=True), first):
        if isinstance(outcome, Rejected):
            yield place, str(outcome), without_break(line)
