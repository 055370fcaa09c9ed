"""The list `actions`: which events each action takes, and how it maps them."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from segcli.core.destination import Field, Payload, Remark, Unmapped
from segcli.core.event import TYPES, Event, Rejected
from segcli.destination_file.field_table import rows_of
from segcli.destination_file.outgoing import Outgoing
from segcli.destination_file.payload_fields import (
    read_fields,
    type_note,
    types_of_fields,
    unknown_fields,
)
from segcli.destination_file.payload_mapping import FileParts, read_mapping
from segcli.destination_file.payload_settings import (
    Run,
    compiled_with_settings,
    fits,
    samples_of,
    with_settings,
)
from segcli.destination_file.problems import KeyPath, Mistakes, indented
from segcli.field_types import compiled_with_fields
from segcli.fql import Ast, Compare, FqlError, Predicate, QueryGroup, matcher, parse_query
from segcli.fql.ast import FieldName, QueryNode
from segcli.mapping import compiled


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """An action with its query and mapping compiled.

    name: its name in messages.
    query: the query as text, on one line.
    matches: returns whether an event matches the query.
    types: the call types that the query can match.
    mapping: the mapping as JSON.
    run: the compiled mapping, and what the types of the fields make of its result.
    run_with: the same for the settings of a run, if payloads hold settings; then `run` is unused.
    required: dotted paths that every payload must have.
    route: the route that payloads are posted to.
    fields: the types of the payload's fields as they are written, if there are any.
    in_batch: its payloads share requests.
    unknown_fields: fields of the mapping that are no fields of the action, and are left out.
    settings: the settings that its payloads hold.
    outgoing: what its payloads give to their requests, if that is more than the body.
    """

    name: str
    query: str
    matches: Predicate
    types: frozenset[str]
    mapping: Any
    run: Run
    required: Sequence[str]
    route: str
    fields: Mapping[str, Any] | None = None
    in_batch: bool = False
    unknown_fields: Sequence[str] = ()
    settings: frozenset[str] = frozenset()
    run_with: Callable[[Any], Run] | None = None
    outgoing: Outgoing | None = None

    def paths_of(self, settings: Set[str]) -> Iterator[str]:
        """Yield the paths in payloads that hold one of these settings."""
        yield from (row.target for row in rows_of(self.mapping) if row.setting in settings)

    def omits(self, target: str) -> bool:
        """Return whether a path of the payload is left out of the body."""
        omitted = self.outgoing.omitted if self.outgoing else ()
        return any(target == path or target.startswith(f"{path}.") for path in omitted)

    def mapped(self, event: Event, settings: Any) -> dict[str, Any]:
        """Return what the mapping and the fields make of an event; raises Rejected."""
        data = event.data
        if "writeKey" in data:
            # The key of another source is nothing for a vendor.
            data = {name: value for name, value in data.items() if name != "writeKey"}
        run = self.run if self.run_with is None else self.run_with(settings)
        found = run(data)
        if not isinstance(found, dict):
            raise Rejected("", f"the mapping of {self.name} does not return an object")
        for path in self.required:
            if _at(found, path) in (None, ""):
                raise Rejected(path, f"is required, but the mapping of {self.name} does not set it")
        return found


def read_subscription(
    table: Mapping[str, Any], place: int, parts: FileParts, *, in_batch: bool = False
) -> Subscription | None:
    """Read an action; None if it has mistakes, which are noted.

    in_batch: its payloads share requests.
    """
    path: KeyPath = ("actions", place)
    mistakes = parts.mistakes
    query = _query(table.get("subscribe"), (*path, "subscribe"), mistakes)
    fields = read_fields(table, path, parts.load, mistakes)
    found = read_mapping(table, fields, path, parts)
    if query is None or found is None or mistakes.are_below(path):
        return None
    types = types_of_fields(fields)

    def compile_it(mapping: Any, stand_ins: frozenset[str] = frozenset()) -> Run:
        if types is None:
            return compiled(mapping)
        return compiled_with_fields(mapping, types, in_batch=in_batch, stand_ins=stand_ins)

    return Subscription(
        name=table.get("name", f"actions[{place}]"),
        query=" ".join(table["subscribe"].split()),
        matches=matcher(table["subscribe"], strict=True),
        types=types_of(query),
        mapping=found.mapping,
        run=compile_it(with_settings(found.mapping, samples_of(parts.declared))),
        required=tuple(table.get("required", ())),
        route=table.get("route", "/"),
        fields=fields,
        in_batch=in_batch,
        unknown_fields=unknown_fields(types, found.mapping) if types else (),
        settings=found.settings,
        run_with=compiled_with_settings(found.mapping, parts.required, compile_it)
        if found.settings
        else None,
    )


def check_names(tables: Sequence[Mapping[str, Any]], mistakes: Mistakes) -> None:
    """Note the names that two actions have: a journal and rejects name an action."""
    known: dict[str, int] = {}
    for place, table in enumerate(tables):
        name = table.get("name", f"actions[{place}]")
        if name in known:
            first = f"actions[{known[name]}]"
            mistakes.add(("actions", place, "name"), f"{first} has this name too: choose another")
        known.setdefault(name, place)


def _query(text: str | None, path: KeyPath, mistakes: Mistakes) -> Ast | None:
    if text is None:
        return None
    try:
        query = parse_query(text, strict=True)
    except FqlError as error:
        mistakes.add(path, indented(str(error)))
        return None
    if not types_of(query):
        mistakes.add(
            path, "matches no event: a type is alias, group, identify, page, screen or track"
        )
        return None
    return query


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


class ActionSet:
    """The actions of a destination, in order.

    An event goes to each action that takes it; without fan-out, to the first one only.
    """

    def __init__(
        self, name: str, subscriptions: Sequence[Subscription], *, fans_out: bool = True
    ) -> None:
        self.name = name
        self.subscriptions = subscriptions
        self._fans_out = fans_out
        self._placed = [(f"actions[{at}]", one) for at, one in enumerate(subscriptions)]
        # The settings that were found to fit last: a page makes a job for every question.
        self._fitting: Any = None

    def skip_reason(self, event: Event, settings: Any) -> str | None:  # noqa: ARG002  # the interface
        """Return a reason to skip the event if no action takes it; otherwise None."""
        return None if self._takers(event) else f"no action of {self.name} takes it"

    def payloads(self, event: Event, settings: Any) -> Sequence[Payload | Unmapped]:
        """Map an event by every action that takes it."""
        data, only = event.data, event.actions
        found: list[Payload | Unmapped] = []
        for place, one in self._placed:
            if one.matches(data) and (only is None or one.name in only):
                found.append(self._mapped(place, one, event, settings))
                if not self._fans_out:
                    break
        return found

    def payload(self, event: Event, settings: Any) -> Payload:
        """Map an event by the first action that takes it; raises Rejected."""
        found = self.payloads(event, settings)
        if not found:
            raise Rejected("", f"no action of {self.name} takes it", "SEG303")
        if isinstance(found[0], Unmapped):
            raise found[0].rejected
        return found[0]

    def remarks(self, event: Event, settings: Any) -> Iterator[Remark]:  # noqa: ARG002
        """Yield what the actions that take an event leave out, and which ones do not get it."""
        takers = self._takers(event)
        for one in takers if self._fans_out else takers[:1]:
            for name in one.unknown_fields:
                problem = f"{one.name} maps {name}, which is no field of it: it is left out"
                yield Remark("", problem)
        for other in takers[1:] if not self._fans_out else ():
            problem = f"is taken by {takers[0].name}, so not by {other.name}, which comes later"
            yield Remark("", problem, "SEG313")

    def settings_problem(self, settings: Any) -> str:
        """Return which mapping does not take the values of its settings; "" if each does."""
        if self._fitting is not None and settings == self._fitting:
            return ""
        for one in self.subscriptions:
            if one.settings and not fits(one.mapping, settings):
                names = ", ".join(sorted(one.settings))
                return f"the mapping of {one.name} does not take these values: {names}"
        self._fitting = settings
        return ""

    def fields(self) -> Iterator[Field]:
        """Yield the field table of all actions, each row with its call types."""
        for one in self.subscriptions:
            types = "" if one.types == TYPES else ", ".join(sorted(one.types))
            shares_kind = sum(bool(one.types & other.types) for other in self.subscriptions) > 1
            shape = types_of_fields(one.fields)
            for row in rows_of(one.mapping):
                by = f"by {one.name}" if shares_kind else ""
                shaped = type_note(shape, row.target) if shape else ""
                left = "not in the body" if one.omits(row.target) else ""
                note = "; ".join(filter(None, (row.note, shaped, left, by)))
                yield Field(row.source, row.target, note, types)

    def _mapped(
        self, place: str, one: Subscription, event: Event, settings: Any
    ) -> Payload | Unmapped:
        try:
            body, values = one.mapped(event, settings), ""
            if one.outgoing is not None:
                values = one.outgoing.values(body, settings)
                body = one.outgoing.body(body, settings)
        except Rejected as rejected:
            return Unmapped(one.name, one.route, rejected)
        return Payload(one.route, body, self._notes(one, event), place, one.name, values)

    def _notes(self, one: Subscription, event: Event) -> tuple[str, ...]:
        """Return which other actions do not get an event, because this one does."""
        if self._fans_out:
            return ()
        others = (other.name for other in self._takers(event) if other is not one)
        return tuple(f"taken by {one.name}, not by {other}" for other in others)

    def _takers(self, event: Event) -> list[Subscription]:
        data, only = event.data, event.actions
        taking = (one for one in self.subscriptions if one.matches(data))
        return [one for one in taking if only is None or one.name in only]


_TYPE = FieldName("type")


def types_of(query: Ast) -> frozenset[str]:
    """Return the call types that a query can match; events of other types never match it."""
    return frozenset(kind for kind in TYPES if _may_be(query, kind))


def _may_be(node: QueryNode, kind: str) -> bool:
    match node:
        case QueryGroup("and", children):
            return all(_may_be(child, kind) for child in children)
        case QueryGroup("or", children):
            return any(_may_be(child, kind) for child in children)
        case Compare(field, "=", value) if field == _TYPE:
            return value == kind
        case Compare(field, "!=", value) if field == _TYPE:
            return value != kind
    return True
