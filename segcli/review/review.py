"""The result of `segcli check`: a value that each output format prints in its own way."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from segcli.plan.coverage import PlanResult
from segcli.review.codes import CODES
from segcli.review.coverage import LeftOut
from segcli.review.estimate import RouteEstimate
from segcli.review.findings import BaselineResult, Finding, Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Everything that a check found.

    destination: the destination's name; None if events were only compared with tracking plans.
    inputs: the names of the inputs.
    read: how many lines were read.
    counts: how many lines are mapped (checked, if there is no destination), rejected and skipped.
    findings: the first findings, in the order of the input.
    groups: the findings by group, in the order in which they were found: enough of them for
        `findings`.
    all_findings: all findings, from a temporary file that lasts as long as the review; None if
        they were not kept.
    all_groups: all groups that are held, up to a limit.
    errors: how many errors there are, shown or not.
    warnings: how many warnings there are, shown or not.
    left_out: the fields that no payload carries, the most frequent first.
    untried: how many events were not searched for such fields.
    routes: the requests that the events would make, by route.
    seconds: how long sending them takes at least; None if there is no rate.
    files_left_out: how many files were not read, because their day is outside the range.
    advice: what to know before the events are sent; empty for nothing.
    plan: what the events showed of the tracking plans; None if there are none.
    baseline: what the baseline did; None if there is none.
    coverage: patterns of the fields that people are shown; none for all but the envelope.
    is_default: the destination is the default, because none was given.
    shows_every: people are shown every finding, and not one entry a group.
    """

    destination: str | None
    inputs: Sequence[str]
    read: int
    counts: dict[str, int]
    findings: Sequence[Finding]
    groups: Sequence[Group]
    errors: int
    warnings: int
    left_out: Sequence[LeftOut]
    untried: int
    routes: Sequence[RouteEstimate]
    seconds: float | None
    files_left_out: int = 0
    advice: str = ""
    plan: PlanResult | None = None
    baseline: BaselineResult | None = None
    coverage: Sequence[str] = ()
    is_default: bool = False
    shows_every: bool = False
    all_findings: Iterable[Finding] | None = field(default=None, compare=False, repr=False)
    all_groups: Sequence[Group] = field(default=(), compare=False, repr=False)

    @property
    def ok(self) -> bool:
        """True if there is no error; then `segcli check` exits with 0."""
        return not self.errors

    @property
    def subject(self) -> str:
        """What the events were checked for."""
        return self.destination or "the tracking plan"

    def entries(self) -> Sequence[Finding | Group]:
        """Return what people are shown: the groups, or every finding."""
        return self.findings if self.shows_every else self.groups

    def hidden(self, shown: Iterable[Finding | Group], *, errors_only: bool = False) -> int:
        """Return how many findings are counted, but are not among those that are shown."""
        total = self.errors if errors_only else self.errors + self.warnings
        return total - sum(
            one.count if isinstance(one, Group) else 1
            for one in shown
            if one.level == "error" or not errors_only
        )

    def document(self) -> dict[str, Any]:
        """Return the review as the JSON that `check.schema.json` describes.

        `inputs` and `findings` are empty, since there may be very many: the caller writes them.
        """
        return {
            "check_version": 4,
            "destination": self.destination,
            "destination_is_default": self.is_default,
            "inputs": [],
            "files_left_out": self.files_left_out,
            "read": self.read,
            "counts": self.counts,
            "errors": self.errors,
            "warnings": self.warnings,
            "untried": self.untried,
            "advice": self.advice,
            "findings": [],
            "groups": [_grouped(one) for one in self._listed_groups()],
            "baseline": _accepted(self.baseline) if self.baseline else None,
            "not_carried": [
                {
                    "path": one.path,
                    "events": one.events,
                    "share": round(one.share, 4),
                    "sample": one.sample,
                }
                for one in self.left_out
            ],
            "plan": {
                "requests": sum(route.requests for route in self.routes),
                "seconds": self.seconds,
                "routes": [_planned(route) for route in self.routes],
            },
            "tracking_plan": _tracked(self.plan) if self.plan else None,
        }

    def described_findings(self) -> Iterator[dict[str, Any]]:
        """Yield all findings for the JSON, each with the index of its group.

        Without `all_findings` those that are held.
        """
        numbers = {group.key: number for number, group in enumerate(self._listed_groups())}
        findings = self.findings if self.all_findings is None else self.all_findings
        return (_described(one, numbers.get(one.key)) for one in findings)

    def _listed_groups(self) -> Sequence[Group]:
        return self.groups if self.all_findings is None else self.all_groups


def _described(finding: Finding, group: int | None) -> dict[str, Any]:
    return {
        "file": finding.file,
        "line": finding.line,
        "code": finding.code,
        "level": finding.level,
        "state": finding.state,
        "field": finding.field,
        "problem": finding.problem,
        "lines": finding.count,
        "other": finding.other,
        "group": group,
    }


def _grouped(group: Group) -> dict[str, Any]:
    code = CODES[group.key.code]
    return {
        "code": code.code,
        "name": code.name,
        "level": group.level,
        "state": code.state,
        "field": group.key.field,
        "problem": group.key.problem,
        "findings": group.count,
        "lines": group.lines,
        "places": [{"file": one.file, "line": one.line} for one in group.first],
        "in_baseline": group.known,
    }


def _accepted(baseline: BaselineResult) -> dict[str, Any]:
    return {
        "accepted": baseline.accepted,
        "gone": baseline.gone,
        "written": baseline.written,
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
