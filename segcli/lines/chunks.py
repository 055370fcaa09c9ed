"""Read inputs as chunks of numbered lines."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from segcli.core.line import TooLong
from segcli.inputs import Input, inputs, total_size
from segcli.lines.blocks import BLOCK, MAX_LINE, FingerprintOf, LineCounter, Unreadable, blocks
from segcli.lines.fingerprint import Mark
from segcli.lines.spans import lines_of, without_break

__all__ = ["MAX_LINE", "Chunk", "Input", "chunks", "inputs", "total_size"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive lines of an input.

    input: the input.
    first: the number of the first line.
    lines: the lines, without line breaks.
    size, stored, mark: those of the `Block` that the lines are from.
    """

    input: Input
    first: int
    lines: Sequence[bytes | TooLong]
    size: int
    stored: int
    mark: Mark | None = None


def chunks(
    found: Sequence[Input],
    max_line: int = MAX_LINE,
    fingerprint_of: FingerprintOf | None = None,
) -> Generator[Chunk, None, None]:
    """Read the inputs in order, as `blocks` does.

    Raises InputError if an input has changed since an earlier run, and Stopped if reading fails.
    """
    numbers = LineCounter()
    try:
        for block in blocks(found, max_line, size=BLOCK, fingerprint_of=fingerprint_of):
            if block is None:
                continue
            first = numbers.next_in(block.input)
            groups = lines_of(block.data, max_line)
            lines = [without_break(line) for group in groups for line in group]
            yield Chunk(block.input, first, lines, block.size, block.stored, block.mark)
            numbers.count(len(lines))
    except Unreadable as unreadable:
        raise unreadable.at(numbers.next_in(unreadable.input)) from None
