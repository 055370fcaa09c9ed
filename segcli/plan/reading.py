"""Reads a tracking plan from its text: the compiled rules, and all mistakes."""

import json

from segcli.core.exact_json import MAX_DEPTH, loads
from segcli.core.line_error import LineError
from segcli.core.merge_conflict import merge_conflict
from segcli.plan.csv_form import read_csv_plan
from segcli.plan.json_forms import read_json_plan
from segcli.plan.plan import Check, CompiledRule, Plan
from segcli.plan.pointers import lines_at, repeated_names, wrong_line
from segcli.plan.rule import Mistake, PlanDraft
from segcli.plan.schema import SchemaCompiler

# A schema is nested deeper than the events that it describes.
_LEVELS = 4 * MAX_DEPTH


def read_plan(title: str, text: str) -> Plan:
    """Read a plan in any form; raises ValueError, with what is wrong, if it is not a plan.

    If the line is known, it is a LineError.
    """
    is_json = text.lstrip()[:1] in ("{", "[")
    # A CSV with a merge conflict is a CSV: its marks would be rows.
    if not is_json and (conflict := merge_conflict(text)):
        raise conflict
    draft = _json_draft(text) if is_json else read_csv_plan(text)
    if not draft.rules and not draft.mistakes:
        draft.note(Mistake("", "the file plans nothing", 1))
    rules = _compiled(draft, title)
    if is_json:
        draft.lines = lines_at(text, {mistake.pointer for mistake in draft.mistakes})
    found = [_with_line(one, draft) for one in draft.mistakes]
    return Plan(title, rules, sorted(found, key=lambda mistake: mistake.line))


def _json_draft(text: str) -> PlanDraft:
    try:
        value = loads(text.encode(), levels=_LEVELS)
    except ValueError as error:
        problem = LineError(f"cannot be read: {error}", wrong_line(text, _LEVELS))
        raise merge_conflict(text) or problem from None
    draft = read_json_plan(value)
    if _has_repeated_names(text):
        for pointer, line in repeated_names(text):
            draft.note(Mistake(pointer, "is given a second time: remove one of them", line))
    return draft


def _has_repeated_names(text: str) -> bool:
    """Return whether an object of a JSON text has a name twice: only one of them counts."""
    are_repeated = False

    def note(pairs: list[tuple[str, object]]) -> None:
        nonlocal are_repeated
        are_repeated = are_repeated or len(pairs) != len({name for name, _ in pairs})

    try:
        json.loads(text, object_pairs_hook=note, parse_int=str, parse_float=str)
    except RecursionError:
        return True  # so that they are looked for in another way
    return are_repeated


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
