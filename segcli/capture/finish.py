"""Turns a request into events, completed as Segment completes them; pure functions.

The body of a batch has `context`, `integrations` and `sentAt` for all of its events [doc]. Segment
corrects the client's clock: `timestamp = receivedAt - (sentAt - originalTimestamp)` [doc].
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from segcli.core.event_time import parse_time
from segcli.local_server.segment_api import BATCH

_MERGED = ("context", "integrations")
_WRITE_KEY = "writeKey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How a request arrived.

    kind: the call type of its route, or `BATCH`
    received: when the whole body was there; with a zone
    new_id: returns a messageId for an event without one
    """

    kind: str
    received: datetime
    new_id: Callable[[], str]


def finished(body: Any, arrival: Arrival) -> list[Any]:
    """Return the events of a request, in order, in the form of Segment's archive.

    Wrong events are kept: an item that is not an object is returned as it is, so that a check of
    the file finds it. No event has the write key. The body is not changed. Raises ValueError if
    the body has no events; the message starts with the wrong field.
    """
    if not isinstance(body, dict):
        raise ValueError("the body must be an object")  # noqa: TRY004  # bad data, not a bad call
    if arrival.kind != BATCH:
        return [_event({**body, "type": arrival.kind}, {}, arrival)]
    items = body.get("batch")
    if not isinstance(items, list):
        raise ValueError("batch must be an array")  # noqa: TRY004  # see above
    return [_event(item, body, arrival) if isinstance(item, dict) else item for item in items]


def _event(item: dict[str, Any], batch: dict[str, Any], arrival: Arrival) -> dict[str, Any]:
    event = {name: value for name, value in item.items() if name != _WRITE_KEY}
    for name in _MERGED:
        if name in batch:
            event[name] = _merged(batch[name], event.get(name))
    if event.get("sentAt") is None and batch.get("sentAt") is not None:
        event["sentAt"] = batch["sentAt"]
    if not event.get("messageId"):
        event["messageId"] = arrival.new_id()
    event.update(_times(event, arrival.received))
    return dict(sorted(event.items()))


def _merged(of_batch: Any, own: Any) -> Any:
    """Return the event's own value, and add what only the batch has."""
    if own is None:
        return of_batch
    if not (isinstance(of_batch, dict) and isinstance(own, dict)):
        return own
    return of_batch | {name: _merged(of_batch.get(name), value) for name, value in own.items()}


def _times(event: dict[str, Any], received: datetime) -> dict[str, Any]:
    """Return the times that Segment sets. The client's own times keep their form."""
    times: dict[str, Any] = {"receivedAt": time_text(received)}
    original = event.get("timestamp") or event.get("originalTimestamp")
    if original:
        times["originalTimestamp"] = original
    times["timestamp"] = _corrected(original, event.get("sentAt"), received)
    return times


def _corrected(original: Any, sent: Any, received: datetime) -> Any:
    """Return when the event happened by Segment's clock.

    Without two valid times to compare, the client's own time is used.
    """
    if not original:
        return time_text(received)
    # A time at an end of the calendar can lead beyond it.
    with suppress(ValueError, OverflowError):
        return time_text(received - (parse_time(sent) - parse_time(original)))
    return original


def time_text(time: datetime) -> str:
    """Return a time as Segment writes it: UTC, with milliseconds."""
    text = time.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
