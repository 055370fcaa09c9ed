"""Lines of the index as inputs, for a check or a send of some of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from segcli.core.line import TooLong
from segcli.inputs import Input, Stream
from segcli.ui.event_index import EventIndex, IndexedLine


class _Lines:
    """Lines as a stream of bytes.

    stored: the bytes that were read.
    """

    def __init__(self, lines: Iterable[IndexedLine], max_line: int) -> None:
        self.stored = 0
        self._lines = iter(lines)
        self._max_line = max_line
        self._next = bytearray()

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""
        while len(self._next) < size and (line := next(self._lines, None)):
            self._next += self._text(line.text) + b"\n"
        data = bytes(self._next[:size])
        del self._next[:size]
        self.stored += len(data)
        return data

    def _text(self, text: bytes | TooLong) -> bytes:
        """Return the text of a line; of one that is too long, what is too long as well."""
        return text.head.ljust(self._max_line + 1) if isinstance(text, TooLong) else text


def inputs_of(lines: Sequence[IndexedLine], *, max_line: int) -> list[Input]:
    """Return one input for the lines of each file; each can be read once.

    A line that is too long for the index is too long for a reader with the same `max_line`.
    Line numbers are those of the files if the lines are their first ones; else see `numbers_of`.
    """
    by_file: dict[str, list[IndexedLine]] = {}
    for line in lines:
        by_file.setdefault(line.file, []).append(line)
    return [
        _input(name, place, found, max_line) for place, (name, found) in enumerate(by_file.items())
    ]


def whole_inputs(index: EventIndex, *, max_line: int, may_go_on: Callable[[], bool]) -> list[Input]:
    """Return the inputs of an index, which read its lines piece by piece.

    `may_go_on` is asked for each line; once it returns False, the inputs end there.
    """
    found, first = [], 0
    for place, (name, count) in enumerate(index.counts()):
        lines = _until(may_go_on, index.lines(first, count))
        found.append(_input(name, place, lines, max_line))
        first += count
    return found


def _until(may_go_on: Callable[[], bool], lines: Iterator[IndexedLine]) -> Iterator[IndexedLine]:
    for line in lines:
        if not may_go_on():
            return
        yield line


def numbers_of(lines: Sequence[IndexedLine]) -> Mapping[tuple[str, int], int]:
    """Return the number of each line in its file, by the file and the number in `inputs_of`."""
    counts: Counter[str] = Counter()
    found: dict[tuple[str, int], int] = {}
    for line in lines:
        counts[line.file] += 1
        found[line.file, counts[line.file]] = line.number
    return found


def _input(name: str, place: int, lines: Iterable[IndexedLine], max_line: int) -> Input:
    @contextmanager
    def opened() -> Iterator[Stream]:
        yield _Lines(lines, max_line)

    return Input(name=name, size=None, place=place, opened=opened)
