"""Compares events with plans: differences of Segment's three kinds, and unknown versions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from segcli.plan.index import Expectation, PlanIndex, Versions
from segcli.plan.planned import PlannedNode
from segcli.plan.rule import LONGEST_FIELD, cut, label_of
from segcli.plan.words import Violation, field_path, problem_of

PlanState = Literal["unplanned-event", "unplanned-property", "plan-violation", "other-version"]
# Each holds the paths of an event; an input with a new shape in every line must not fill memory.
_SHAPES_KEPT = 20_000


class Difference(NamedTuple):
    """A difference from the plan.

    state: its kind.
    field: the dotted path of the field.
    problem: what is wrong, as the end of a sentence.
    """

    state: PlanState
    field: str
    problem: str


@dataclass(slots=True)
class PlanSeen:
    """Which planned events and fields were seen in some events.

    checked: how many events were compared with them.
    events: how many were seen of each expectation, by its number.
    fields: planned fields that an event has, each as the number of its node and its name; those
        that the same judge has seen before are not in it again.
    """

    checked: int = 0
    events: Counter[int] = field(default_factory=Counter)
    fields: set[tuple[int, str]] = field(default_factory=set)


class Judge:
    """Compares events with plans; each process has its own judge.

    Its memory grows with the plans, not with the events.
    """

    def __init__(self, index: PlanIndex) -> None:
        self._index = index
        self._unseen: list[set[str]] = [set() for _ in range(index.nodes)]
        for expectation in index.expectations:
            for node in expectation.nodes:
                self._unseen[node.number] = set(node.own)
        self._unplanned: dict[tuple[int, int], Sequence[str]] = {}

    def compare(
        self, event: Mapping[str, Any], seen: PlanSeen, shape: int | None = None
    ) -> Sequence[Difference]:
        """Return the differences, each once, and add to what was seen.

        `event` is the JSON of an event that conforms to Segment's spec. Events with the same
        `shape` have the same fields, which are compared once: that halves the time.
        """
        seen.checked += 1
        expected = self._expected(event)
        found: list[Difference] = []
        if expected.number >= 0:
            seen.events[expected.number] += 1
            found += self._other_version(event, expected)
        elif expected.type == "track":
            found.append(self._unplanned_event(event["event"]))
        for check, part, plan in expected.checks:
            value = _with_part(event, expected.part, part)
            if not check.is_valid(value):
                violations = check.violations(value)
                # The validator yields them in any order.
                differing = (_difference(one, part, plan, expected) for one in violations)
                found += sorted(differing)
        if expected.node and (value := event.get(expected.part)):
            paths = self._unplanned_paths(expected, value, seen, shape)
            found += (_unplanned_field(path, expected) for path in paths)
        return list(dict.fromkeys(found)) if found else found

    def _unplanned_paths(
        self, expected: Expectation, value: Any, seen: PlanSeen, shape: int | None
    ) -> Sequence[str]:
        key = None if shape is None else (shape, expected.number)
        if key and key in self._unplanned:
            return self._unplanned[key]
        paths: list[str] = []
        if expected.node:
            self._walk(expected.node, value, expected.part, paths, seen)
        if key and not paths and len(self._unplanned) < _SHAPES_KEPT:
            self._unplanned[key] = paths
        return paths

    def _expected(self, event: Mapping[str, Any]) -> Expectation:
        """Return the expectation for an event; of several versions, the one that it names."""
        versions = self._versions(event)
        if versions is None:
            return self._index.common[event["type"]]
        if len(versions) == 2:
            # One version, and the oldest.
            return versions[None]
        return versions.get(_version(event)) or versions[None]

    def _versions(self, event: Mapping[str, Any]) -> Versions | None:
        """Return what is planned for an event, by version; None if nothing is."""
        call = event["type"]
        planned = self._index.planned
        if call == "track":
            return planned.get((call, event["event"]))
        name = event.get("name")
        versions = planned.get((call, name)) if isinstance(name, str) and name else None
        return versions or planned.get((call, ""))

    def _other_version(
        self, event: Mapping[str, Any], expected: Expectation
    ) -> Iterator[Difference]:
        """Yield a difference if a planned event names a version that its plan does not have."""
        if _written_version(event) is None:
            return
        version = _version(event)
        if version is None:
            problem = "is not a whole number"
        elif version not in (self._versions(event) or ()):
            problem = "is not in the plan"
        else:
            return
        label = label_of(expected.type, expected.name)
        problem += f" for {label}; it is compared with version {expected.version}"
        yield Difference("other-version", "context.protocols.event_version", problem)

    def _walk(
        self, node: PlannedNode, value: Any, path: str, paths: list[str], seen: PlanSeen
    ) -> None:
        """Add the paths of fields that are not planned, and note those that are."""
        if isinstance(value, dict):
            self._note(node, value, seen)
            if not (node.is_open or value.keys() <= node.names):
                paths += (f"{path}.{name}" for name in value if name not in node.names)
            for name, inner in node.inner.items():
                if name in value:
                    self._walk(inner, value[name], f"{path}.{name}", paths, seen)
        elif isinstance(value, list) and node.element:
            for element in value:
                self._walk(node.element, element, f"{path}[]", paths, seen)

    def _note(self, node: PlannedNode, value: Mapping[str, Any], seen: PlanSeen) -> None:
        """Note the planned fields of an object that were in no object before it."""
        unseen = self._unseen[node.number]
        if unseen and not unseen.isdisjoint(value):
            new = unseen.intersection(value)
            unseen -= new
            seen.fields.update((node.number, name) for name in new)

    def _unplanned_event(self, name: str) -> Difference:
        near = self._index.nearest(name)
        hint = f'; did you mean "{cut(near)}"?' if near else ""
        return Difference("unplanned-event", "event", f'"{cut(name)}" is not in the plan{hint}')


def _version(event: Mapping[str, Any]) -> int | None:
    """Return `context.protocols.event_version`; None if it is not a whole number.

    As in JSON Schema, 2.0 is a whole number too.
    """
    version = _written_version(event)
    if isinstance(version, float) and version.is_integer():
        return int(version)
    return version if type(version) is int else None


def _written_version(event: Mapping[str, Any]) -> Any:
    """Return `context.protocols.event_version`; None if it is missing or null."""
    context = event.get("context")
    protocols = context.get("protocols") if context else None
    return protocols.get("event_version") if isinstance(protocols, dict) else None


def _with_part(event: Mapping[str, Any], own: str, part: str) -> Any:
    """Return the value that a schema describes; a missing planned field is an empty object."""
    if part:
        return event.get(part) or {}
    return event if not own or event.get(own) else {**event, own: {}}


def _difference(violation: Violation, part: str, plan: str, expected: Expectation) -> Difference:
    path = field_path([part, *violation.path] if part else violation.path)
    if violation.keyword == "additionalProperties":
        return _unplanned_field(path, expected)
    problem = problem_of(violation)
    if expected.label:
        problem += f" on {expected.label}"
    if plan:
        problem += f" in {cut(plan)}"
    return Difference("plan-violation", cut(path, LONGEST_FIELD), problem)


def _unplanned_field(path: str, expected: Expectation) -> Difference:
    problem = f"is not in the plan for {expected.label}"
    return Difference("unplanned-property", cut(path, LONGEST_FIELD), problem)


def planned_fields(nodes: Sequence[PlannedNode]) -> Iterator[tuple[int, str, str]]:
    """Yield the fields that these nodes have as their own: number of the node, name, and path."""
    for node in nodes:
        for name in sorted(node.own):
            yield node.number, name, f"{node.path}.{name}"
