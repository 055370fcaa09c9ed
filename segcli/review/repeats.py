"""Finds repeated messageIds and repeated lines over all inputs."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter

from segcli.inputs import Input
from segcli.review.notes import HashedLines

# An input and a line number are stored as one integer: a third of the memory of a pair.
_LINE_BITS = 48


class Repeats:
    """Remembers a hash of each messageId, or line, and the place of the first one."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._first: dict[int, int] = {}
        self._inputs = inputs

    def found(self, hashes: HashedLines, entry: Input, first: int) -> Iterator[tuple[int, str]]:
        """Yield the index of each line whose hash was seen before, and where that was."""
        start = (entry.place << _LINE_BITS) + first
        new = dict(zip(hashes.hashes, map(start.__add__, hashes.places), strict=True))
        if len(new) == len(hashes.hashes) and self._first.keys().isdisjoint(new):
            self._first |= new
            return
        for one, place in zip(hashes.hashes, hashes.places, strict=True):
            known = self._first.setdefault(one, start + place)
            if known != start + place:
                yield place, self._named(known)

    def _named(self, line: int) -> str:
        # The selected inputs keep their original place numbers, in order, possibly with gaps.
        index = bisect_left(self._inputs, line >> _LINE_BITS, key=attrgetter("place"))
        return f"{self._inputs[index].title}:{line % (1 << _LINE_BITS)}"
