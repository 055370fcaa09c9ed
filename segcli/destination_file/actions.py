"""One of a file's `actions`: which events it takes, and what they become."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segcli.core.destination import Field, Payload, Remark
from segcli.core.event import TYPES, Event, Rejected
from segcli.destination_file.field_table import rows_of
from segcli.destination_file.parse import json_value
from segcli.destination_file.problems import Mistakes, Path, indented
from segcli.fql import Ast, Compare, FqlError, Group, Predicate, matcher, parse_query
from segcli.fql.ast import FieldName, QueryNode
from segcli.mapping import compiled, lint, problems

Load = Callable[[str], str]

# With two braces it is a path of the event.
_SETTING = re.compile(r"(?<!\{)\{\s*settings\.[^{}]*\}(?!\})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """An action with its query and its mapping, ready to be asked for every event."""

    name: str
    query: str
    matches: Predicate
    types: frozenset[str]
    mapping: Any
    run: Callable[[Any], Any]
    required: Sequence[str]
    route: str

    def body(self, event: Event) -> dict[str, Any]:
        """Return what an event becomes; raises Rejected."""
        found = self.run(event.data)
        if not isinstance(found, dict):
            raise Rejected("", f"the mapping of {self.name} gives no object")
        for path in self.required:
            if _at(found, path) in (None, ""):
                raise Rejected(path, f"is required, and the mapping of {self.name} gives none")
        return found


def read_subscription(
    table: Mapping[str, Any], place: int, load: Load, mistakes: Mistakes
) -> Subscription | None:
    """Read an action, None where it is wrong, which is noted; `load` reads a file beside it."""
    path: Path = ("actions", place)
    query = _query(table.get("subscribe"), (*path, "subscribe"), mistakes)
    found, mapping = _mapping(table, path, load, mistakes)
    if query is None or not found:
        return None
    return Subscription(
        name=table.get("name", f"actions[{place}]"),
        query=" ".join(table["subscribe"].split()),
        matches=matcher(table["subscribe"], strict=True),
        types=kinds_of(query),
        mapping=mapping,
        run=compiled(mapping),
        required=tuple(table.get("required", ())),
        route=table.get("route", "/"),
    )


def _query(text: str | None, path: Path, mistakes: Mistakes) -> Ast | None:
    if text is None:
        return None
    try:
        query = parse_query(text, strict=True)
    except FqlError as error:
        mistakes.add(path, indented(str(error)))
        return None
    if not kinds_of(query):
        mistakes.add(
            path, "takes no event: a type is alias, group, identify, page, screen or track"
        )
        return None
    return query


def _mapping(
    table: Mapping[str, Any], path: Path, load: Load, mistakes: Mistakes
) -> tuple[bool, Any]:
    """Return whether there is a mapping that can be used, and the mapping."""
    if ("mapping" in table) == ("mapping_file" in table):
        if "mapping" in table or not mistakes.are_below(path):
            mistakes.add(path, "must have a mapping, or a mapping_file, one of them")
        return False, None
    key = "mapping" if "mapping" in table else "mapping_file"
    try:
        mapping = _value(table[key], load if key == "mapping_file" else None)
    except ValueError as problem:
        line, column = getattr(problem, "line", 0), getattr(problem, "column", 0)
        place = f" in its line {line}, column {column}" if line else ""
        mistakes.add((*path, key), f"{problem}{place}")
        return False, None
    if not isinstance(mapping, dict):
        mistakes.add((*path, key), "must be an object: what an event becomes")
        return False, None
    # What mapping-kit passes over silently nobody writes on purpose.
    found = problems(mapping) or lint(mapping)
    for one in found:
        mistakes.add((*path, key, *filter(None, one.path.split("/"))), one.message)
    unfilled = [*_unfilled(mapping, (*path, key))]
    for where in unfilled:
        mistakes.add(where, "names a setting, which nothing fills in within a mapping")
    return not (found or unfilled), mapping


def _unfilled(value: Any, path: Path) -> Iterator[Path]:
    """Yield the paths of texts that would go out with the name of a setting in them."""
    if isinstance(value, str) and _SETTING.search(value):
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _unfilled(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _unfilled(inner, (*path, at))


def _value(given: Any, load: Load | None) -> Any:
    if isinstance(given, str):
        return json_value(load(given) if load else given)
    return given


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


class ActionSet:
    """The actions of a destination; of those that take an event the first maps it."""

    def __init__(self, name: str, subscriptions: Sequence[Subscription]) -> None:
        self.name = name
        self.subscriptions = subscriptions

    def skip_reason(self, event: Event, settings: Any) -> str | None:  # noqa: ARG002  # the interface
        """Say that no action takes an event."""
        data = event.data
        for one in self.subscriptions:
            if one.matches(data):
                return None
        return f"no action of {self.name} takes it"

    def payload(self, event: Event, settings: Any) -> Payload:  # noqa: ARG002  # the interface
        """Map an event by the first action that takes it; note which others would."""
        for place, one in enumerate(self.subscriptions):
            if one.matches(event.data):
                others = self._others(event, place)
                notes = tuple(f"taken by {one.name}, not by {other}" for other in others)
                return Payload(one.route, one.body(event), notes, f"actions[{place}]")
        raise Rejected("", f"no action of {self.name} takes it")

    def remarks(self, event: Event, settings: Any) -> Iterator[Remark]:  # noqa: ARG002
        """Say of an event that several actions would take it."""
        for place, one in enumerate(self.subscriptions):
            if one.matches(event.data):
                for other in self._others(event, place):
                    yield Remark(
                        "", f"is taken by {one.name}, so not by {other}, which comes later"
                    )
                return

    def fields(self) -> Iterator[Field]:
        """Yield the rows of all actions, each with the call types that it is about."""
        for one in self.subscriptions:
            types = "" if one.types == TYPES else ", ".join(sorted(one.types))
            shares_kind = sum(bool(one.types & other.types) for other in self.subscriptions) > 1
            for row in rows_of(one.mapping):
                by = f"by {one.name}" if shares_kind else ""
                note = "; ".join(filter(None, (row.note, by)))
                yield Field(row.source, row.target, note, types)

    def _others(self, event: Event, place: int) -> list[str]:
        data = event.data
        return [one.name for one in self.subscriptions[place + 1 :] if one.matches(data)]


_TYPE = FieldName("type")


def kinds_of(query: Ast) -> frozenset[str]:
    """Return the call types of which an event may be what a query says; no other ever is."""
    return frozenset(kind for kind in TYPES if _may_be(query, kind))


def _may_be(node: QueryNode, kind: str) -> bool:
    match node:
        case Group("and", children):
            return all(_may_be(child, kind) for child in children)
        case Group("or", children):
            return any(_may_be(child, kind) for child in children)
        case Compare(field, "=", value) if field == _TYPE:
            return value == kind
        case Compare(field, "!=", value) if field == _TYPE:
            return value != kind
    return True
