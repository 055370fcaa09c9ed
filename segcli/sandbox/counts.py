"""Counts of what the vendors received: numbers only, so memory stays flat over many requests.

Names that a client chooses (vendors, routes, reasons) have separate counts up to a limit, and one
common count beyond it.
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
    """The counts of one vendor.

    requests: all requests.
    accepted: events.
    refused: requests that were wrong, and wrong events of requests of which others were taken.
    throttled: requests above the rate.
    by_route: accepted events by route.
    faults: requests or events by the fault that was played.
    problems: what was refused, by problem.
    """

    requests: int = 0
    accepted: int = 0
    refused: int = 0
    throttled: int = 0
    by_route: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)

    def accept(self, route: str, events: int) -> None:
        """Count the accepted events of a request."""
        self.accepted += events
        if events:
            _add(self.by_route, route, events)

    def refuse(self, problem: str) -> None:
        """Count a wrong request or event and its problem, without the index in a batch."""
        self.refused += 1
        _add(self.problems, _INDEX.sub("[]", problem))

    def play(self, fault: str) -> None:
        """Count a fault of the script."""
        _add(self.faults, fault)


@dataclass(slots=True)
class Counts:
    """The counts of all vendors, by name."""

    tallies: dict[str, VendorCounts] = field(default_factory=dict)

    def of(self, vendor: str) -> VendorCounts:
        """Return the counts of a vendor; beyond the limit, the common counts."""
        known = self.tallies.get(vendor)
        if known is not None:
            return known
        return self.tallies.setdefault(_name(self.tallies, vendor), VendorCounts())

    def report(self) -> dict[str, Any]:
        """Return a copy of all numbers as JSON; safe to call from another thread."""
        # list() and copy() of a dict are atomic, so no lock is needed.
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
