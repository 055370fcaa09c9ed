"""Reads a tracking plan from its text: the compiled rules, and all mistakes."""

from segcli.core.exact_json import MAX_DEPTH, loads
from segcli.plan.csv_form import read_csv_plan
from segcli.plan.json_forms import read_json_plan
from segcli.plan.plan import Check, CompiledRule, Plan
from segcli.plan.pointers import lines_at
from segcli.plan.rule import Mistake, PlanDraft
from segcli.plan.schema import SchemaCompiler

# A schema is nested deeper than the events that it describes.
_LEVELS = 4 * MAX_DEPTH


def read_plan(title: str, text: str) -> Plan:
    """Read a plan in any form; raises ValueError, with what is wrong, if it is not a plan."""
    is_json = text.lstrip()[:1] in ("{", "[")
    draft = _json_draft(text) if is_json else read_csv_plan(text)
    if not draft.rules and not draft.mistakes:
        draft.note(Mistake("", "plans nothing", 1))
    rules = _compiled(draft)
    if is_json:
        draft.lines = lines_at(text, {mistake.pointer for mistake in draft.mistakes})
    return Plan(title, rules, [_with_line(one, draft) for one in draft.mistakes])


def _json_draft(text: str) -> PlanDraft:
    try:
        value = loads(text.encode(), levels=_LEVELS)
    except ValueError as error:
        raise ValueError(f"cannot be read: {error}") from None
    return read_json_plan(value)


def _compiled(draft: PlanDraft) -> list[CompiledRule]:
    compiler = SchemaCompiler()
    rules = []
    for rule in draft.rules:
        check = compiler.compile(rule.schema, rule.pointer)
        if isinstance(check, list):
            for mistake in check:
                draft.note(mistake)
        rules.append(CompiledRule(rule, check if isinstance(check, Check) else None))
    return rules


def _with_line(mistake: Mistake, draft: PlanDraft) -> Mistake:
    """Return a mistake with its line, or with that of the nearest value around it."""
    if mistake.line:
        return mistake
    pointer = mistake.pointer
    while pointer and pointer not in draft.lines:
        pointer = pointer.rpartition("/")[0]
    line = draft.lines.get(pointer, 1)
    return Mistake(mistake.pointer, mistake.problem, line, mistake.is_harmless)
