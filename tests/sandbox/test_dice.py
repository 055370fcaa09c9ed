"""Faults repeat with a seed: they follow from what is sent, not from when it arrives."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from segcli.sandbox.dice import RepeatableDice, dice_of

CONTENTS = st.lists(st.binary(max_size=12), min_size=1, max_size=20)


def rolls_of(seed: int, contents: list[bytes]) -> dict[bytes, list[float]]:
    dice, found = RepeatableDice(seed), {content: list[float]() for content in contents}
    for content in contents:
        found[content].append(dice.roll(b"/gist", content))
    return found


@given(CONTENTS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    contents: list[bytes], shuffle: random.Random
) -> None:
    shuffled = contents.copy()
    shuffle.shuffle(shuffled)

    assert rolls_of(7, contents) == rolls_of(7, shuffled)


def test_another_seed_and_another_attempt_give_other_numbers() -> None:
    rolls = rolls_of(1, [b"a"] * 1000)[b"a"]

    assert len(set(rolls)) == 1000
    assert not set(rolls) & set(rolls_of(2, [b"a"] * 1000)[b"a"])


def test_numbers_are_even_from_0_to_1() -> None:
    dice = dice_of(5)
    tenths = Counter(int(dice.roll(b"%d" % number) * 10) for number in range(20_000))

    assert set(tenths) == set(range(10))
    assert all(1800 < count < 2200 for count in tenths.values())


def test_parts_do_not_run_into_each_other() -> None:
    assert RepeatableDice(1).roll(b"ab", b"c") != RepeatableDice(1).roll(b"a", b"bc")


def test_without_a_seed_each_run_has_other_faults() -> None:
    one, other = dice_of(None), dice_of(None)

    assert [one.roll(b"a") for _ in range(9)] != [other.roll(b"a") for _ in range(9)]
