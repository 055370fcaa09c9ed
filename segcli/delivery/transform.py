"""The transform: lines in, payloads out, in input order; nothing is sent."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from segcli.accounting.rejects import Rejects
from segcli.accounting.tally import Tally
from segcli.core.line import Line, Settled
from segcli.core.outcome import Job
from segcli.delivery.jobs.flow import Flow
from segcli.delivery.printing import Account, Printing, printing_of
from segcli.inputs import Input
from segcli.lines.blocks import MAX_LINE, Block, Numbers, Unreadable


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
    rejects, numbers = transformation.rejects, Numbers()
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


def _flow(asked: Transformation) -> Flow[Account]:
    printing = Printing(
        job=asked.job,
        every_line=asked.every_line,
        several=len(asked.inputs) > 1,
        keeps=asked.rejects is not None,
        max_line=asked.max_line,
    )
    return Flow(
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
        rejects.keep(Settled([line], "rejected", reason))
