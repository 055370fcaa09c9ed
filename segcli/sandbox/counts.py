"""What the stand-ins have seen, in numbers only, so that memory is flat over millions of requests.

Anything that a client names (vendors, routes, reasons) is counted apart up to a limit, and then
together.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_MOST_NAMES = 100
_LONGEST_NAME = 200
_OTHERS = "(others)"
_INDEX = re.compile(r"\[\d+\]")


@dataclass(slots=True)
class VendorCounts:
    """The numbers of one vendor: `accepted` counts events, `refused` and the rest requests."""

    requests: int = 0
    accepted: int = 0
    refused: int = 0
    throttled: int = 0
    by_route: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)

    def accept(self, route: str, events: int) -> None:
        """Count the events that a request brought."""
        self.accepted += events
        if events:
            _add(self.by_route, route, events)

    def refuse(self, problem: str) -> None:
        """Count a request that was wrong, and why, whichever item of a batch it was."""
        self.refused += 1
        _add(self.problems, _INDEX.sub("[]", problem))

    def play(self, fault: str) -> None:
        """Count a fault of the script."""
        _add(self.faults, fault)


@dataclass(slots=True)
class Counts:
    """A tally for each vendor."""

    tallies: dict[str, VendorCounts] = field(default_factory=dict)

    def of(self, vendor: str) -> VendorCounts:
        """Return the vendor's own tally, or the common one of those beyond the limit."""
        known = self.tallies.get(vendor)
        if known is not None:
            return known
        return self.tallies.setdefault(_name(self.tallies, vendor), VendorCounts())

    def report(self) -> dict[str, Any]:
        """Return all numbers as JSON, a copy; safe to call from another thread."""
        # list() and copy() of a dict are single steps: no lock is needed.
        reports = {name: _report(tally) for name, tally in list(self.tallies.items())}
        return {"vendors": reports, "totals": _totals(reports.values())}


def _add(numbers: dict[str, int], name: str, more: int = 1) -> None:
    if name not in numbers:
        name = _name(numbers, name)
    numbers[name] = numbers.get(name, 0) + more


def _name(known: dict[str, Any], name: str) -> str:
    return name[:_LONGEST_NAME] if len(known) < _MOST_NAMES else _OTHERS


def _report(tally: VendorCounts) -> dict[str, Any]:
    return {
        "requests": tally.requests,
        "accepted": tally.accepted,
        "refused": tally.refused,
        "throttled": tally.throttled,
        "by_route": tally.by_route.copy(),
        "faults": tally.faults.copy(),
        "problems": tally.problems.copy(),
    }


def _totals(reports: Iterable[dict[str, Any]]) -> dict[str, Any]:
    totals: dict[str, Any] = {"requests": 0, "accepted": 0, "refused": 0, "throttled": 0}
    faults: dict[str, int] = {}
    for report in reports:
        for name in totals:
            totals[name] += report[name]
        for fault, count in report["faults"].items():
            faults[fault] = faults.get(fault, 0) + count
    return {**totals, "faults": faults}
