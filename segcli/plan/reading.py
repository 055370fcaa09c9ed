"""Reads a tracking plan from its text: the compiled rules, and all mistakes."""

import json

from segcli.core.exact_json import MAX_DEPTH, loads
from segcli.core.merge_conflict import merge_conflict
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
    # A CSV with a merge conflict is a CSV: its marks would be rows.
    if not is_json and (conflict := merge_conflict(text)):
        raise ValueError(conflict)
    draft = _json_draft(text) if is_json else read_csv_plan(text)
    if not draft.rules and not draft.mistakes:
        draft.note(Mistake("", "plans nothing", 1))
    rules = _compiled(draft, title)
    if is_json:
        draft.lines = lines_at(text, {mistake.pointer for mistake in draft.mistakes})
    found = [_with_line(one, draft) for one in draft.mistakes]
    return Plan(title, rules, sorted(found, key=lambda mistake: mistake.line))


def _json_draft(text: str) -> PlanDraft:
    try:
        value = loads(text.encode(), levels=_LEVELS)
    except ValueError as error:
        raise ValueError(merge_conflict(text) or f"cannot be read: {error}{_at(text)}") from None
    return read_json_plan(value)


def _at(text: str) -> str:
    """Return where a text stops being JSON; empty if it is JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f" (line {error.lineno}, column {error.colno})"
    except RecursionError:
        pass
    return ""


def _compiled(draft: PlanDraft, title: str) -> list[CompiledRule]:
    compiler = SchemaCompiler()
    rules = []
    for rule in draft.rules:
        check = compiler.compile(rule.schema, rule.pointer)
        if isinstance(check, list):
            for mistake in check:
                draft.note(mistake)
        rules.append(CompiledRule(rule, check if isinstance(check, Check) else None, title))
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
