"""Which lines of an input are settled: a low watermark, and the few beyond it."""

from collections.abc import Iterable, Iterator

Range = tuple[int, int]


class LineSet:
    """A set of line numbers from 1 on, small as long as they fill up from below.

    Every number up to `low` is in it, and those in `beyond`.
    """

    __slots__ = ("beyond", "low")

    def __init__(self) -> None:
        self.low = 0
        self.beyond: set[int] = set()

    def add(self, first: int, last: int) -> int:
        """Add all numbers from first to last; return how many were new."""
        first = max(first, self.low + 1)
        if first == self.low + 1 and not self.beyond:
            # A journal written anew says millions of lines in one range.
            self.low = max(self.low, last)
            return self.low - first + 1
        new = [number for number in range(first, last + 1) if number not in self.beyond]
        self.beyond.update(new)
        while self.low + 1 in self.beyond:
            self.low += 1
            self.beyond.remove(self.low)
        return len(new)

    def __contains__(self, number: int) -> bool:
        # In this order, for a thread that asks while another one adds: `low` rises first.
        return number in self.beyond or number <= self.low

    def ranges(self) -> Iterator[Range]:
        """Yield them as ranges, in order, both ends included."""
        if self.low:
            yield 1, self.low
        yield from ranges(self.beyond)


def ranges(numbers: Iterable[int]) -> Iterator[Range]:
    """Yield numbers as ranges, in order, both ends included."""
    first = last = None
    for number in sorted(numbers):
        if first is None or last is None:
            first = last = number
        elif number == last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last
