"""Blocks become portions, in order: in this process at first, in workers where that pays."""

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from segcli.delivery.blocks import Block, Numbers, Text, Unreadable, blocks
from segcli.delivery.portion import Piece, Portion, Printing, mapping_of
from segcli.errors import SegcliError
from segcli.inputs import Input

if TYPE_CHECKING:
    from segcli.delivery.workers import Workers

# What one process maps while others would only just have started.
_ALONE = 4 * 1024 * 1024
# One process reads and writes for all; it cannot keep more of them busy.
_MOST_JOBS = 16
# What goes to a worker at a time: with less, handing over counts; more leaves the cache.
_BLOCK = 256 * 1024


class Flow:
    """The portions of a run. Close it: that ends the workers, whatever they do.

    `jobs` is how many processes map; None: as many as there are processors, once that pays.
    """

    def __init__(self, inputs: Sequence[Input], printing: Printing, jobs: int | None) -> None:
        self._inputs = inputs
        self._printing = printing
        self._map = mapping_of(printing)
        self._jobs = jobs or min(usable_processors(), _MOST_JOBS)
        self._left_alone = 0 if jobs else _ALONE
        self._workers: Workers | None = None
        self._under_way: deque[Block] = deque()

    def portions(self) -> Iterator[tuple[Block, Portion]]:
        """Yield each block and what it became.

        Raises what `blocks` raises once all before it is yielded, and what `Workers` raise.
        """
        numbers = Numbers()
        try:
            for block in blocks(self._inputs, self._printing.max_line, size=_BLOCK):
                if block is None:
                    yield from self._rest()
                    continue
                piece = self._piece(block, numbers)
                if self._jobs == 1 or self._left_alone > 0:
                    self._left_alone -= block.size
                    yield block, self._map(piece)
                else:
                    yield from self._hand_over(block, piece)
        except (SegcliError, Unreadable):
            yield from self._rest()
            raise
        yield from self._rest()

    def close(self) -> None:
        """End the workers, if there are any."""
        if self._workers:
            self._workers.close()

    def _piece(self, block: Block, numbers: Numbers) -> Piece:
        """Return what is to be mapped; its lines are numbered only where that is printed."""
        first = 0
        if self._printing.every_line:
            first = numbers.next_in(block.input)
            numbers.count(block.data.count() if isinstance(block.data, Text) else 1)
        return Piece(block.data, block.input.title, first)

    def _hand_over(self, block: Block, piece: Piece) -> Iterator[tuple[Block, Portion]]:
        """Give a block to a worker; yield what has to be taken before."""
        if self._workers is None:
            from segcli.delivery.workers import Workers  # noqa: PLC0415  # small inputs need none

            self._workers = Workers(self._map, self._jobs, 2 * _BLOCK)
        if not self._workers.takes(piece):
            yield from self._rest()
            yield block, self._map(piece)
            return
        if self._workers.are_busy:
            yield self._next(self._workers)
        self._workers.hand_over(piece)
        self._under_way.append(block)

    def _rest(self) -> Iterator[tuple[Block, Portion]]:
        while self._workers and self._under_way:
            yield self._next(self._workers)

    def _next(self, workers: "Workers") -> tuple[Block, Portion]:
        return self._under_way.popleft(), workers.take()


def usable_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
