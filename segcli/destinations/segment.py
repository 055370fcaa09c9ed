"""Segment itself, and services with its HTTP API (RudderStack, Jitsu, …): batches [doc].

At most 2,500 events and 500,000 bytes a request, and 32 KB an event. Segment deduplicates by
`messageId`, for about 24 hours [doc].
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from segcli.core.destination import Destination, Field, Limits, Payload, Request
from segcli.core.event import TYPES, Event
from segcli.core.secret import Secret
from segcli.core.settings import setting

_HEAD, _TAIL = b'{"batch":[', b"]}"
_TIMES_LEFT_OUT = frozenset({"sentAt", "receivedAt", "originalTimestamp"})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the source that receives the events."""

    api_key: Secret = setting(Secret(), help="the write key of the source", required=True)
    endpoint: str = setting(
        "https://api.segment.io/v1",
        help="the address without /batch; in the EU https://events.eu1.segmentapis.com/v1",
    )


def payload(event: Event, settings: Settings) -> Payload:  # noqa: ARG001  # part of the interface
    """Return the event with its time, but without the times of its first delivery.

    An event without a messageId gets one from its bytes, so that Segment counts a line that is
    sent twice as one event.
    """
    body = {key: value for key, value in event.data.items() if key not in _TIMES_LEFT_OUT}
    if event.time:
        body["timestamp"] = event.time
    if not body.get("messageId"):
        body["messageId"] = f"segcli-{hashlib.sha256(event.raw).hexdigest()}"
    return Payload("/batch", body)


def request(route: str, bodies: Sequence[bytes], settings: Settings) -> Request:
    """Return the request with a batch; the write key is the Basic user, without password [doc]."""
    headers = {
        "Authorization": f"Basic {settings.api_key.basic()}",
        "Content-Type": "application/json",
    }
    return Request(settings.endpoint + route, _HEAD + b",".join(bodies) + _TAIL, headers)


SEGMENT = Destination(
    name="segment",
    label="Segment.io",
    settings=Settings,
    types=TYPES,
    payload=payload,
    request=request,
    limits=Limits(
        events=2_500,
        bytes=500_000 - len(_HEAD + _TAIL),
        payload_bytes=32_768,
        rate=1_000.0,
    ),
    about="Segment, or any service with its HTTP API. In batches.",
    fields=(
        Field("timestamp", "timestamp", "else originalTimestamp, receivedAt, sentAt; as written"),
        Field("messageId", "messageId", "if missing: a digest of the event's bytes"),
        Field("*", "*", "everything else, except sentAt, receivedAt and originalTimestamp"),
    ),
)
