"""Coverage of the plans: the events and properties that are planned, and no line has."""

from collections.abc import Sequence
from dataclasses import dataclass

from segcli.plan.index import PlanIndex
from segcli.plan.judge import PlanSeen, names_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """What is planned and was not seen.

    type: the call type.
    name: the name of the event, page or screen; empty where the plan has all of the type.
    version: the version of the rule.
    label: all of it, as it is shown.
    path: the property or trait; empty where there was no such event at all.
    """

    type: str
    name: str
    version: int
    label: str
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """What the events showed of the plans.

    files: the names of the plans.
    checked: how many events were compared with them.
    planned: how many rules for events there are, each version counted.
    unseen: what is planned and no line has, in the order of the plans.
    """

    files: Sequence[str]
    checked: int
    planned: int
    unseen: Sequence[Unseen]


class PlanCoverage:
    """Adds up what was seen of plans, in any order."""

    def __init__(self, index: PlanIndex) -> None:
        self._index = index
        self._seen = PlanSeen()

    def add(self, seen: PlanSeen) -> None:
        """Take in what some events showed."""
        self._seen.checked += seen.checked
        self._seen.events += seen.events
        self._seen.fields |= seen.fields

    @property
    def checked(self) -> int:
        """How many events were compared with the plans."""
        return self._seen.checked

    def result(self, files: Sequence[str]) -> PlanResult:
        """Return what was seen and what was not."""
        return PlanResult(
            files=files,
            checked=self.checked,
            planned=len(self._index.expectations),
            unseen=self._unseen(),
        )

    def _unseen(self) -> list[Unseen]:
        found = []
        for one in self._index.expectations:
            fields = [
                path
                for number, name, path in names_of(one.nodes)
                if (number, name) not in self._seen.fields
            ]
            paths = fields if self._seen.events[one.number] else [""]
            found += [
                Unseen(
                    type=one.type, name=one.name, version=one.version, label=one.label, path=path
                )
                for path in paths
            ]
        return found
