"""An input: what is known of it before it is read."""

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
    """One input: `-` is stdin, anything else a path, or an address as it may be shown.

    `size` is of what is stored, in bytes; None where it cannot be known. `place` is its own among
    the inputs of a run. `found_in` is the folder that was named where it was not itself, and `day`
    the start of the day, in unix seconds, whose folder in Segment's archive it was found in. While
    `version` is the same, so are its bytes; empty: nobody knows. `remote` is what is read where it
    is no file on this machine. `opened` opens what flows in once and was looked at: with the bytes
    that the look has read.
    """

    name: str
    size: int | None
    place: int = 0
    found_in: str = ""
    day: int | None = None
    version: str = ""
    remote: "Object | None" = None
    opened: "Callable[[], AbstractContextManager[Stream]] | None" = None

    @property
    def title(self) -> str:
        """Its name in messages and records: text, whatever bytes the file's name holds."""
        return "stdin" if self.name == "-" else shown_name(self.name)

    @property
    def can_be_read_again(self) -> bool:
        """Tell whether it is a file of its own, not something that flows in once."""
        return self.remote is not None or (self.name != "-" and self.size is not None)


def total_size(found: Sequence[Input]) -> int | None:
    """Return the bytes of all inputs as they are stored; None where one of them does not tell."""
    total = 0
    for entry in found:
        if entry.size is None:
            return None
        total += entry.size
    return total


def is_address(name: str) -> bool:
    """Tell whether a name on the command line is an address in a store, not a path on disk."""
    return re.match(r"[a-z][a-z0-9+.:-]*://", name, re.IGNORECASE) is not None


def shown_name(name: str) -> str:
    """Return a file's name as text, whatever bytes it holds."""
    return os.fsencode(name).decode(errors="backslashreplace")
