"""The set of settled lines: lines may settle in any order, and the set stays small."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from segcli.journal.line_set import LineSet, ranges

NUMBERS = st.integers(min_value=1, max_value=60)
RANGES = st.tuples(NUMBERS, NUMBERS).map(lambda ends: (min(ends), max(ends)))


def positions_of(added: Sequence[tuple[int, int]]) -> LineSet:
    positions = LineSet()
    for first, last in added:
        positions.add(first, last)
    return positions


@given(st.lists(RANGES))
def test_line_set_has_exactly_the_added_numbers(added: list[tuple[int, int]]) -> None:
    expected = {number for first, last in added for number in range(first, last + 1)}
    positions = positions_of(added)
    assert {number for number in range(1, 100) if number in positions} == expected


@given(st.lists(RANGES))
def test_add_counts_each_number_once(added: list[tuple[int, int]]) -> None:
    positions, seen = LineSet(), set[int]()
    for first, last in added:
        numbers = set(range(first, last + 1))
        assert positions.add(first, last) == len(numbers - seen)
        seen |= numbers


@given(st.permutations(range(1, 40)))
def test_numbers_without_gaps_are_stored_as_one_number(order: list[int]) -> None:
    positions = positions_of([(number, number) for number in order])
    assert (positions.low, positions.beyond) == (39, set())


@given(st.lists(RANGES))
def test_ranges_are_minimal_and_equivalent(added: list[tuple[int, int]]) -> None:
    positions = positions_of(added)
    said = list(positions.ranges())

    assert list(positions_of(said).ranges()) == said
    assert all(before[1] + 1 < after[0] for before, after in pairwise(said))
    assert sum(last - first + 1 for first, last in said) == len(
        [number for number in range(1, 100) if number in positions]
    )


def test_adding_a_billion_lines_is_fast() -> None:
    positions = LineSet()
    assert positions.add(1, 10**9) == 10**9
    assert list(positions.ranges()) == [(1, 10**9)]


@given(st.sets(st.integers(min_value=-50, max_value=50)))
def test_ranges_have_exactly_the_given_numbers(numbers: set[int]) -> None:
    said = [number for first, last in ranges(numbers) for number in range(first, last + 1)]
    assert said == sorted(numbers)
