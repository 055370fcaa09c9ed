"""Read files one after the other to the end of each, also past a file that cannot be read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segcli.core.line import TooLong
from segcli.errors import InputError, Stopped
from segcli.inputs import Input, open_input
from segcli.lines.blocks import LineCounter, Unreadable, blocks
from segcli.lines.spans import LineBlock, Span

_BLOCK = 256 * 1024


@dataclass(frozen=True, slots=True)
class NumberedBlock:
    """Consecutive lines of a file.

    input: the file.
    data: the lines.
    first: the number of the first line.
    size: the bytes of the lines, with line breaks.
    """

    input: Input
    data: LineBlock | Span | TooLong
    first: int
    size: int


@dataclass(frozen=True, slots=True)
class FileEnd:
    """The end of a file.

    input: the file.
    lines: how many lines it has, or how many could be read.
    problem: why it could not be read to its end, with its name; empty if it could.
    hint: what to do about that; may be empty.
    """

    input: Input
    lines: int
    problem: str = ""
    hint: str = ""


def read_files(entries: Sequence[Input], max_line: int) -> Iterator[NumberedBlock | FileEnd]:
    """Yield the lines of each file, and then its end. A file without lines has an end too.

    Lines before damage are yielded. Objects in stores are fetched ahead, across files.
    """
    left = list(entries)
    while left:
        ends = 0
        for found in _read_to_problem(left, max_line):
            ends += isinstance(found, FileEnd)
            yield found
        left = left[ends:]


def opening_problem(entry: Input) -> InputError | None:
    """Return why a file cannot be opened; None if it can."""
    try:
        with open_input(entry):
            return None
    except InputError as error:
        return error


def _read_to_problem(left: Sequence[Input], max_line: int) -> Iterator[NumberedBlock | FileEnd]:
    """Read until the first file that cannot be read to its end, which has the last end."""
    waiting = iter(left)
    entry = next(waiting)
    numbers = LineCounter()
    try:
        for block in blocks(left, max_line, size=_BLOCK):
            if block is None:
                continue
            while entry.place != block.input.place:
                yield _end(entry, numbers)
                entry = next(waiting)
            first = numbers.next_in(entry)
            yield NumberedBlock(entry, block.data, first, block.size)
            numbers.count(block.data.count() if isinstance(block.data, LineBlock) else 1)
    except Unreadable as unreadable:
        while entry.place != unreadable.input.place:
            yield _end(entry, numbers)
            entry = next(waiting)
        line = numbers.next_in(entry)
        yield FileEnd(entry, line - 1, unreadable.said_at(line), unreadable.hint)
        return
    except Stopped as stopped:
        yield from _ends_to_unopened(entry, waiting, numbers, stopped)
        return
    yield _end(entry, numbers)
    yield from (FileEnd(one, 0) for one in waiting)


def _ends_to_unopened(
    entry: Input, waiting: Iterator[Input], numbers: LineCounter, stopped: Stopped
) -> Iterator[FileEnd]:
    """Yield the ends of files up to the one that cannot be opened; those between are empty."""
    if lines := numbers.next_in(entry) - 1:
        yield FileEnd(entry, lines)
        entry = next(waiting, entry)
    while (problem := opening_problem(entry)) is None and (after := next(waiting, None)):
        yield FileEnd(entry, 0)
        entry = after
    found = problem or stopped
    yield FileEnd(entry, 0, found.message, found.hint)


def _end(entry: Input, numbers: LineCounter) -> FileEnd:
    return FileEnd(entry, numbers.next_in(entry) - 1)
