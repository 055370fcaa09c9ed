"""Rejects in memory: for a program that names no rejects file."""

from collections.abc import Sequence
from typing import Any

from segcli.accounting.rejects import records_of
from segcli.core import exact_json
from segcli.core.line import Result
from segcli.errors import Stopped

MAX_HELD = 1000
# A thousand of the longest events would need a gigabyte.
_MAX_BYTES = 64 * 1024 * 1024


class HeldRejects:
    """The records that a rejects file would have, up to `MAX_HELD` of them, or 64 MiB.

    A run with a journal saves them there: a kill must not lose them.
    """

    def __init__(self) -> None:
        self._records: list[bytes] = []
        self._saved = 0
        self._bytes = 0

    def keep(self, settled: Result) -> None:
        """Hold the records of lines. Raises Stopped if there would be too many."""
        new = [record.rstrip(b"\n") for record in records_of(settled)]
        size = self._bytes + sum(map(len, new))
        held = len(self._records)
        if held + len(new) > MAX_HELD or size > _MAX_BYTES:
            raise Stopped(
                f"{held:,} rejects are held in memory, and there is no room for more",
                'Name a file for them: rejects="rejects.ndjson".',
            )
        self._records += new
        self._bytes = size

    async def synced(self) -> None:
        """Nothing has to reach a disk here."""

    def close(self) -> None:
        """There is nothing to close."""

    def restore(self, records: Sequence[str]) -> None:
        """Hold what an earlier run has saved."""
        self._records += [record.encode() for record in records]
        self._saved = len(self._records)
        self._bytes = sum(map(len, self._records))

    def unsaved(self) -> list[str]:
        """Return the records since the last call, to be saved."""
        new, self._saved = self._records[self._saved :], len(self._records)
        return [record.decode() for record in new]

    def records(self) -> list[dict[str, Any]]:
        """Return the records as values of JSON; numbers keep all their digits."""
        levels = exact_json.MAX_DEPTH + 1
        return [exact_json.loads(record, levels=levels) for record in self._records]
