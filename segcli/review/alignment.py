"""Aligns two lists of JSON texts as a diff does, so that a line that is gone moves no other."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from segcli.core.exact_json import dumps, loads

Pair = tuple[int | None, int | None]
_Range = tuple[int, int, int, int]

# Larger blocks of lines that all differ are compared line by line.
_MOST_CELLS = 40_000
_MOST_SPLITS = 20
_MOST_LEAVES = 300
# Lines that have nothing in common are still a pair, if there is no better one.
_LEAST = 0.001


def aligned(old: Sequence[bytes], new: Sequence[bytes], *, levels: int) -> Iterator[Pair]:
    """Yield the index in `old` and the one in `new` of each pair; None for a line on one side.

    Equal texts are paired first, then those that are most alike. The indexes of both sides grow.

    levels: how deeply the JSON may be nested
    """
    yield from _Aligner(old, new, levels).pairs((0, len(old), 0, len(new)), 0)


class _Aligner:
    """Aligns a range of both lists; a range is a start and an end in each."""

    def __init__(self, old: Sequence[bytes], new: Sequence[bytes], levels: int) -> None:
        self._old = old
        self._new = new
        self._levels = levels

    def pairs(self, within: _Range, depth: int) -> Iterator[Pair]:
        start, end, start_new, end_new = within
        while start < end and start_new < end_new and self._old[start] == self._new[start_new]:
            yield start, start_new
            start, start_new = start + 1, start_new + 1
        tail = 0
        most = min(end - start, end_new - start_new)
        while tail < most and self._old[end - 1 - tail] == self._new[end_new - 1 - tail]:
            tail += 1
        yield from self._differing((start, end - tail, start_new, end_new - tail), depth)
        yield from zip(range(end - tail, end), range(end_new - tail, end_new), strict=True)

    def _differing(self, within: _Range, depth: int) -> Iterator[Pair]:
        start, end, start_new, end_new = within
        anchors = self._anchors(within) if depth < _MOST_SPLITS else []
        if not anchors:
            yield from self._most_alike(within)
            return
        for one, other in anchors:
            yield from self.pairs((start, one, start_new, other), depth + 1)
            yield one, other
            start, start_new = one + 1, other + 1
        yield from self.pairs((start, end, start_new, end_new), depth + 1)

    def _anchors(self, within: _Range) -> list[tuple[int, int]]:
        """Return the texts that are once on each side, as many as are in the same order."""
        start, end, start_new, end_new = within
        counts = Counter(self._old[start:end])
        counts_new = Counter(self._new[start_new:end_new])
        places = {self._new[at]: at for at in range(start_new, end_new)}
        both = [
            (at, places[self._old[at]])
            for at in range(start, end)
            if counts[self._old[at]] == 1 == counts_new[self._old[at]]
        ]
        return _longest_growing(both)

    def _most_alike(self, within: _Range) -> Iterator[Pair]:
        start, end, start_new, end_new = within
        old, new = range(start, end), range(start_new, end_new)
        if len(old) * len(new) > _MOST_CELLS:
            yield from zip(old, new, strict=False)
            shorter = min(len(old), len(new))
            yield from ((at, None) for at in old[shorter:])
            yield from ((None, at) for at in new[shorter:])
            return
        for one, other in _best_pairs(self._likeness(old, new), len(new)):
            yield (
                None if one is None else start + one,
                None if other is None else start_new + other,
            )

    def _likeness(self, old: range, new: range) -> list[list[float]]:
        """Return how alike each text of `old` is to each one of `new`."""
        if len(old) > len(new):
            # Only the leaves of the shorter side are held.
            leaves = [self._leaves(self._new[at]) for at in new]
            return [
                [_alike(own, other) for other in leaves]
                for own in (self._leaves(self._old[at]) for at in old)
            ]
        leaves = [self._leaves(self._old[at]) for at in old]
        columns = [
            [_alike(own, other) for own in leaves]
            for other in (self._leaves(self._new[at]) for at in new)
        ]
        return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in old]

    def _leaves(self, text: bytes) -> frozenset[tuple[str, bytes]]:
        return _leaves_of(text, self._levels)


def _alike(one: frozenset[tuple[str, bytes]], other: frozenset[tuple[str, bytes]]) -> float:
    return _LEAST + 2 * len(one & other) / ((len(one) + len(other)) or 1)


def _longest_growing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest part of the pairs in which the second index grows, too."""
    ends: list[int] = []
    at_end: list[int] = []
    before: list[int] = []
    for index, (_, other) in enumerate(pairs):
        place = bisect_left(ends, other)
        before.append(at_end[place - 1] if place else -1)
        ends[place : place + 1] = [other]
        at_end[place : place + 1] = [index]
    found = []
    index = at_end[-1] if at_end else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]


def _best_pairs(likeness: Sequence[Sequence[float]], columns: int) -> list[Pair]:
    """Return the pairs, in order, with the greatest sum of likeness."""
    best = [[0.0] * (columns + 1) for _ in range(len(likeness) + 1)]
    for row, values in enumerate(likeness, 1):
        for column, value in enumerate(values, 1):
            best[row][column] = max(
                best[row - 1][column], best[row][column - 1], best[row - 1][column - 1] + value
            )
    found: list[Pair] = []
    row, column = len(likeness), columns
    while row or column:
        here = best[row][column]
        if row and column and here == best[row - 1][column - 1] + likeness[row - 1][column - 1]:
            row, column = row - 1, column - 1
            found.append((row, column))
        elif column and here == best[row][column - 1]:
            column -= 1
            found.append((None, column))
        else:
            row -= 1
            found.append((row, None))
    return found[::-1]


def _leaves_of(text: bytes, levels: int) -> frozenset[tuple[str, bytes]]:
    """Return the paths of the values in a JSON text, with the values; at most `_MOST_LEAVES`."""
    found: set[tuple[str, bytes]] = set()
    places: list[tuple[str, Any]] = [("", loads(text, levels=levels, replaces_surrogates=True))]
    for path, value in places:
        if isinstance(value, dict):
            places += [(f"{path}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, list):
            places += [(f"{path}[]", inner) for inner in value]
        else:
            found.add((path, dumps(value)))
        if len(found) == _MOST_LEAVES:
            break
    return frozenset(found)
