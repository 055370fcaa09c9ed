"""The lines that are settled without a request: skipped, or rejected by the mapping."""

from typing import Literal

import msgspec

from segcli.core.event import Rejected
from segcli.core.line import Line, Result


class LinesWithoutRequest:
    """The lines of a chunk that are skipped or rejected, and actions of lines that reject them.

    Those with the same state, reason and code have one result.
    """

    def __init__(self) -> None:
        self._lines: dict[tuple[Literal["skipped", "rejected"], str, str], list[Line]] = {}

    def add(
        self, state: Literal["skipped", "rejected"], reason: str, code: str, line: Line
    ) -> None:
        """Add a line."""
        self._lines.setdefault((state, reason, code), []).append(line)

    def reject(self, line: Line, rejected: Rejected, action: str) -> None:
        """Add a line that an action cannot map; "" if it is unknown which one."""
        if action:
            line = msgspec.structs.replace(line, action=action)
        self.add("rejected", str(rejected), rejected.code, line)

    def results(self) -> list[Result]:
        """Return a result for each state, reason and code."""
        return [
            Result(lines, state, reason, code=code)
            for (state, reason, code), lines in self._lines.items()
        ]
