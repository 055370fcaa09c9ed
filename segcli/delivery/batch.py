"""Batches: the payloads that share a request."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from segcli.core.decision import Mapped
from segcli.core.destination import Request
from segcli.core.line import Line
from segcli.core.outcome import Job
from segcli.core.replay_age import Replayed

# Bytes of the Python objects of one payload, without its content.
_OVERHEAD = 700


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of one request; `bytes` counts payloads and the commas between them."""

    events: int
    bytes: int | None = None


class QueuedPayload(msgspec.Struct, frozen=True, gc=False):
    """A payload that waits to be sent, with the line it came from.

    route: its route; with the values that its request takes from it, the key of that request.
    bounds: what a request of its route may hold.
    weight: roughly how many bytes both take in memory.
    batch_key: the same for payloads that may share a request: its route and the group of its age.
    replayed: what its age means; None if the vendor has no rules for it.
    """

    line: Line
    route: str
    user: str
    body: bytes
    bounds: Bounds
    weight: int
    batch_key: str
    replayed: Replayed | None = None


def item_of(line: Line, mapped: Mapped, bounds: Bounds) -> QueuedPayload:
    """Return the payload of a line, copied to take no more memory than it needs.

    A bytes object made by orjson can take 8 kB, however short it is; a copy does not.
    """
    body, key, replayed = mapped.body, mapped.route, mapped.replayed
    if mapped.action:
        line = msgspec.structs.replace(line, action=mapped.action)
    weight = _OVERHEAD + len(body)
    if mapped.request_values:
        key = mapped.request_key
        weight += len(key)
    batch_key = f"{key}\0{replayed.group}" if replayed and replayed.group else key
    if body is line.text:
        return QueuedPayload(line, key, mapped.user, body, bounds, weight, batch_key, replayed)
    body = b"".join((body, b""))
    weight += len(line.text) if isinstance(line.text, bytes) else 0
    return QueuedPayload(line, key, mapped.user, body, bounds, weight, batch_key, replayed)


def request_for(first: QueuedPayload, bodies: Sequence[bytes], job: Job) -> Request:
    """Return the request with the payloads of a batch; that of old events may have marks.

    first: the first of the batch; the others share its request.
    """
    destination, settings = job.destination, job.settings
    fields = first.replayed.fields if first.replayed else None
    if fields and destination.marked_request:
        return destination.marked_request(first.route, bodies, settings, fields)
    return destination.request(first.route, bodies, settings)


class Batch:
    """A batch that is being filled: payloads with one batch key, in order, within the bounds.

    The first payload is always accepted, even if it is larger than the bounds.
    """

    __slots__ = ("_bounds", "_size", "items")

    def __init__(self, bounds: Bounds) -> None:
        self.items: list[QueuedPayload] = []
        self._bounds = bounds
        self._size = -1

    @property
    def is_full(self) -> bool:
        """True if no further item fits."""
        return len(self.items) >= self._bounds.events

    def takes(self, item: QueuedPayload) -> bool:
        """True if the item may be added."""
        if not self.items:
            return True
        size = self._size + len(item.body) + 1
        return (
            not self.is_full
            and item.batch_key == self.items[0].batch_key
            and (self._bounds.bytes is None or size <= self._bounds.bytes)
        )

    def add(self, item: QueuedPayload) -> None:
        """Add an item for which `takes` is true."""
        self.items.append(item)
        self._size += len(item.body) + 1


def halves(
    batch: Sequence[QueuedPayload],
) -> tuple[Sequence[QueuedPayload], Sequence[QueuedPayload]]:
    """Split a batch of at least two items in the middle."""
    middle = len(batch) // 2
    return batch[:middle], batch[middle:]
