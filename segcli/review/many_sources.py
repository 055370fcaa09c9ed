"""Finds which values of a very large event go where, with few mappings: many change at once.

Each value has a number. For each bit there are two rounds: one changes all values whose number has
the bit, the other changes all that do not have it. A place that changes in exactly one of the two,
for every bit, belongs to one value, and the bits are its number. The sources of other places, such
as a text that is made of two values, are found by halving.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

# The number of a payload, and a path in it.
PayloadPlace: TypeAlias = tuple[int, str]
# Returns what changes with all values of these numbers: the places, and whether other payloads are
# made.
Effect: TypeAlias = Callable[[Sequence[int]], tuple[frozenset[PayloadPlace], bool]]


class BudgetSpent(Exception):
    """All mappings that one event may cost were made; the rest is not tried."""


@dataclass(slots=True)
class ManySources:
    """What is known about the values of one event, by their numbers from 0.

    carried: the places that change with a value.
    decides: the values with which other payloads are made.
    not_carried: the values that change nothing.
    """

    carried: dict[int, set[PayloadPlace]] = field(default_factory=dict)
    decides: set[int] = field(default_factory=set)
    not_carried: set[int] = field(default_factory=set)


def many_sources(effect: Effect, count: int) -> ManySources:
    """Return what is found about this many values until `effect` raises BudgetSpent."""
    search = _Search(effect)
    with suppress(BudgetSpent):
        search.find(range(count))
    return search.found


class _Search:
    def __init__(self, effect: Effect) -> None:
        self.found = ManySources()
        self._effect = effect

    def find(self, numbers: Sequence[int]) -> None:
        """Find everything."""
        carried = [number for part in self._without_deciders(numbers) for number in part]
        unclear = self._decode(carried)
        if unclear:
            self._halve(carried, unclear)
        found = self.found
        found.not_carried |= set(carried) - found.carried.keys()

    def _without_deciders(self, numbers: Sequence[int]) -> Iterator[Sequence[int]]:
        """Yield parts of the values that change payloads and never make others."""
        changed, decides = self._effect(numbers)
        if decides and len(numbers) > 1:
            for half in _halves(numbers):
                yield from self._without_deciders(half)
        elif decides:
            self.found.decides |= set(numbers)
            self._carry(numbers[0], changed)
        elif changed:
            yield numbers
        else:
            self.found.not_carried |= set(numbers)

    def _decode(self, numbers: Sequence[int]) -> frozenset[PayloadPlace]:
        """Find the values with places of their own; return the other places that change."""
        rounds: list[tuple[frozenset[PayloadPlace], frozenset[PayloadPlace]]] = []
        for bit in range(max(1, (len(numbers) - 1).bit_length())):
            groups = [
                [n for at, n in enumerate(numbers) if at >> bit & 1 == is_set] for is_set in (0, 1)
            ]
            without, within = (self._effect(group)[0] if group else frozenset() for group in groups)
            rounds.append((without, within))
        unclear = set()
        for place in frozenset().union(*(part for both in rounds for part in both)):
            at = _number_of(place, rounds)
            if at is None or at >= len(numbers):
                unclear.add(place)
            else:
                self._carry(numbers[at], (place,))
        return frozenset(unclear)

    def _halve(self, numbers: Sequence[int], places: frozenset[PayloadPlace]) -> None:
        """Find the values with which these places change."""
        changed = self._effect(numbers)[0] & places
        if not changed:
            return
        if len(numbers) == 1:
            self._carry(numbers[0], changed)
            return
        for half in _halves(numbers):
            self._halve(half, changed)

    def _carry(self, number: int, places: Iterable[PayloadPlace]) -> None:
        if places:
            self.found.carried.setdefault(number, set()).update(places)


def _number_of(
    place: PayloadPlace,
    rounds: Sequence[tuple[frozenset[PayloadPlace], frozenset[PayloadPlace]]],
) -> int | None:
    """Return the number of the only value of a place; None if it has several."""
    if any((place in without) == (place in within) for without, within in rounds):
        return None
    return sum((place in within) << bit for bit, (_, within) in enumerate(rounds))


def _halves(numbers: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    middle = len(numbers) // 2
    return numbers[:middle], numbers[middle:]
