"""What `check` reviews, and how strictly."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from segcli.accounting.rejects import Rejects
from segcli.core.outcome import Job
from segcli.core.selection import Selection
from segcli.inputs import Input
from segcli.lines.blocks import MAX_LINE
from segcli.plan.plan import Plan
from segcli.review.notes import Key, NoteLimits
from segcli.review.wanted import Wanted

# How many groups of findings of each level a baseline may have, or a review with all findings: they
# are held in memory.
_MOST_GROUPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """What to review, and how strictly.

    job: the destination, its settings and which events to review; None to compare events with
        tracking plans only.
    inputs: the files and streams to read, in this order.
    plans: the tracking plans to compare events with.
    selection: which events to review if there is no job.
    files_left_out: how many files were not read, because their day is outside the range.
    strict: a warning counts as an error.
    wanted: which findings count, by their codes.
    baseline: the file of findings that are accepted; None for none.
    update_baseline: write the baseline, so that it accepts all findings.
    expect: the golden file to compare with; None for no comparison.
    update: write the golden file instead of comparing with it.
    fail_on_uncovered: shell patterns of fields that must reach the payload.
    needs_events: it is an error if nothing was mapped, rejected or compared with a plan.
    mask: show the form of sample values, and not the values.
    rate: requests a second, for the estimated time; None for the destination's own limit.
    most_findings: how many findings the review holds in memory; all are counted.
    keeps_all: the review has all findings, in a temporary file, and more groups.
    max_line: the longest line that is read, in bytes.
    jobs: how many processes to use; None for one a processor, once the input is large enough.
    rejects: where rejected lines are written; None to write none.
    """

    job: Job | None
    inputs: Sequence[Input]
    plans: Sequence[Plan] = ()
    selection: Selection = Selection()
    files_left_out: int = 0
    strict: bool = False
    wanted: Wanted = Wanted()
    baseline: Path | None = None
    update_baseline: bool = False
    expect: Path | None = None
    update: bool = False
    fail_on_uncovered: Sequence[str] = ()
    needs_events: bool = False
    mask: bool = False
    rate: float | None = None
    most_findings: int = 1000
    keeps_all: bool = False
    max_line: int = MAX_LINE
    jobs: int | None = None
    rejects: Rejects | None = None

    @property
    def selected(self) -> Selection:
        """Which events are reviewed."""
        return self.job.selection if self.job else self.selection

    def note_limits(self, known: Collection[Key]) -> NoteLimits:
        """Return how many findings are noted; `known` are those that the baseline accepts."""
        has_many = self.update_baseline or self.keeps_all
        return NoteLimits(
            findings=self.most_findings,
            groups=max(self.most_findings, has_many * _MOST_GROUPS),
            has_all=self.keeps_all,
            wanted=self.wanted,
            known=frozenset(known),
        )
