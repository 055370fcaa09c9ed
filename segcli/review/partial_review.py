"""The review of some consecutive lines: a value that one process returns and another joins."""

from array import array
from dataclasses import dataclass, field

from segcli.core.destination import Remark
from segcli.core.event import Rejected
from segcli.core.line import TooLong
from segcli.core.outcome import Outcome
from segcli.plan.judge import Difference, PlanSeen


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of probing a shape.

    left_out: the paths that do not affect the payload.
    cost: how many bytes were mapped for it.
    part: the number that shapes share if they differ only in fields that the destination does not
        read: one probe serves them all. None if the probe is for one shape only.
    """

    left_out: frozenset[str]
    cost: int
    part: int | None = None


@dataclass(slots=True)
class ShapeCount:
    """Counts the events of one shape.

    first: the index of the first one among the lines of the partial review.
    events: how many there are.
    """

    first: int
    events: int = 0


@dataclass(slots=True)
class HashedLines:
    """Hashes of lines, or of something in them.

    hashes: the hashes.
    places: the index of the line of each hash.
    """

    hashes: "array[int]" = field(default_factory=lambda: array("q"))
    places: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, value: str | bytes, place: int) -> None:
        """Add the hash of a value from the line with this index."""
        self.hashes.append(hash(value))
        self.places.append(place)


@dataclass(slots=True)
class PartialReview:
    """The outcomes of some lines, and the findings on them; an index counts the lines from 0.

    lines: how many lines were read.
    skipped: how many were skipped.
    errors: how many were rejected.
    warned: how many warnings there are.
    differing: how many differences from tracking plans there are.
    passed_on: how many events became payloads unchanged.
    untried: how many events cannot be probed.
    mapped: the size of each payload in bytes, by route.
    shapes: the count of all other mapped events, by the number of their shape.
    tried: the probe results of shapes that this process met for the first time.
    ids: the messageIds.
    lines_without_id: the lines without a messageId.
    rejected: the first rejections, by line index; as many as may be shown.
    warnings: the first warnings, by line index; as many as may be shown.
    differences: the first differences from tracking plans, by line index; as many as may be shown.
    plan: what the events showed of the tracking plans.
    kept: the rejected lines to write to the rejects file: index, reason, line.
    outcomes: the outcome of every line, if they are compared with a golden file.
    """

    lines: int = 0
    skipped: int = 0
    errors: int = 0
    warned: int = 0
    differing: int = 0
    passed_on: int = 0
    untried: int = 0
    mapped: dict[str, "array[int]"] = field(default_factory=dict)
    shapes: dict[int, ShapeCount] = field(default_factory=dict)
    tried: dict[int, ProbeResult] = field(default_factory=dict)
    ids: HashedLines = field(default_factory=HashedLines)
    lines_without_id: HashedLines = field(default_factory=HashedLines)
    rejected: list[tuple[int, Remark]] = field(default_factory=list)
    warnings: list[tuple[int, Remark]] = field(default_factory=list)
    kept: list[tuple[int, str, bytes | TooLong]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    differences: list[tuple[int, Difference]] = field(default_factory=list)
    plan: PlanSeen = field(default_factory=PlanSeen)


class Rejections:
    """Adds rejected lines to partial reviews.

    most: how many of them are shown.
    keeps: collect them, for the rejects file.
    """

    def __init__(self, *, most: int, keeps: bool) -> None:
        self._left = most
        self._keeps = keeps

    def note(self, line: bytes | TooLong, rejected: Rejected, seen: PartialReview) -> None:
        """Add the next line, which is rejected."""
        seen.errors += 1
        if self._left > 0:
            self._left -= 1
            seen.rejected.append((seen.lines, Remark(rejected.field, rejected.problem)))
        if self._keeps:
            seen.kept.append((seen.lines, str(rejected), line))
