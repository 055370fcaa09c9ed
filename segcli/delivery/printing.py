"""Printing: what lines become for `transform`, and the account of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from segcli.delivery.portion import Piece, Portion, Work
from segcli.delivery.tally import State
from segcli.delivery.texts import lines_of, without_break
from segcli.event import Rejected
from segcli.outcome import Job, Mapped, Outcome, Skipped, TooLong, outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What became of so many lines.

    `reasons` count those that were not mapped, in the order in which they first came. `rejected`
    are those that are to be kept: the place among the lines, the reason, the line.
    """

    lines: int
    mapped: int
    reasons: Mapping[tuple[State, str], int]
    notes: Mapping[str, int]
    rejected: Sequence[tuple[int, str, bytes | TooLong]] = ()


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
        lines = lines_of(piece.data, printing.max_line)
        found = decide(lines)
        mapped = [one for one in found if type(one) is Mapped]
        account = Account(
            lines=len(found),
            mapped=len(mapped),
            reasons=_reasons(found) if len(mapped) < len(found) else {},
            notes=_notes(mapped),
            rejected=_rejected(lines, found) if printing.keeps else (),
        )
        out = _every_line(piece, found, printing) if printing.every_line else _payloads(mapped)
        return Portion(account, out)

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


def _every_line(piece: Piece, found: Sequence[Outcome], printing: Printing) -> bytes:
    place: dict[str, Any] = {"file": piece.title} if printing.several else {}
    return b"".join(
        orjson.dumps(place | {"line": number} | described(one), option=orjson.OPT_APPEND_NEWLINE)
        for number, one in enumerate(found, piece.first)
    )


def _reasons(found: Sequence[Outcome]) -> Counter[tuple[State, str]]:
    return Counter(_state_and_reason(one) for one in found if not isinstance(one, Mapped))


def _state_and_reason(outcome: Skipped | Rejected) -> tuple[State, str]:
    if isinstance(outcome, Skipped):
        return "skipped", outcome.reason
    return "rejected", str(outcome)


def _notes(mapped: Sequence[Mapped]) -> Counter[str]:
    return Counter([note for one in mapped for note in one.notes])


def _rejected(
    lines: Sequence[bytes | TooLong], found: Sequence[Outcome]
) -> list[tuple[int, str, bytes | TooLong]]:
    return list(_those_rejected(lines, found))


def _those_rejected(
    lines: Sequence[bytes | TooLong], found: Sequence[Outcome]
) -> Iterator[tuple[int, str, bytes | TooLong]]:
    for place, (line, outcome) in enumerate(zip(lines, found, strict=True)):
        if isinstance(outcome, Rejected):
            yield place, str(outcome), without_break(line)
