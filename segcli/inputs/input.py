"""An input: the data about it that is known before it is read."""

import os
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segcli.inputs.object_store import Object
    from segcli.inputs.stream import Stream


@dataclass(frozen=True, slots=True)
class Input:
    """One input.

    name: `-` for stdin, a path, or an address in the form that may be shown.
    size: its stored size in bytes; None if unknown.
    place: its number among the inputs of a run, from 0.
    found_in: the folder or address that was named, if the input was not named itself.
    day: the start of its day in Segment's archive, in unix seconds; None if it is not in one.
    version: while this is the same, the bytes are the same; empty if unknown.
    remote: the object in a store; None for a file on this machine.
    opened: for stdin and pipes after the first look: opens the stream, which begins with the bytes
      that the look has read.
    given: for an input that a program gave: opens its stored bytes, once.
    """

    name: str
    size: int | None
    place: int = 0
    found_in: str = ""
    day: int | None = None
    version: str = ""
    remote: "Object | None" = None
    opened: "Callable[[], AbstractContextManager[Stream]] | None" = None
    given: "Callable[[], AbstractContextManager[Stream]] | None" = None

    @property
    def title(self) -> str:
        """Its name in messages and records, with undecodable bytes escaped."""
        return "stdin" if self.name == "-" else shown_name(self.name)

    @property
    def can_be_read_again(self) -> bool:
        """True for a file or an object; False for stdin and pipes, which can be read once."""
        return self.remote is not None or (self.name != "-" and self.size is not None)


def total_size(found: Sequence[Input]) -> int | None:
    """Return the stored bytes of all inputs; None if the size of one is unknown."""
    total = 0
    for entry in found:
        if entry.size is None:
            return None
        total += entry.size
    return total


def is_address(name: str) -> bool:
    """True if a name on the command line is an address, not a path on disk."""
    return re.match(r"[a-z][a-z0-9+.:-]*://", name, re.IGNORECASE) is not None


def shown_name(name: str) -> str:
    """Return a file's name as text, with undecodable bytes escaped."""
    return os.fsencode(name).decode(errors="backslashreplace")
