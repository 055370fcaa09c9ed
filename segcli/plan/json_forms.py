"""Reads the three JSON forms of a plan, which it recognizes by their shape.

Segment's Public API and Typewriter 8 have a list of rules, each with a type, a key and a
`jsonSchema`; the Config API and Typewriter 7 have an object of rules with a list of events.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from segcli.plan.pointers import pointer_of
from segcli.plan.rule import PART_OF, Mistake, Part, PlanDraft, Rule

_TYPES = {"COMMON": ""} | {call.upper(): call for call in PART_OF}
# A schema of a whole event names some of these, and nothing but fields of an event.
_WHOLE = frozenset({"properties", "traits", "context"})
_ENVELOPE = _WHOLE | {
    *("anonymousId", "category", "channel", "event", "groupId", "integrations", "messageId"),
    *("name", "originalTimestamp", "previousId", "projectId", "receivedAt", "sentAt"),
    *("timestamp", "type", "userId", "version", "writeKey", "_metadata"),
}
_LISTS_OF_TRAITS = {"identify_traits": "identify", "user_traits": "identify"} | {
    "group_traits": "group"
}
NO_PLAN = (
    "is not a tracking plan in a known form: a list of rules with a jsonSchema each, an object of "
    "rules with events, or a CSV with a column of event names"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A rule as written in the file. If `part` is None, it depends on the other rules."""

    type: str
    name: str
    version: int
    schema: Mapping[str, Any]
    pointer: str
    part: Part | None = None


def read_json_plan(document: Any) -> PlanDraft:
    """Return the rules of a plan and its mistakes; raises ValueError if it is not a plan."""
    draft = PlanDraft()
    base, holder = _holder(document)
    _note_further_pages(document, draft)
    if isinstance(holder, list):
        entries = list(_keyed_entries(holder, base, draft))
    else:
        entries = list(_event_entries(holder, base, draft))
    are_bare = _are_bare(entries)
    for entry in entries:
        draft.add(_rule(entry, are_bare=are_bare))
    return draft


def _holder(document: Any) -> tuple[str, list[Any] | dict[str, Any]]:
    """Return the list or object that holds the rules, after the pointer to it."""
    base = ""
    while isinstance(document, dict):
        rules = document.get("rules")
        if isinstance(rules, list | dict):
            return f"{base}/rules", rules
        if isinstance(document.get("events"), list):
            return base, document
        name = next((n for n in ("data", "trackingPlan", "tracking_plan") if n in document), None)
        if name is None:
            raise ValueError(NO_PLAN)
        base, document = f"{base}/{name}", document[name]
    if isinstance(document, list) and any(
        isinstance(one, dict) and "jsonSchema" in one for one in document
    ):
        return base, document
    raise ValueError(NO_PLAN)


def _note_further_pages(document: Any, draft: PlanDraft) -> None:
    """Note a mistake if the file is one page of a reply of the Public API that has several."""
    data = document.get("data") if isinstance(document, dict) else None
    pagination = data.get("pagination") if isinstance(data, dict) else None
    if isinstance(pagination, dict) and pagination.get("next"):
        problem = "says that more rules follow: join all pages"
        draft.note(Mistake("/data/pagination/next", problem))


def _keyed_entries(rules: list[Any], base: str, draft: PlanDraft) -> Iterable[_Entry]:
    for index, rule in enumerate(rules):
        pointer = f"{base}/{index}"
        if not isinstance(rule, dict):
            draft.note(Mistake(pointer, "is not an object"))
            continue
        written = rule.get("type")
        call = _TYPES.get(written.upper()) if isinstance(written, str) else None
        if call is None:
            known = ", ".join(sorted(_TYPES))
            draft.note(_wrong(rule, "type", pointer, f"one of {known}"))
            continue
        name = _name(rule, "key", call, pointer, draft)
        schema = _schema(rule, "jsonSchema", pointer, draft)
        if name is not None and schema is not None:
            version = _version(rule, pointer, draft)
            where = f"{pointer}/jsonSchema"
            yield _Entry(type=call, name=name, version=version, schema=schema, pointer=where)


def _event_entries(rules: dict[str, Any], base: str, draft: PlanDraft) -> Iterable[_Entry]:
    events = rules.get("events", [])
    if not isinstance(events, list):
        draft.note(Mistake(f"{base}/events", "is not a list"))
        events = []
    for index, event in enumerate(events):
        pointer = f"{base}/events/{index}"
        if not isinstance(event, dict):
            draft.note(Mistake(pointer, "is not an object"))
            continue
        name = _name(event, "name", "track", pointer, draft)
        schema = _schema({"rules": {}} | event, "rules", pointer, draft)
        if name is not None and schema is not None:
            version = _version(event, pointer, draft)
            where = f"{pointer}/rules"
            yield _Entry(type="track", name=name, version=version, schema=schema, pointer=where)
    for key, call in (("global", ""), ("identify", "identify"), ("group", "group")):
        if rules.get(key) and (schema := _schema(rules, key, base, draft)):
            yield _Entry(type=call, name="", version=1, schema=schema, pointer=f"{base}/{key}")
    yield from _traits_entries(rules, base, draft)


def _traits_entries(rules: dict[str, Any], base: str, draft: PlanDraft) -> Iterable[_Entry]:
    """Yield a rule for each list of traits: all of them are optional."""
    for key, call in _LISTS_OF_TRAITS.items():
        pointer = f"{base}/{key}"
        listed = rules.get(key) or []
        named: dict[str, Any] = {}
        for index, trait in enumerate(listed if isinstance(listed, list) else [listed]):
            name = trait.get("name") if isinstance(trait, dict) else trait
            if isinstance(name, str) and name:
                rule = trait.get("rules") if isinstance(trait, dict) else None
                named[name] = rule if isinstance(rule, dict) else {}
            else:
                draft.note(Mistake(pointer_of(pointer, [index]), "is not a trait with a name"))
        if named:
            yield _Entry(
                type=call,
                name="",
                version=1,
                schema={"properties": named},
                pointer=pointer,
                part="traits",
            )


def _wrong(holder: Mapping[str, Any], key: str, pointer: str, expected: str) -> Mistake:
    """Return the mistake that a value is missing, at its holder, or is not what is expected."""
    if key in holder:
        return Mistake(f"{pointer}/{key}", f"is not {expected}")
    return Mistake(pointer, f"has no {key}: add it, {expected}")


def _name(
    rule: Mapping[str, Any], key: str, call: str, pointer: str, draft: PlanDraft
) -> str | None:
    value = rule.get(key)
    if call in ("", "identify", "group"):
        return ""
    if call != "track" and value is None:
        return ""
    if isinstance(value, str) and (value or call != "track"):
        return value
    draft.note(_wrong(rule, key, pointer, "the name of an event"))
    return None


def _version(holder: dict[str, Any], pointer: str, draft: PlanDraft) -> int:
    version = holder.get("version", 1)
    if isinstance(version, str) and version.isdecimal() and len(version) < 10:
        return int(version)
    if type(version) is not int:
        draft.note(Mistake(f"{pointer}/version", "is not a whole number"))
        return 1
    return version


def _schema(
    rule: Mapping[str, Any], key: str, pointer: str, draft: PlanDraft
) -> Mapping[str, Any] | None:
    """Return a schema, which some tools write as a text of JSON; None if it is not a schema."""
    value = rule.get(key)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if isinstance(value, dict):
        return value
    draft.note(_wrong(rule, key, pointer, "a JSON Schema"))
    return None


def _names(entry: _Entry) -> frozenset[str]:
    names = entry.schema.get("properties")
    return frozenset(names) if isinstance(names, dict) else frozenset()


def _are_bare(entries: Iterable[_Entry]) -> bool:
    """Return whether most schemas of a file describe the properties, not the whole event."""
    bare = whole = 0
    for entry in entries:
        if entry.type and entry.part is None and _names(entry):
            looks_whole = _looks_whole(entry)
            whole += looks_whole
            bare += not looks_whole
    return bare > whole


def _looks_whole(entry: _Entry) -> bool:
    """Return whether a schema names only fields of an event, and objects where they belong."""
    names = _names(entry)
    if not names <= _ENVELOPE or names.isdisjoint(_WHOLE):
        return False
    inner = [entry.schema["properties"][name] for name in names & _WHOLE]
    return all(isinstance(one, dict) and "object" in one.get("type", "object") for one in inner)


def _rule(entry: _Entry, *, are_bare: bool) -> Rule:
    names = _names(entry)
    is_bare = are_bare or bool(names - _ENVELOPE and names.isdisjoint(_WHOLE))
    found: Part = PART_OF[entry.type] if entry.type and is_bare else ""
    part = found if entry.part is None else entry.part
    return Rule(
        type=entry.type,
        name=entry.name,
        version=entry.version,
        part=part,
        schema=entry.schema,
        pointer=entry.pointer,
    )
