"""All findings of a check, in a private temporary file: an input may have one in every line."""

import pickle
import weakref
from collections.abc import Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import NamedTuple

from segcli.errors import OutputError
from segcli.review.notes import Key

# Fewer bytes than this stay in memory.
_IN_MEMORY = 1024 * 1024


class FoundAt(NamedTuple):
    """A finding without its file and its level.

    line: the number of the line.
    key: what it has in common with its group.
    lines: how many lines it stands for.
    other: the place of another line that the problem is about; empty for none.
    """

    line: int
    key: Key
    lines: int = 1
    other: str = ""


class FindingSpool:
    """Holds findings in the order in which they were added. Its file has no name on the disk.

    The file disappears with this object. It may be read several times, but not while it is filled.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # open as long as the object
        weakref.finalize(self, self._file.close)

    def add(self, file: str, found: Sequence[FoundAt]) -> None:
        """Add findings of an input. Raises OutputError if the disk is full."""
        if not found:
            return
        # Plain tuples, and each key once, take a third of the space.
        rows = [tuple(one) if one.lines > 1 or one.other else one[:2] for one in found]
        try:
            pickle.dump((file, rows), self._file, pickle.HIGHEST_PROTOCOL)
            self._file.flush()
        except OSError as error:
            problem = f"the findings cannot be written to a temporary file: {error.strerror}"
            raise OutputError(problem, "Set TMPDIR to a folder on a disk with room.") from None

    def __iter__(self) -> Iterator[tuple[str, FoundAt]]:
        """Yield each finding with its file."""
        at = 0
        while True:
            self._file.seek(at)
            try:
                file, rows = pickle.load(self._file)
            except EOFError:
                return
            at = self._file.tell()
            for row in rows:
                yield file, FoundAt(*row)
