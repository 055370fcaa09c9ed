"""What is seen of some lines in a row, as a value that is joined with that of others."""

from array import array
from dataclasses import dataclass, field

from segcli.core.destination import Remark
from segcli.core.event import Rejected
from segcli.core.line import TooLong
from segcli.core.outcome import Outcome
from segcli.plan.judge import Difference, PlanSeen


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The fields that a shape leaves out, and how many bytes were mapped to find that out.

    Where that was done once for all shapes that differ only in what is not read, they share a
    `part`.
    """

    left_out: frozenset[str]
    cost: int
    part: int | None = None


@dataclass(slots=True)
class ShapeCount:
    """Events of one shape: how many, and at which place among the lines the first one stands."""

    first: int
    events: int = 0


@dataclass(slots=True)
class PartialReview:
    """What became of lines and what there is to say of them; a place counts them from 0 on.

    `mapped` holds the bytes of each payload by route. Of the events `passed_on` became payloads
    as they are, `untried` cannot be tried, all others are in `shapes`; `tried` are those shapes
    which were seen for the first time, but for what was too costly to try.
    `ids` are the hashes of messageIds, `id_places` where they stand. Of what is `rejected` and of
    `warnings` come only as many as may be shown; `errors` and `warned` count all. So it is with the
    `differences` from tracking plans, which `differing` counts; `plan` is what was seen of them.
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
    ids: "array[int]" = field(default_factory=lambda: array("q"))
    id_places: "array[int]" = field(default_factory=lambda: array("Q"))
    rejected: list[tuple[int, Remark]] = field(default_factory=list)
    warnings: list[tuple[int, Remark]] = field(default_factory=list)
    kept: list[tuple[int, str, bytes | TooLong]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    differences: list[tuple[int, Difference]] = field(default_factory=list)
    plan: PlanSeen = field(default_factory=PlanSeen)


class Rejections:
    """Notes rejected lines; the first `most` will be shown. `keeps`: they are to be kept."""

    def __init__(self, *, most: int, keeps: bool) -> None:
        self._left = most
        self._keeps = keeps

    def note(self, line: bytes | TooLong, rejected: Rejected, seen: PartialReview) -> None:
        """Note the next line."""
        seen.errors += 1
        if self._left > 0:
            self._left -= 1
            seen.rejected.append((seen.lines, Remark(rejected.field, rejected.problem)))
        if self._keeps:
            seen.kept.append((seen.lines, str(rejected), line))
