"""What a described destination does with an event: which action takes it, and how it is mapped."""

from collections.abc import Iterator, Sequence
from typing import Any

from segcli.core.destination import Field, Payload, Remark
from segcli.core.event import TYPES, Event, Rejected
from segcli.mapping_file.rows import rows_of
from segcli.mapping_file.subscription import Subscription


class Taking:
    """The actions of a destination; of those that take an event the first maps it."""

    def __init__(self, name: str, subscriptions: Sequence[Subscription]) -> None:
        self.name = name
        self.subscriptions = subscriptions

    def skips(self, event: Event, settings: Any) -> str | None:  # noqa: ARG002  # the interface
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
            kinds = "" if one.kinds == TYPES else ", ".join(sorted(one.kinds))
            shares_kind = sum(bool(one.kinds & other.kinds) for other in self.subscriptions) > 1
            for row in rows_of(one.mapping):
                by = f"by {one.name}" if shares_kind else ""
                note = "; ".join(filter(None, (row.note, by)))
                yield Field(row.source, row.target, note, kinds)

    def _others(self, event: Event, place: int) -> list[str]:
        data = event.data
        return [one.name for one in self.subscriptions[place + 1 :] if one.matches(data)]
