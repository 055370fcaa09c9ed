"""The first events that a sandbox accepted, as they came, in little memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from segcli.sandbox.vendors.vendor import ReceivedItem

_MOST_EVENTS = 100
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class AcceptedEvent:
    """An event with the request that brought it.

    method: the HTTP method.
    route: the path after the endpoint.
    raw: the bytes of the event; of a batch, only those of this event.
    """

    method: str
    route: str
    raw: bytes


class Excerpt:
    """The first accepted events: at most 100, and none after the first megabyte.

    events: in the order in which they were accepted.
    """

    __slots__ = ("_size", "events")

    def __init__(self) -> None:
        self.events: list[AcceptedEvent] = []
        self._size = 0

    def add(self, method: str, route: str, items: Sequence[ReceivedItem]) -> None:
        """Add the events of a request, as long as there is room."""
        for item in items:
            if len(self.events) >= _MOST_EVENTS or self._size > _MOST_BYTES:
                return
            self._size += len(item.raw)
            self.events.append(AcceptedEvent(method, route, item.raw))
