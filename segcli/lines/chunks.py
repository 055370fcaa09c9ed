"""Inputs as numbered lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segcli.core.line import TooLong
from segcli.inputs import Input, inputs, total_size
from segcli.lines.blocks import BLOCK, MAX_LINE, FingerprintOf, LineCounter, Unreadable, blocks
from segcli.lines.fingerprint import Mark
from segcli.lines.spans import lines_of, without_break

__all__ = ["MAX_LINE", "Chunk", "Input", "chunks", "inputs", "total_size"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines in a row, without their line breaks; the first one has number `first`.

    `size`, `stored` and `mark` are those of their `Block`.
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
) -> Iterator[Chunk]:
    """Read the inputs one after the other, as `blocks` does.

    Raises InputError where an input is not what it was, Stopped where reading fails.
    """
    numbers = LineCounter()
    try:
        for block in blocks(found, max_line, size=BLOCK, fingerprint_of=fingerprint_of):
            if block is None:
                continue
            first = numbers.next_in(block.input)
            few_by_few = lines_of(block.data, max_line)
            lines = [without_break(line) for few in few_by_few for line in few]
            yield Chunk(block.input, first, lines, block.size, block.stored, block.mark)
            numbers.count(len(lines))
    except Unreadable as unreadable:
        raise unreadable.at(numbers.next_in(unreadable.input)) from None
