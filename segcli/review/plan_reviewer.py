"""What `check --plan` sees of lines: how their events differ from tracking plans."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from segcli.core.event import Event, Rejected
from segcli.core.line import TooLong
from segcli.core.outcome import event_of
from segcli.core.selection import Selection, reason_to_skip
from segcli.plan.judge import Judge
from segcli.review.partial_review import PartialReview, Rejections


class PlanWatch:
    """Holds the selected events against plans; of what differs the first `most` will be shown."""

    def __init__(self, judge: Judge, selection: Selection, *, most: int) -> None:
        self._judge = judge
        self._left = most
        # What a destination is not meant to get is tracked all the same.
        self._selection = replace(selection, ignore_integrations=True)

    def see(self, event: dict[str, Any], seen: PartialReview, shape: int | None = None) -> None:
        """Add how the event of the next line differs; `shape` is as `Judge.hold` has it."""
        found = self._judge.hold(event, seen.plan, shape)
        if not found:
            return
        seen.differing += len(found)
        if self._left > 0:
            self._left -= len(found)
            seen.differences += [(seen.lines, difference) for difference in found]

    def see_unmapped(self, line: bytes | TooLong, seen: PartialReview) -> None:
        """Look at the next line, which has no payload: it may hold an event all the same."""
        event = event_of(line)
        if isinstance(event, Event) and self.selects(event):
            self.see(event.data, seen)

    def selects(self, event: Event) -> bool:
        """Return whether an event is not left out by an option."""
        return not self._selection.narrows or not reason_to_skip(event, self._selection, "")


@dataclass(slots=True)
class PlanReviewer:
    """Sees the lines of a run that has plans and no destination, in input order.

    watch: holds events against the plans.
    rejections: notes the lines that hold no event.
    limit: after so many events all others are skipped; None for no limit.
    """

    watch: PlanWatch
    rejections: Rejections
    limit: int | None

    def look(self, lines: Sequence[bytes | TooLong], seen: PartialReview) -> None:
        """Add to what was seen what there is to see of the next lines."""
        for line in lines:
            event = event_of(line)
            if isinstance(event, Rejected):
                self.rejections.note(line, event, seen)
            elif isinstance(event, Event) and self._takes(event):
                self.watch.see(event.data, seen)
            else:
                seen.skipped += 1
            seen.lines += 1

    def _takes(self, event: Event) -> bool:
        if self.limit == 0 or not self.watch.selects(event):
            return False
        if self.limit is not None:
            self.limit -= 1
        return True
