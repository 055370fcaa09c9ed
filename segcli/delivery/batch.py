"""Batches: which payloads share a request."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from segcli.delivery.settled import Line
from segcli.outcome import Mapped


@dataclass(frozen=True, slots=True)
class Item:
    """A payload on its way, with the line it came from."""

    line: Line
    mapped: Mapped

    @property
    def weight(self) -> int:
        """The bytes it holds in memory, nearly."""
        text = self.line.text
        return len(self.mapped.body) + (len(text) if isinstance(text, bytes) else 0)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one request of a route may hold; `bytes` counts payloads and the commas between."""

    events: int
    bytes: int | None = None


def take(queue: deque[Item], bounds: Bounds) -> list[Item]:
    """Take the next batch from a queue that is not empty: a run of one route within the bounds.

    Order is kept, so a user's events never overtake one another. At least one item is taken.
    """
    batch = [queue.popleft()]
    size = len(batch[0].mapped.body)
    while queue and len(batch) < bounds.events:
        body = queue[0].mapped.body
        size += len(body) + 1
        if queue[0].mapped.route != batch[0].mapped.route or size > (bounds.bytes or size):
            break
        batch.append(queue.popleft())
    return batch


def halves(batch: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """Split a batch of at least two in two, in order."""
    middle = len(batch) // 2
    return batch[:middle], batch[middle:]
