"""The index of one or more plans: finds what they expect of an event, by its type and name.

Several plans count as one: a field is planned if one of them plans it, and all rules for an event
apply.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from segcli.plan.plan import Check, CompiledRule, Plan
from segcli.plan.planned import NodeBuilder, PlannedNode, SchemaSpot, field_of
from segcli.plan.rule import PART_OF, label_of

# Segment omits unplanned fields of these calls; pages have fields of their own.
_CLOSED = frozenset({"track", "identify", "group"})


class PlanCheck(NamedTuple):
    """A compiled schema.

    check: the schema.
    part: the field of the event that it describes; empty for the whole event.
    plan: the file of its plan, if the event has rules in several plans; else empty.
    """

    check: Check
    part: str
    plan: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expectation:
    """What plans expect of the events of one name, in one version.

    number: its number in the index; -1 if no rule is for these events.
    part: the field of the event that the rules describe; empty if any field is allowed.
    label: the events, as findings name them.
    checks: the schemas that apply.
    node: the planned content of that field.
    nodes: that node, and all below it.
    """

    number: int
    type: str
    name: str
    version: int
    part: str
    label: str
    checks: Sequence[PlanCheck]
    node: PlannedNode | None
    nodes: Sequence[PlannedNode]


# By version. None stands for an event that names none of them, and has the oldest one.
Versions = Mapping[int | None, Expectation]


class PlanIndex:
    """What plans expect of all events. It is never changed.

    expectations: those of events with a rule, in the order of the plans.
    planned: the same by call type and name, and then by version.
    common: those of all other events, by call type.
    nodes: how many nodes there are.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.expectations: list[Expectation] = []
        self.planned: dict[tuple[str, str], Versions] = {}
        self.nodes = 0
        self._common = [rule for plan in plans for rule in plan.rules if not rule.rule.type]
        self.common = {call: self._without_rule(call) for call in (*PART_OF, "alias")}
        for (call, name), files in _by_name(plans).items():
            self.planned[call, name] = self._versions(call, name, files)
        self._by_plain_name = {_plain(name): name for call, name in self.planned if call == "track"}

    def nearest(self, name: str) -> str | None:
        """Return the planned name of a track that differs in case, blanks or punctuation only."""
        plain = _plain(name)
        return self._by_plain_name.get(plain) if plain else None

    def _versions(
        self, call: str, name: str, files: Sequence[Mapping[int, CompiledRule]]
    ) -> Versions:
        numbers = sorted({version for rules in files for version in rules})
        found: dict[int | None, Expectation] = {}
        for version in numbers:
            rules = [one.get(version) or one[min(one)] for one in files]
            suffix = f" (version {version})" if len(numbers) > 1 else ""
            label = f"{label_of(call, name)}{suffix}"
            found[version] = self._expectation(call, name, version, label, rules)
        found[None] = found[numbers[0]]
        return found

    def _expectation(
        self, call: str, name: str, version: int, label: str, rules: Sequence[CompiledRule]
    ) -> Expectation:
        part = PART_OF[call]
        builder = NodeBuilder(self.nodes)
        spots = [spot for one in self._common for spot in _spots(one, part, is_common=True)]
        spots += [spot for one in rules for spot in _spots(one, part, is_common=False)]
        node = builder.build(spots or [SchemaSpot({}, {}, is_common=False)], part, is_top=True)
        if node and call not in _CLOSED:
            node.is_open = True
        self.nodes += len(builder.nodes)
        expectation = Expectation(
            number=len(self.expectations),
            type=call,
            name=name,
            version=version,
            part=part,
            label=label,
            checks=_checks([*self._common, *rules]),
            node=node,
            nodes=builder.nodes,
        )
        self.expectations.append(expectation)
        return expectation

    def _without_rule(self, call: str) -> Expectation:
        return Expectation(
            number=-1,
            type=call,
            name="",
            version=1,
            part=PART_OF.get(call, ""),
            label=call,
            checks=_checks(self._common),
            node=None,
            nodes=(),
        )


def _by_name(
    plans: Sequence[Plan],
) -> dict[tuple[str, str], list[dict[int, CompiledRule]]]:
    """Return the rules for each event: of each plan that has it, by version."""
    found: dict[tuple[str, str], list[dict[int, CompiledRule]]] = {}
    for plan in plans:
        own: dict[tuple[str, str], dict[int, CompiledRule]] = {}
        for one in plan.rules:
            if one.rule.type:
                own.setdefault((one.rule.type, one.rule.name), {})[one.rule.version] = one
        for key, versions in own.items():
            found.setdefault(key, []).append(versions)
    return found


def _spots(compiled: CompiledRule, part: str, *, is_common: bool) -> list[SchemaSpot]:
    """Return the schemas of a rule that describe the field `part`."""
    schema = compiled.rule.schema
    whole = SchemaSpot(schema, schema, is_common)
    return [whole] if compiled.rule.part else field_of([whole], part)


def _checks(rules: Sequence[CompiledRule]) -> list[PlanCheck]:
    # Plans may contradict each other; then a violation must say which one it is of.
    are_several = len({one.plan for one in rules}) > 1
    return [
        PlanCheck(one.check, one.rule.part, one.plan if are_several else "")
        for one in rules
        if one.check
    ]


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
