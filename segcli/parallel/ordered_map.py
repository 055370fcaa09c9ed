"""Map blocks of lines in input order: in this process first, in worker processes if that pays."""

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

_A = TypeVar("_A")

# How many bytes one process maps in the time that workers take to start.
_SERIAL_BYTES = 4 * 1024 * 1024
# One process reads and writes for all workers. It cannot keep more of them busy.
_MAX_JOBS = 16
# The size of a block in this process, and of a block for a worker. A worker gets larger ones:
# waking it takes 0.1 ms. They are not larger in this process, because memory of that size comes
# from the system each time.
_BLOCK, _BLOCK_FOR_WORKERS = 256 * 1024, 1024 * 1024


class OrderedMap(Generic[_A]):
    """Maps the blocks of the inputs, and yields the results in input order."""

    def __init__(
        self,
        inputs: Sequence[Input],
        work: Work[_A],
        *,
        jobs: int | None,
        max_line: int = MAX_LINE,
        numbered: bool = False,
    ) -> None:
        """Prepare a run. Call `close` at its end: that ends the workers at once.

        `work` maps a block. `jobs` is the number of processes that map; None means one for each
        processor once the input is large enough. `max_line` is the limit of a line in bytes.
        `numbered` means that the work needs line numbers.
        """
        self._inputs = inputs
        self._work = work
        self._jobs = jobs or min(usable_processors(), _MAX_JOBS)
        self._max_line = max_line
        self._numbered = numbered
        self._block = _BLOCK if self._jobs == 1 else _BLOCK_FOR_WORKERS
        self._serial_bytes_left = 0 if jobs else _SERIAL_BYTES
        self._workers: Workers[_A] | None = None
        self._submitted: deque[Block] = deque()
        self._failure: SegcliError | Unreadable | None = None

    def results(self) -> Iterator[tuple[Block, WorkResult[_A]]]:
        """Yield each block with its result, in input order.

        Raises what `blocks` raises, after all earlier results, and what `Workers` raises.
        """
        numbers = LineCounter()
        for block in self._blocks():
            if block is None:
                yield from self._drain()
                continue
            item = self._item(block, numbers)
            if self._is_serial():
                self._serial_bytes_left -= block.size
                yield block, self._work(item)
            else:
                yield from self._submit(block, item)
        yield from self._drain()
        if self._failure:
            raise self._failure

    def close(self) -> None:
        """End the workers, if there are any."""
        if self._workers:
            self._workers.close()

    def _blocks(self) -> Iterator[Block | None]:
        # Line numbers need a count of lines. So this process reads the lines, not the workers.
        in_spans = None if self._numbered else lambda: not self._is_serial()
        try:
            yield from blocks(self._inputs, self._max_line, size=self._block, in_spans=in_spans)
        except (SegcliError, Unreadable) as error:
            self._failure = error

    def _is_serial(self) -> bool:
        return self._jobs == 1 or self._serial_bytes_left > 0

    def _item(self, block: Block, numbers: LineCounter) -> WorkItem:
        """Return the block as a work item, with a line number only if the work needs it."""
        first = 0
        if self._numbered:
            first = numbers.next_in(block.input)
            numbers.count(block.data.count() if isinstance(block.data, LineBlock) else 1)
        return WorkItem(block.data, block.input.title, first)

    def _submit(self, block: Block, item: WorkItem) -> Iterator[tuple[Block, WorkResult[_A]]]:
        """Submit a block to a worker. Yield the results that must be received before that."""
        if self._workers is None:
            from segcli.parallel.worker_pool import Workers  # noqa: PLC0415  # not for small inputs

            self._workers = Workers(self._work, self._jobs, 2 * self._block)
        if not self._workers.accepts(item):
            yield from self._drain()
            yield block, self._work(item)
            return
        if self._workers.are_full:
            yield self._receive(self._workers)
        self._workers.submit(item)
        self._submitted.append(block)

    def _drain(self) -> Iterator[tuple[Block, WorkResult[_A]]]:
        while self._workers and self._submitted:
            yield self._receive(self._workers)

    def _receive(self, workers: "Workers[_A]") -> tuple[Block, WorkResult[_A]]:
        block = self._submitted.popleft()
        try:
            return block, workers.receive()
        except ReadError as error:
            raise Unreadable(block.input, error) from None


def usable_processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
