"""Shared by the tests of tracking plans: plans, and how events differ from them."""

import json
from typing import Any

from support.samples import event_of

from segcli.plan.coverage import PlanCoverage
from segcli.plan.index import PlanIndex
from segcli.plan.judge import Judge, PlanSeen
from segcli.plan.plan import Plan
from segcli.plan.reading import read_plan

TEXT = {"type": "string"}


def rule(
    key: str | None, schema: object = None, *, call: str = "TRACK", version: object = 1
) -> dict[str, Any]:
    """Return a rule as Segment's Public API has it; without a schema it asks for nothing."""
    schema = {"type": "object"} if schema is None else schema
    return {"key": key, "type": call, "version": version, "jsonSchema": schema}


def whole(part: str = "properties", required: tuple[str, ...] = (), **fields: Any) -> Any:
    """Return the schema of a whole event, with these fields in its properties or traits."""
    inner = {"type": "object", "properties": fields, "required": list(required)}
    return {"type": "object", "properties": {part: inner}}


def plan_of(*rules: object) -> Plan:
    """Return the plan of rules as the Public API has them."""
    return read_plan("plan.json", json.dumps({"data": {"rules": rules}}))


def mistakes(plan: Plan) -> list[tuple[int, str]]:
    """Return the line and the text of each mistake."""
    return [(one.line, f"{one.pointer} {one.problem}".strip()) for one in plan.mistakes]


def differences(plans: Plan | list[Plan], **fields: Any) -> list[str]:
    """Return how an event with these fields differs from plans, as `state: field problem`."""
    index = PlanIndex([plans] if isinstance(plans, Plan) else plans)
    found = Judge(index).compare(event_of(**fields).data, PlanSeen())
    return [f"{one.state}: {one.field} {one.problem}" for one in found]


def unseen(plan: Plan, *events: dict[str, Any]) -> list[str]:
    """Return what is planned and in none of the events, as `label path`."""
    index = PlanIndex([plan])
    judge, coverage = Judge(index), PlanCoverage(index)
    for fields in events:
        seen = PlanSeen()
        judge.compare(event_of(**fields).data, seen)
        coverage.add(seen)
    return [f"{one.label} {one.path}".strip() for one in coverage.result(["plan"]).unseen]
