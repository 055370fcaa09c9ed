"""Batches: which payloads share a request."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from segcli.core.line import Line
from segcli.core.outcome import Mapped

# What Python needs for the objects of one item, whatever it holds.
_OVERHEAD = 700


class QueuedPayload(msgspec.Struct, frozen=True, gc=False):
    """A payload on its way, with the line it came from.

    `weight` is how many bytes both hold in memory, nearly.
    """

    line: Line
    route: str
    user: str
    body: bytes
    weight: int


def item_of(line: Line, mapped: Mapped) -> QueuedPayload:
    """Return what a line was mapped to, as it waits to be sent, in no more memory than it needs.

    Measured: what orjson writes takes up to 8 kB, however short it is; its copy does not.
    """
    body = mapped.body
    if body is line.text:
        return QueuedPayload(line, mapped.route, mapped.user, body, _OVERHEAD + len(body))
    body = b"".join((body, b""))
    weight = _OVERHEAD + len(body) + (len(line.text) if isinstance(line.text, bytes) else 0)
    return QueuedPayload(line, mapped.route, mapped.user, body, weight)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one request of a route may hold; `bytes` counts payloads and the commas between."""

    events: int
    bytes: int | None = None


class Batch:
    """A batch in the making: payloads of one route, in order, within the bounds.

    It takes any first one, be it larger than the bounds.
    """

    __slots__ = ("_bounds", "_size", "items")

    def __init__(self, bounds: Bounds) -> None:
        self.items: list[QueuedPayload] = []
        self._bounds = bounds
        self._size = -1

    @property
    def is_full(self) -> bool:
        """Tell whether it takes no more, whatever it is."""
        return len(self.items) >= self._bounds.events

    def takes(self, item: QueuedPayload) -> bool:
        """Tell whether the item may be added."""
        if not self.items:
            return True
        size = self._size + len(item.body) + 1
        return (
            not self.is_full
            and item.route == self.items[0].route
            and (self._bounds.bytes is None or size <= self._bounds.bytes)
        )

    def add(self, item: QueuedPayload) -> None:
        """Add an item that it takes."""
        self.items.append(item)
        self._size += len(item.body) + 1


def halves(
    batch: Sequence[QueuedPayload],
) -> tuple[Sequence[QueuedPayload], Sequence[QueuedPayload]]:
    """Split a batch of at least two in two, in order."""
    middle = len(batch) // 2
    return batch[:middle], batch[middle:]
