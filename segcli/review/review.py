"""A review: everything `segcli check` has to say, as a value that each format prints its way."""

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
    """Where, what, and how bad. `count` is how many lines it stands for, the first of them named.

    `changed`, `added` and `removed` are fields that differ from the golden file; a `missing`
    line is in the golden file only, a `new` one in the input only. What an event has and its
    tracking plan has not is `unplanned-event` or `unplanned-property`, what it has otherwise than
    planned a `plan-violation`; a `plan-mistake` stands in the plan itself.
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
    """`findings` are the first of `errors` and `warnings` in number, in the order of the input.

    `counts` are the lines by state, `seconds` the time that the rate lets the requests take.
    `destination` is None where only tracking plans were asked about; `plan` is what became of
    these, None where there is none.
    `files_left_out` were not read, since their day cannot hold what is asked for.
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
    plan: PlanResult | None = None

    @property
    def subject(self) -> str:
        """What the lines were held against, in a word or two."""
        return self.destination or "the tracking plan"

    @property
    def hidden(self) -> int:
        """How many findings were too many to be kept."""
        return self.errors + self.warnings - len(self.findings)

    @property
    def hidden_errors(self) -> int:
        """How many of them are errors."""
        return self.errors - sum(finding.level == "error" for finding in self.findings)

    def document(self) -> dict[str, Any]:
        """Return the review as JSON, as `check.schema.json` describes it, but for its inputs.

        These may be many.
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
        "held": plan.held,
        "planned": plan.planned,
        "unseen": [
            {"type": one.type, "event": one.name, "version": one.version, "path": one.path}
            for one in plan.unseen
        ],
    }
