"""The result of `segcli check`: a value that each output format prints in its own way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from segcli.plan.coverage import PlanResult
from segcli.plan.judge import PlanState
from segcli.review.coverage import LeftOut
from segcli.review.estimate import RouteEstimate

Level = Literal["error", "warning"]
FindingState = (
    Literal["rejected", "warning", "uncovered", "changed", "added", "removed", "missing", "new"]
    | PlanState
    | Literal["plan-mistake"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding of a check.

    file: the input it is about; the golden file for a payload that is missing.
    line: the number of the line, the first one if there are several.
    level: error or warning.
    state: the kind of finding. `changed`, `added` and `removed` fields differ from the golden
        file; a `missing` line is in the golden file only, a `new` one in the input only. An
        `unplanned-event`, an `unplanned-property` and a `plan-violation` differ from a tracking
        plan; a `plan-mistake` is in the plan itself.
    field: the dotted path of the field; empty for the whole event.
    problem: what is wrong with it.
    count: how many lines it stands for.
    """

    file: str
    line: int
    level: Level
    state: FindingState
    field: str
    problem: str
    count: int = 1

    @property
    def text(self) -> str:
        """The finding without its place: `rejected: traits is not an object`."""
        others = self.count - 1
        more = f" (and {others:,} more line{'s' if others > 1 else ''})" if others else ""
        return f"{self.state}: {f'{self.field} {self.problem}'.strip()}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Everything that a check found.

    destination: the destination's name; None if events were only compared with tracking plans.
    inputs: the names of the inputs.
    read: how many lines were read.
    counts: how many lines are mapped (checked, if there is no destination), rejected and skipped.
    findings: the first findings, in the order of the input.
    errors: how many errors there are, shown or not.
    warnings: how many warnings there are, shown or not.
    left_out: the fields that no payload carries, the most frequent first.
    untried: how many events were not searched for such fields.
    routes: the requests that the events would make, by route.
    seconds: how long sending them takes at least; None if there is no rate.
    files_left_out: how many files were not read, because their day is outside the range.
    plan: what the events showed of the tracking plans; None if there are none.
    """

    destination: str | None
    inputs: Sequence[str]
    read: int
    counts: dict[str, int]
    findings: Sequence[Finding]
    errors: int
    warnings: int
    left_out: Sequence[LeftOut]
    untried: int
    routes: Sequence[RouteEstimate]
    seconds: float | None
    files_left_out: int = 0
    advice: str = ""
    plan: PlanResult | None = None

    @property
    def subject(self) -> str:
        """What the events were checked for."""
        return self.destination or "the tracking plan"

    @property
    def hidden(self) -> int:
        """How many findings are counted but not held."""
        return self.errors + self.warnings - len(self.findings)

    @property
    def hidden_errors(self) -> int:
        """How many of them are errors."""
        return self.errors - sum(finding.level == "error" for finding in self.findings)

    def document(self) -> dict[str, Any]:
        """Return the review as the JSON that `check.schema.json` describes.

        `inputs` is empty, since there may be very many: the caller writes them.
        """
        return {
            "check_version": 2,
            "destination": self.destination,
            "inputs": [],
            "files_left_out": self.files_left_out,
            "read": self.read,
            "counts": self.counts,
            "errors": self.errors,
            "warnings": self.warnings,
            "untried": self.untried,
            "advice": self.advice,
            "findings": [_described(one) for one in self.findings],
            "not_carried": [
                {"path": one.path, "events": one.events, "share": round(one.share, 4)}
                for one in self.left_out
            ],
            "plan": {
                "requests": sum(route.requests for route in self.routes),
                "seconds": self.seconds,
                "routes": [_planned(route) for route in self.routes],
            },
            "tracking_plan": _tracked(self.plan) if self.plan else None,
        }


def _described(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.file,
        "line": finding.line,
        "level": finding.level,
        "state": finding.state,
        "field": finding.field,
        "problem": finding.problem,
        "lines": finding.count,
    }


def _planned(route: RouteEstimate) -> dict[str, Any]:
    return {
        "route": route.route,
        "events": route.events,
        "requests": route.requests,
        "bytes": route.bytes,
        "largest": route.largest,
    }


def _tracked(plan: PlanResult) -> dict[str, Any]:
    return {
        "files": list(plan.files),
        "checked": plan.checked,
        "planned": plan.planned,
        "unseen": [
            {"type": one.type, "event": one.name, "version": one.version, "path": one.path}
            for one in plan.unseen
        ],
    }
