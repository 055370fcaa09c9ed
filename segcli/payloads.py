"""The transform: lines in, payloads out, in input order; nothing is sent."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from segcli.accounting.rejects import Rejects
from segcli.accounting.tally import State, Tally
from segcli.core.event import Rejected
from segcli.core.line import Line, Result, TooLong
from segcli.core.outcome import Job, Mapped, Outcome, Skipped, make_mapper, outcome_fields
from segcli.inputs import Input
from segcli.lines.blocks import MAX_LINE, Block, LineCounter, Unreadable
from segcli.lines.spans import lines_of, without_break
from segcli.parallel.ordered_map import OrderedMap
from segcli.parallel.work import Work, WorkItem, WorkResult


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
    decide = make_mapper(printing.job)

    def portion(piece: WorkItem) -> WorkResult[Account]:
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
        return WorkResult(account, outs)

    return portion


def _payloads(mapped: Sequence[Mapped]) -> bytes:
    return b"\n".join([*[one.body for one in mapped], b""])


def _every_line(title: str, first: int, found: Sequence[Outcome], printing: Printing) -> bytes:
    place: dict[str, Any] = {"file": title} if printing.several else {}
    return b"".join(
        orjson.dumps(
            place | {"line": number} | outcome_fields(one), option=orjson.OPT_APPEND_NEWLINE
        )
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformation:
    """What to map. `every_line` writes an object for each input line instead of the payloads.

    `jobs` is how many processes map; None: as many as there are processors, once that pays.
    """

    job: Job
    inputs: Sequence[Input]
    every_line: bool = False
    rejects: Rejects | None = None
    max_line: int = MAX_LINE
    jobs: int | None = None


def transform(transformation: Transformation, out: BinaryIO, tally: Tally) -> None:
    """Write what each line becomes, one a line; memory does not grow with the input.

    Raises InputError, Stopped, and what `out` raises.
    """
    rejects, numbers = transformation.rejects, LineCounter()
    with closing(_flow(transformation)) as flow:
        try:
            for block, portion in flow.portions():
                first = numbers.next_in(block.input)
                numbers.count(portion.account.lines)
                _count(block, portion.account, tally)
                if rejects:
                    _keep(block, portion.account, first, rejects)
                out.writelines(portion.out)
                out.flush()
        except Unreadable as unreadable:
            raise unreadable.at(numbers.next_in(unreadable.input)) from None
    if rejects:
        rejects.close()


def _flow(asked: Transformation) -> OrderedMap[Account]:
    printing = Printing(
        job=asked.job,
        every_line=asked.every_line,
        several=len(asked.inputs) > 1,
        keeps=asked.rejects is not None,
        max_line=asked.max_line,
    )
    return OrderedMap(
        asked.inputs,
        printing_of(printing),
        # A limit counts what is mapped, line after line.
        jobs=1 if asked.job.selection.limit is not None else asked.jobs,
        max_line=asked.max_line,
        numbered=asked.every_line,
    )


def _count(block: Block, account: Account, tally: Tally) -> None:
    tally.read += account.lines
    tally.bytes_read += block.size
    tally.stored_read += block.stored
    tally.count("mapped", lines=account.mapped)
    tally.notes.update(account.notes)
    for (state, reason), lines in account.reasons.items():
        tally.count(state, reason, lines)


def _keep(block: Block, account: Account, first: int, rejects: Rejects) -> None:
    for place, reason, text in account.rejected:
        line = Line(block.input.title, first + place, text)
        rejects.keep(Result([line], "rejected", reason))
