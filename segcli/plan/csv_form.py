"""Reads the CSV form of a plan, from Segment's web app: it has a row for each property.

The titles of the columns have changed over time. So each column has several names, and case, blanks
and punctuation are ignored. A row without an event belongs to the event above it. A property may be
nested in another one: `products[].sku`, or `campaign.name` if a row above says that `campaign` is
an object.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segcli.core.exact_json import MAX_DEPTH
from segcli.plan.json_forms import NO_PLAN
from segcli.plan.pointers import pointer_of
from segcli.plan.rule import PART_OF, Mistake, PlanDraft, Rule, cut
from segcli.plan.schema import pattern_problem

_COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(("event", "eventname", "trackcall", "trackevent"), "event"),
    **dict.fromkeys(("call", "calltype", "eventtype", "method"), "call"),
    **dict.fromkeys(("eventversion", "version"), "version"),
    **dict.fromkeys(("property", "propertyname", "propertykey", "trait", "traitname"), "property"),
    **dict.fromkeys(("datatype", "propertydatatype", "propertytype", "traittype"), "type"),
    **dict.fromkeys(("required", "isrequired", "propertyrequired"), "required"),
    **dict.fromkeys(("status", "propertystatus", "traitrequired"), "required"),
    **dict.fromkeys(("permittedvalues", "propertypermittedvalues", "allowedvalues"), "values"),
    **dict.fromkeys(("regex", "pattern", "propertyregex"), "values"),
    **dict.fromkeys(("type", "name"), "?"),
}
# These are for people: no event can violate them.
_FOR_PEOPLE = frozenset(
    {
        *("category", "comment", "comments", "createdat", "description", "eventdescription"),
        *("eventlabel", "eventlabels", "example", "examples", "eventkeywords", "keywords", "label"),
        *("labels", "lastupdated", "notes", "owner", "propertydescription", "sources", "tags"),
        *("traitdescription", "trigger", "updatedat"),
    }
)
_YES = frozenset({"1", "required", "true", "x", "y", "yes"})
_NO = frozenset({"", "0", "false", "n", "no", "optional"})
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_TIMES = frozenset({"date time", "date-time", "datetime"})
_BETWEEN_TYPES = re.compile(r"\s*(?:[,|/]|\bor\b)\s*")

_Row = dict[str, str]


@dataclass(slots=True)
class _Event:
    """An event of the CSV: the schema of its properties grows row by row.

    type: the call type; empty if it is not a known one.
    """

    type: str
    name: str
    version: int
    line: int
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})

    @property
    def pointer(self) -> str:
        return pointer_of("", [self.name or self.type])


def read_csv_plan(text: str) -> PlanDraft:
    """Return the rules of a plan and its mistakes; raises ValueError if it is not a plan."""
    draft = PlanDraft()
    event: _Event | None = None
    events: dict[tuple[str, str, int], _Event] = {}
    for line, row in _rows(text, draft):
        found = _event_of(row, line, event, draft)
        if found is None:
            if any(row.values()):
                problem = "the row has no event, and no row above has one: name its event"
                draft.note(Mistake("", problem, line))
            continue
        event = events.setdefault((found.type, found.name, found.version), found)
        draft.lines.setdefault(event.pointer, event.line)
        if row.get("property"):
            _Properties(event, draft).add(row, line)
    for one in events.values():
        if one.type:
            draft.add(_rule(one), one.line)
    return draft


def _rows(text: str, draft: PlanDraft) -> Iterator[tuple[int, _Row]]:
    """Yield each row by the roles of its columns, with the line on which it begins."""
    # Some programs for the Mac end a line with a carriage return alone.
    text = text if "\n" in text else text.replace("\r", "\n")
    lines = [f"{line}\n" for line in text.split("\n")]
    reader = csv.reader(lines, delimiter=_delimiter(lines[0]), strict=True)
    roles: list[str] | None = None
    start = 1
    try:
        for cells in reader:
            if roles is None:
                roles = _roles(cells, draft)
            else:
                yield start, _row(roles, cells)
            start = reader.line_num + 1
    except csv.Error as error:
        problem = f"the row is not one of a CSV: {error}"
        draft.note(Mistake("", problem, max(start, reader.line_num)))


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _roles(titles: Sequence[str], draft: PlanDraft) -> list[str]:
    """Return what each column is for; raises ValueError if none has names of events."""
    plain = ["".join(filter(str.isalnum, title.lower())) for title in titles]
    roles = [_COLUMNS.get(title, "") for title in plain]
    for index, title in enumerate(plain):
        if title == "type":
            roles[index] = "call" if "type" in roles else "type"
        elif title == "name":
            taken = "property" if "event" in roles else "name"
            roles[index] = "" if taken in roles else taken
    if not {"event", "name"} & set(roles):
        raise ValueError(NO_PLAN)
    _note_ignored(titles, plain, roles, draft)
    return roles


def _note_ignored(
    titles: Sequence[str], plain: Sequence[str], roles: Sequence[str], draft: PlanDraft
) -> None:
    """Note each column that is not read: its title is unknown, or another one is for the same."""
    for index, (title, role) in enumerate(zip(plain, roles, strict=True)):
        problem = ""
        if title and not role and title not in _FOR_PEOPLE:
            problem = "is not a known column and is ignored"
        elif role and role in roles[:index]:
            first = cut(titles[roles.index(role)])
            problem = f"is for the same as the column {first} before it and is ignored"
        if problem:
            draft.note(Mistake(cut(titles[index]), problem, 1, is_harmless=True))


def _row(roles: Sequence[str], cells: Sequence[str]) -> _Row:
    """Return the cells by their roles; `name` is the property's if the row has a type."""
    row: _Row = {}
    for role, cell in zip(roles, cells, strict=False):
        if role:
            row.setdefault(role, cell.strip())
    if "name" in row:
        name = row.pop("name")
        row["property" if row.get("type") else "event"] = name
    return row


def _event_of(row: _Row, line: int, above: _Event | None, draft: PlanDraft) -> _Event | None:
    """Return the event that a row belongs to; None if it belongs to none."""
    name, written = row.get("event", ""), row.get("call", "")
    call = written.lower() or "track"
    if call not in PART_OF:
        problem = f"the row has the type {cut(written)}, which is not one of {', '.join(PART_OF)}"
        draft.note(Mistake("", problem, line))
        # The properties below it belong to no other event.
        return _Event("", name, 1, line)
    if not name and (not written or call == "track"):
        return above
    version = row.get("version", "") or "1"
    if not version.removeprefix("v").isdecimal() or len(version) > 9:
        problem = f"the row has the version {cut(version)}, which is not a whole number"
        draft.note(Mistake("", problem, line))
        version = "1"
    own = "" if call in ("identify", "group") else name
    return _Event(call, own, int(version.removeprefix("v")), line)


class _Properties:
    """Adds the properties of an event to its schema."""

    def __init__(self, event: _Event, draft: PlanDraft) -> None:
        self._event = event
        self._draft = draft

    def add(self, row: _Row, line: int) -> None:
        """Add the property of a row."""
        name = row["property"]
        if problem := _name_problem(name):
            self._note(name, problem, line)
            return
        path, holder, last = self._place(name)
        named = holder.setdefault("properties", {})
        if last in named:
            self._note(name, "is planned a second time", line)
            return
        schema = named[last] = self._schema(row, line)
        self._draft.lines[pointer_of(self._event.pointer, [*path, "properties", last])] = line
        written = row.get("required", "")
        if written.lower() in _YES:
            holder.setdefault("required", []).append(last)
        elif written.lower() not in _NO:
            self._note(name, f"has {cut(written)}, which is neither required nor optional", line)
        if values := row.get("values", ""):
            self._permit(schema, values, name, line)

    def _place(self, name: str) -> tuple[list[str], dict[str, Any], str]:
        """Return the path of the schema that holds a property, that schema, and the name in it."""
        parts = name.replace(".$", "[]").split(".")
        above = [part.removesuffix("[]") for part in parts[:-1]]
        holder = self._event.schema
        if above and "[]" not in name and above[0] not in holder["properties"]:
            # No row above says that it is an object: the dot is part of the name.
            return [], holder, name
        path: list[str] = []
        for part, own in zip(parts, above, strict=False):
            holder = holder.setdefault("properties", {}).setdefault(own, {})
            path += ["properties", own]
            if part != own or "array" in holder.get("type", ()):
                holder = holder.setdefault("items", {})
                path.append("items")
        return path, holder, parts[-1].removesuffix("[]")

    def _schema(self, row: _Row, line: int) -> dict[str, Any]:
        written = row.get("type", "")
        parts = _BETWEEN_TYPES.split(written.lower()) if written else ["any"]
        types = ["string" if part in _TIMES else part for part in parts]
        if unknown := [part for part in types if part not in _TYPES | {"any"}]:
            known = ", ".join(sorted(_TYPES | {"any", "date time"}))
            problem = f"has the type {cut(unknown[0])}, which is not one of {known}"
            self._note(row["property"], problem, line)
            return {}
        if "any" in types:
            return {}
        schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else sorted(set(types))}
        return schema | ({"format": "date-time"} if _TIMES & set(parts) else {})

    def _permit(self, schema: dict[str, Any], values: str, name: str, line: int) -> None:
        if "string" in schema.get("type", "string"):
            if problem := pattern_problem(values):
                self._note(name, f"has permitted values that are {problem}", line)
            else:
                schema["pattern"] = values
            return
        problem = "has permitted values, which Segment compares with text only"
        mistake = Mistake(cut(name), problem, line, is_harmless=True)
        self._draft.note(mistake)

    def _note(self, name: str, problem: str, line: int) -> None:
        self._draft.note(Mistake(cut(name), problem, line))


def _name_problem(name: str) -> str:
    """Return what is wrong with the name of a property; empty if it is one."""
    parts = name.replace(".$", "[]").split(".")
    if len(parts) > MAX_DEPTH:
        return f"is nested deeper than {MAX_DEPTH} levels"
    if not all(part.removesuffix("[]") for part in parts):
        return "is not the name of a property: a part between its dots is empty"
    return ""


def _rule(event: _Event) -> Rule:
    return Rule(
        type=event.type,
        name=event.name,
        version=event.version,
        part=PART_OF[event.type],
        schema=event.schema,
        pointer=event.pointer,
    )
