"""What a run knows of a line from the time it is read until it need never be looked at again.

There is one of each for every line, and such a struct is made in a sixth of the time of a frozen
dataclass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line over the bound: only its length and its beginning were kept in memory."""

    size: int
    head: bytes


class Line(msgspec.Struct, frozen=True, gc=False):
    """One input line: where it stood and what it held.

    `place` is that of its file among the inputs, from 0 on; in a sync, which has one input, it
    is the number of the change.
    """

    file: str
    number: int
    text: bytes | TooLong
    place: int = 0

    @property
    def size(self) -> int:
        """The bytes it took in its input, with its line break."""
        return 1 + (len(self.text) if isinstance(self.text, bytes) else self.text.size)


class Result(msgspec.Struct, frozen=True):
    """Lines that are done with: delivered, refused, rejected or skipped, and why."""

    lines: Sequence[Line]
    state: Literal["delivered", "refused", "rejected", "skipped"]
    reason: str = ""
    status: int | None = None
    attempts: int = 0
