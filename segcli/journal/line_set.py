"""A set of line numbers: a low watermark and the few numbers above it."""

from collections.abc import Iterable, Iterator

Range = tuple[int, int]


class LineSet:
    """A set of line numbers from 1. It stays small if they are added almost in order.

    low: every number up to this one is in the set.
    beyond: the other numbers of the set.
    """

    __slots__ = ("beyond", "low")

    def __init__(self) -> None:
        self.low = 0
        self.beyond: set[int] = set()

    def add(self, first: int, last: int) -> int:
        """Add all numbers from first to last, both included; return how many were new."""
        first = max(first, self.low + 1)
        if first == self.low + 1 and not self.beyond:
            # Fast path: a compacted journal has millions of lines in one range.
            self.low = max(self.low, last)
            return self.low - first + 1
        new = [number for number in range(first, last + 1) if number not in self.beyond]
        self.beyond.update(new)
        while self.low + 1 in self.beyond:
            self.low += 1
            self.beyond.remove(self.low)
        return len(new)

    def __contains__(self, number: int) -> bool:
        # Keep this order: another thread may add meanwhile, and it raises `low` first.
        return number in self.beyond or number <= self.low

    def ranges(self) -> Iterator[Range]:
        """Yield the set as ranges, in order, both ends included."""
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
