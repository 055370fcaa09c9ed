"""Coverage of the plans: which planned events and properties occur in no line."""

from collections.abc import Sequence
from dataclasses import dataclass

from segcli.plan.index import PlanIndex
from segcli.plan.judge import PlanSeen, planned_fields
from segcli.plan.rule import LONGEST_FIELD, cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A planned event or property that was not seen.

    type: the call type.
    name: the name of the event, page or screen; empty if the rule is for all calls of the type.
    version: the version of the rule.
    label: the event as messages show it.
    path: the property or trait; empty if the event itself was not seen.
    """

    type: str
    name: str
    version: int
    label: str
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """How much of the plans the events cover.

    files: the names of the plans.
    checked: how many events were compared with them.
    planned: how many rules for events there are; each version counts.
    unseen: the planned events and properties that no line has, in the order of the plans.
    """

    files: Sequence[str]
    checked: int
    planned: int
    unseen: Sequence[Unseen]


class PlanCoverage:
    """Collects what was seen of the plans; the order of the events does not matter."""

    def __init__(self, index: PlanIndex) -> None:
        self._index = index
        self._seen = PlanSeen()

    def add(self, seen: PlanSeen) -> None:
        """Add what was seen in some events."""
        self._seen.checked += seen.checked
        self._seen.events += seen.events
        self._seen.fields |= seen.fields

    @property
    def checked(self) -> int:
        """How many events were compared with the plans."""
        return self._seen.checked

    def result(self, files: Sequence[str]) -> PlanResult:
        """Return what was seen so far, and what was not."""
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
                cut(path, LONGEST_FIELD)
                for number, name, path in planned_fields(one.nodes)
                if (number, name) not in self._seen.fields
            ]
            paths = fields if self._seen.events[one.number] else [""]
            found += [
                Unseen(
                    type=one.type,
                    name=one.name,
                    version=one.version,
                    label=one.label,
                    path=path,
                )
                for path in paths
            ]
        return found
