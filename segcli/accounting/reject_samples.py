"""A few of the lines that a run rejected or was refused, by reason, for its report as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from segcli.core.line import Line, Result, TooLong
from segcli.core.reason import general_reason

_MOST_REASONS = 50
_EACH = 3
# Bytes of a line that are kept.
_MOST_BYTES = 2048


@dataclass(frozen=True, slots=True)
class RejectSample:
    """One line.

    file, line: where it is.
    reason: why it was not taken, in full.
    text: its first bytes.
    is_cut: whether there are more.
    """

    file: str
    line: int
    reason: str
    text: bytes
    is_cut: bool


@dataclass(slots=True)
class RejectSamples:
    """The first three lines of each reason, for 50 reasons at most.

    found: by state and general reason, in the order in which they came.
    numbers: by file and number in the run, the numbers in the file, for a run of chosen lines.
    """

    found: dict[tuple[str, str], list[RejectSample]] = field(default_factory=dict)
    numbers: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def add(self, settled: Result) -> None:
        """Keep the lines of a result, if there is room for them."""
        key = (settled.state, general_reason(settled.reason))
        if key not in self.found and len(self.found) >= _MOST_REASONS:
            return
        kept = self.found.setdefault(key, [])
        lines: Sequence[Line] = settled.lines[: _EACH - len(kept)]
        kept += [self._sample(line, settled.reason) for line in lines]

    def _sample(self, line: Line, reason: str) -> RejectSample:
        number = self.numbers.get((line.file, line.number), line.number)
        text = line.text.head if isinstance(line.text, TooLong) else line.text
        is_cut = isinstance(line.text, TooLong) or len(text) > _MOST_BYTES
        return RejectSample(line.file, number, reason, text[:_MOST_BYTES], is_cut)
