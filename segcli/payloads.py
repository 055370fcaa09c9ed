"""`transform`: reads lines and writes payloads, in input order. Sends nothing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from segcli.accounting.reject_samples import RejectSamples
from segcli.accounting.rejects import Rejects
from segcli.accounting.tally import State, Tally
from segcli.core.decision import (
    Decision,
    FanOut,
    Mapped,
    Skipped,
    payloads_of,
    rejection,
    rejections_of,
)
from segcli.core.event import Rejected
from segcli.core.line import Line, Result, TooLong
from segcli.core.outcome import Job, Outcome, make_mapper, outcome_at, outcome_fields
from segcli.inputs import Input
from segcli.lines.blocks import MAX_LINE, Block, LineCounter, Unreadable
from segcli.lines.chunks import chunks
from segcli.lines.spans import lines_of, without_break
from segcli.parallel.ordered_map import OrderedMap
from segcli.parallel.work import Work, WorkItem, WorkResult


@dataclass(slots=True)
class Account:
    """The counts of some lines, and the rejected ones.

    lines: the number of lines.
    mapped: how many of them were mapped.
    reasons: lines that were not mapped, by state and reason, in the order of their first line.
    notes: mapped events that have a note, by note.
    rejected: the lines for the rejects file: the index among the lines, the outcome, the line.
    fanned_out: how many lines several actions take.
    actions: events by the action that takes them and what became of them there, if the destination
        has several.
    """

    lines: int = 0
    mapped: int = 0
    reasons: Counter[tuple[State, str]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    rejected: list[tuple[int, Decision, bytes | TooLong]] = field(default_factory=list)
    fanned_out: int = 0
    actions: Counter[tuple[str, State]] = field(default_factory=Counter)

    def count_several(self, outcomes: Sequence[FanOut]) -> None:
        """Count what becomes of events that several actions take, apart from their reasons."""
        self.fanned_out += len(outcomes)
        self.mapped += sum(not one.unmapped for one in outcomes)
        self.notes.update([note for one in outcomes for note in one.notes])


@dataclass(frozen=True, slots=True, kw_only=True)
class Printing:
    """What to print.

    job: the destination and the selection of events.
    every_line: print an object for every line, instead of the payloads.
    several: there are several inputs, so the objects name their file.
    keeps: rejected lines are kept somewhere, so the account contains them.
    max_line: the limit of a line in bytes.
    """

    job: Job
    every_line: bool = False
    several: bool = False
    keeps: bool = False
    max_line: int


def printing_of(printing: Printing) -> Work[Account]:
    """Return the function that maps the lines of a work item to the text to print."""
    decide = make_mapper(printing.job)
    has_actions = len(printing.job.destination.actions) > 1

    def work(item: WorkItem) -> WorkResult[Account]:
        account, outs = Account(), []
        for lines in lines_of(item.data, printing.max_line):
            outcomes = decide(lines)
            mapped = [one for one in outcomes if type(one) is Mapped]
            several = [one for one in outcomes if type(one) is FanOut] if has_actions else ()
            first = item.first + account.lines
            outs.append(
                _every_line(item.title, first, outcomes, printing)
                if printing.every_line
                else _payloads(_in_order(outcomes) if several else mapped)
            )
            if len(mapped) < len(outcomes):
                account.reasons.update(_reasons(outcomes))
                if printing.keeps:
                    account.rejected += _rejected(lines, outcomes, account.lines)
            account.notes.update([note for one in mapped for note in one.notes])
            account.mapped += len(mapped)
            account.lines += len(outcomes)
            if has_actions:
                account.actions.update(by_action(outcomes))
                account.count_several(several)
        return WorkResult(account, outs)

    return work


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformation:
    """What to map.

    job: the destination and the selection of events.
    inputs: the inputs, in order.
    every_line: write an object for every line, instead of the payloads.
    rejects: the rejects file, if there is one.
    samples: keeps a few rejected lines; None if they are not needed.
    max_line: the limit of a line in bytes.
    jobs: the number of processes; None means one for each processor if the input is large enough.
    """

    job: Job
    inputs: Sequence[Input]
    every_line: bool = False
    rejects: Rejects | None = None
    samples: RejectSamples | None = None
    max_line: int = MAX_LINE
    jobs: int | None = None


def transform(transformation: Transformation, out: BinaryIO, tally: Tally) -> None:
    """Map all lines and write the results, one on each line. Memory does not grow with the input.

    Raises InputError, Stopped, and what `out` raises.
    """
    rejects, numbers = transformation.rejects, LineCounter()
    with closing(_ordered_map(transformation)) as ordered:
        try:
            for block, result in ordered.results():
                first = numbers.next_in(block.input)
                numbers.count(result.account.lines)
                _count(block, result.account, tally)
                for settled in _rejected_lines(block, result.account, first):
                    _keep(settled, transformation)
                out.writelines(result.out)
                out.flush()
        except Unreadable as unreadable:
            raise unreadable.at(numbers.next_in(unreadable.input)) from None
    if rejects:
        rejects.close()


def outcomes(job: Job, inputs: Sequence[Input], max_line: int = MAX_LINE) -> Iterator[Outcome]:
    """Yield the outcome of every line, in input order. Raises InputError and Stopped."""
    decide = make_mapper(job)
    with closing(chunks(inputs, max_line)) as read:
        for chunk in read:
            for number, found in enumerate(decide(chunk.lines), chunk.first):
                yield outcome_at(chunk.input.title, number, found)


def by_action(outcomes: Sequence[Decision]) -> Iterator[tuple[str, State]]:
    """Yield each action that takes an event, and what becomes of the event there."""
    for outcome in outcomes:
        match outcome:
            case Mapped(action=action):
                yield action, "mapped"
            case Rejected(action=action) if action:
                yield action, "rejected"
            case FanOut(requests):
                for one in requests:
                    yield one.action, "mapped" if isinstance(one, Mapped) else "rejected"
            case Skipped() | Rejected():
                pass


def _in_order(outcomes: Sequence[Decision]) -> Sequence[Mapped]:
    return [one for outcome in outcomes for one in payloads_of(outcome)]


def _payloads(mapped: Sequence[Mapped]) -> bytes:
    return b"\n".join([*[one.body for one in mapped], b""])


def _every_line(title: str, first: int, outcomes: Sequence[Decision], printing: Printing) -> bytes:
    file: dict[str, Any] = {"file": title} if printing.several else {}
    return b"".join(
        orjson.dumps(
            file | {"line": number} | outcome_fields(one), option=orjson.OPT_APPEND_NEWLINE
        )
        for number, one in enumerate(outcomes, first)
    )


def _reasons(outcomes: Sequence[Decision]) -> Iterator[tuple[State, str]]:
    for outcome in outcomes:
        if isinstance(outcome, Skipped):
            yield "skipped", outcome.reason
        elif rejections := rejections_of(outcome):
            # A line is counted once, also if several actions cannot map it.
            yield "rejected", str(rejections[0])


def _rejected(
    lines: Sequence[bytes | TooLong], outcomes: Sequence[Decision], first: int
) -> Iterator[tuple[int, Decision, bytes | TooLong]]:
    for index, (line, outcome) in enumerate(zip(lines, outcomes, strict=True), first):
        if rejections_of(outcome):
            yield index, outcome, without_break(line)


def _ordered_map(transformation: Transformation) -> OrderedMap[Account]:
    printing = Printing(
        job=transformation.job,
        every_line=transformation.every_line,
        several=len(transformation.inputs) > 1,
        keeps=bool(transformation.rejects or transformation.samples is not None),
        max_line=transformation.max_line,
    )
    # A limit counts mapped events in order, so one process has to map all of them.
    is_limited = transformation.job.selection.limit is not None
    return OrderedMap(
        transformation.inputs,
        printing_of(printing),
        jobs=1 if is_limited else transformation.jobs,
        max_line=transformation.max_line,
        numbered=transformation.every_line,
    )


def _count(block: Block, account: Account, tally: Tally) -> None:
    tally.read += account.lines
    tally.bytes_read += block.size
    tally.stored_read += block.stored
    tally.count("mapped", lines=account.mapped)
    tally.notes.update(account.notes)
    tally.fanned_out += account.fanned_out
    tally.actions.update(account.actions)
    for (state, reason), lines in account.reasons.items():
        tally.count(state, reason, lines)


def _rejected_lines(block: Block, account: Account, first: int) -> Iterator[Result]:
    for index, outcome, text in account.rejected:
        yield rejection(Line(block.input.title, first + index, text), outcome)


def _keep(settled: Result, transformation: Transformation) -> None:
    if transformation.rejects:
        transformation.rejects.keep(settled)
    if transformation.samples is not None:
        transformation.samples.add(settled)
