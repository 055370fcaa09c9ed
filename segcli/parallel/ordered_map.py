"""Blocks become portions, in order: in this process at first, in workers where that pays."""

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from segcli.errors import SegcliError
from segcli.inputs import Input, ReadError
from segcli.lines.blocks import MAX_LINE, Block, LineCounter, Unreadable, blocks
from segcli.lines.spans import LineBlock
from segcli.parallel.work import Work, WorkItem, WorkResult

if TYPE_CHECKING:
    from segcli.parallel.worker_pool import Workers

A = TypeVar("A")

# What one process maps while others would only just have started.
_ALONE = 4 * 1024 * 1024
# One process reads and writes for all; it cannot keep more of them busy.
_MOST_JOBS = 16
# What is read at a time, and what goes to a worker at a time: to wake it takes a tenth of a
# millisecond, but memory for so much is had from the system each time.
_BLOCK, _BLOCK_FOR_WORKERS = 256 * 1024, 1024 * 1024


class OrderedMap(Generic[A]):
    """The portions of a run. Close it: that ends the workers, whatever they do.

    `jobs` is how many processes work; None: as many as there are processors, once that pays.
    `numbered`: the work needs the numbers of lines.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        work: Work[A],
        *,
        jobs: int | None,
        max_line: int = MAX_LINE,
        numbered: bool = False,
    ) -> None:
        self._inputs = inputs
        self._work = work
        self._jobs = jobs or min(usable_processors(), _MOST_JOBS)
        self._max_line = max_line
        self._numbered = numbered
        self._block = _BLOCK if self._jobs == 1 else _BLOCK_FOR_WORKERS
        self._left_alone = 0 if jobs else _ALONE
        self._workers: Workers[A] | None = None
        self._under_way: deque[Block] = deque()
        self._failure: SegcliError | Unreadable | None = None

    def portions(self) -> Iterator[tuple[Block, WorkResult[A]]]:
        """Yield each block and what it became.

        Raises what `blocks` raises once all before it is yielded, and what `Workers` raise.
        """
        numbers = LineCounter()
        for block in self._blocks():
            if block is None:
                yield from self._rest()
                continue
            piece = self._piece(block, numbers)
            if self._is_alone():
                self._left_alone -= block.size
                yield block, self._work(piece)
            else:
                yield from self._hand_over(block, piece)
        yield from self._rest()
        if self._failure:
            raise self._failure

    def _blocks(self) -> Iterator[Block | None]:
        # Lines that are numbered have to be counted here, so they are read here.
        in_spans = None if self._numbered else lambda: not self._is_alone()
        try:
            yield from blocks(self._inputs, self._max_line, size=self._block, in_spans=in_spans)
        except (SegcliError, Unreadable) as error:
            self._failure = error

    def _is_alone(self) -> bool:
        return self._jobs == 1 or self._left_alone > 0

    def close(self) -> None:
        """End the workers, if there are any."""
        if self._workers:
            self._workers.close()

    def _piece(self, block: Block, numbers: LineCounter) -> WorkItem:
        """Return what is to be mapped; its lines are numbered only where that is printed."""
        first = 0
        if self._numbered:
            first = numbers.next_in(block.input)
            numbers.count(block.data.count() if isinstance(block.data, LineBlock) else 1)
        return WorkItem(block.data, block.input.title, first)

    def _hand_over(self, block: Block, piece: WorkItem) -> Iterator[tuple[Block, WorkResult[A]]]:
        """Give a block to a worker; yield what has to be taken before."""
        if self._workers is None:
            from segcli.parallel.worker_pool import Workers  # noqa: PLC0415  # small inputs need none

            self._workers = Workers(self._work, self._jobs, 2 * self._block)
        if not self._workers.takes(piece):
            yield from self._rest()
            yield block, self._work(piece)
            return
        if self._workers.are_busy:
            yield self._next(self._workers)
        self._workers.hand_over(piece)
        self._under_way.append(block)

    def _rest(self) -> Iterator[tuple[Block, WorkResult[A]]]:
        while self._workers and self._under_way:
            yield self._next(self._workers)

    def _next(self, workers: "Workers[A]") -> tuple[Block, WorkResult[A]]:
        block = self._under_way.popleft()
        try:
            return block, workers.take()
        except ReadError as error:
            raise Unreadable(block.input, error) from None


def usable_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
