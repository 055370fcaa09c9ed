"""What `check --plan` does with lines: it compares their events with tracking plans."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from segcli.core.event import Event, Rejected
from segcli.core.exact_json import with_plain_floats
from segcli.core.line import TooLong
from segcli.core.outcome import event_of
from segcli.core.selection import Selection, reason_to_skip
from segcli.plan.judge import Judge
from segcli.review.codes import CODE_OF_STATE
from segcli.review.notes import Key, Notebook, key_of
from segcli.review.partial_review import PartialReview, Rejections


class PlanWatch:
    """Compares the selected events with plans.

    judge: finds the differences.
    selection: which events to compare.
    notebook: notes the differences.
    """

    def __init__(self, judge: Judge, selection: Selection, notebook: Notebook) -> None:
        self._judge = judge
        self._notebook = notebook
        # An event that is not for a destination is tracked all the same.
        self._selection = replace(selection, ignore_integrations=True)

    def differences(
        self, event: dict[str, Any], seen: PartialReview, shape: int | None = None
    ) -> Sequence[Key]:
        """Return the keys of an event's differences; `shape` is that of `Judge.compare`.

        The event has no `WrittenFloat`.
        """
        return [
            key_of(CODE_OF_STATE[one.state], one.field, one.problem)
            for one in self._judge.compare(event, seen.plan, shape)
        ]

    def add(self, event: dict[str, Any], seen: PartialReview) -> None:
        """Note the differences of the next line's event."""
        for key in self.differences(with_plain_floats(event), seen):
            self._notebook.note(key, seen.lines, seen.notes)

    def add_unmapped(self, line: bytes | TooLong, seen: PartialReview) -> None:
        """Compare the event of the next line, if it has one: it became no payload."""
        event = event_of(line)
        if isinstance(event, Event) and self.selects(event):
            self.add(event.data, seen)

    def selects(self, event: Event) -> bool:
        """Return whether the options select an event."""
        return not self._selection.narrows or not reason_to_skip(event, self._selection, "")


@dataclass(slots=True)
class PlanReviewer:
    """Reviews the lines of a run that has plans and no destination, in input order.

    watch: compares events with the plans.
    rejections: adds the lines that are rejected.
    limit: how many more events to compare; None for no limit.
    """

    watch: PlanWatch
    rejections: Rejections
    limit: int | None

    def look(self, lines: Sequence[bytes | TooLong], seen: PartialReview) -> None:
        """Review the next lines, and add the result to `seen`."""
        for line in lines:
            event = event_of(line)
            if isinstance(event, Rejected):
                self.rejections.note(line, event, seen)
            elif isinstance(event, Event) and self._takes(event):
                self.watch.add(event.data, seen)
            else:
                seen.skipped += 1
            seen.lines += 1

    def _takes(self, event: Event) -> bool:
        if self.limit == 0 or not self.watch.selects(event):
            return False
        if self.limit is not None:
            self.limit -= 1
        return True
