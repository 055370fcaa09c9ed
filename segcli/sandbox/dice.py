"""The random numbers that select faults: different in each run, or repeatable with a seed."""

import random
from collections import OrderedDict
from hashlib import blake2b
from typing import Protocol

# Contents that are remembered, about 30 MB at most; a content that was forgotten starts again.
_MOST_CONTENTS = 200_000


class Dice(Protocol):
    """Rolls a number for a request or an event."""

    def roll(self, *content: bytes) -> float:
        """Return a number in [0, 1) for this content."""


class RandomDice:
    """Dice that roll differently in each run."""

    def __init__(self) -> None:
        self._random = random.Random()

    def roll(self, *_content: bytes) -> float:
        """Return a random number; the content does not matter."""
        return self._random.random()


class RepeatableDice:
    """Dice whose numbers follow from the seed, the content, and how often it was seen before.

    So the order in which different contents arrive does not matter, and a request that is sent
    again gets another number.
    """

    def __init__(self, seed: int) -> None:
        self._key = blake2b(str(seed).encode(), digest_size=32).digest()
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def roll(self, *content: bytes) -> float:
        """Return the number of this content; the next one of the same content is another."""
        name = self._digest(*content)
        times = self._seen.get(name, 0)
        self._seen[name] = times + 1
        self._seen.move_to_end(name)
        if len(self._seen) > _MOST_CONTENTS:
            self._seen.popitem(last=False)
        number = int.from_bytes(self._digest(name, b"%d" % times))
        # The 53 bits that a float holds: more would round up to 1.
        return (number >> 11) / (1 << 53)

    def _digest(self, *parts: bytes) -> bytes:
        digest = blake2b(key=self._key, digest_size=8)
        for part in parts:
            # With its length, so that parts cannot run into each other.
            digest.update(b"%d:" % len(part))
            digest.update(part)
        return digest.digest()


def dice_of(seed: int | None) -> Dice:
    """Return repeatable dice for a seed, else random ones."""
    return RandomDice() if seed is None else RepeatableDice(seed)
