"""Segment itself, and services with its HTTP API (RudderStack, Jitsu, …): batches [doc].

At most 2,500 events and 500,000 bytes a request, and 32 KB an event. Segment deduplicates by
`messageId`, for about 24 hours [doc].
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segcli.core import exact_json
from segcli.core.destination import Destination, Field, Limits, Payload, Remark, Request
from segcli.core.event import TYPES, Event
from segcli.core.replay import Dedup, Evidence, Replay
from segcli.core.secret import Secret
from segcli.core.setting_value import Shape
from segcli.core.settings import setting
from segcli.destinations.flatten import write_key_remarks

_HEAD, _TAIL = b'{"batch":[', b"]}"
_MOST_EVENTS, _MOST_BYTES = 2_500, 500_000
_TIMES_LEFT_OUT = frozenset({"sentAt", "receivedAt", "originalTimestamp"})
_LEFT_OUT = _TIMES_LEFT_OUT | {"writeKey"}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the source that receives the events."""

    api_key: Secret = setting(Secret(), help="the write key of the source", required=True)
    endpoint: str = setting(
        "https://api.segment.io/v1",
        help="the address without /batch; in the EU https://events.eu1.segmentapis.com/v1",
    )
    batch: int = setting(
        _MOST_EVENTS,
        help="events a request, at most",
        minimum=1,
        is_grouping=True,
    )
    batch_bytes: int = setting(
        _MOST_BYTES,
        help="bytes a request, at most; a larger event goes alone",
        minimum=1,
        is_grouping=True,
    )
    replay: str = setting(
        "",
        help="a name for this replay, which gives every event a new messageId; the same name gives "
        "the same ids again",
    )
    write_key: str = setting(
        "drop",
        help="drop or keep the writeKey of an event",
        shapes=(Shape("drop|keep", "drop or keep"),),
    )


def payload(event: Event, settings: Settings) -> Payload:
    """Return the event with its time, but without the times of its first delivery.

    An event without a messageId gets one from its bytes, so that Segment counts a line that is
    sent twice as one event. The write key of the source that it came from is dropped.
    """
    left_out = _TIMES_LEFT_OUT if settings.write_key == "keep" else _LEFT_OUT
    body = {key: value for key, value in event.data.items() if key not in left_out}
    if event.time:
        body["timestamp"] = event.time
    if settings.replay:
        body["messageId"] = _digest(settings.replay, _own_id(event))
    elif not body.get("messageId"):
        body["messageId"] = _digest(event.raw)
    return Payload("/batch", body)


def advice(settings: Settings) -> str:
    """Return what happens to events that Segment has received before."""
    if settings.replay:
        return ""
    return (
        "Segment drops an event whose messageId it has received within about a day, and still "
        "answers 200; --set replay=NAME gives all events new ids"
    )


def request(route: str, bodies: Sequence[bytes], settings: Settings) -> Request:
    """Return the request with a batch; the write key is the Basic user, without password [doc]."""
    headers = {
        "Authorization": f"Basic {settings.api_key.basic()}",
        "Content-Type": "application/json",
    }
    return Request(settings.endpoint + route, _HEAD + b",".join(bodies) + _TAIL, headers)


def max_events(route: str, settings: Settings) -> int:  # noqa: ARG001  # the interface
    """Return how many events share a request."""
    return settings.batch


def wanted_bytes(route: str, settings: Settings) -> int:  # noqa: ARG001  # the interface
    """Return how many bytes of events share a request; the rest of its body is always there."""
    return settings.batch_bytes - len(_HEAD + _TAIL)


def check_settings(settings: Settings) -> str:
    """Return which setting is larger than Segment allows; "" if none is."""
    if settings.batch > _MOST_EVENTS:
        why = "Segment drops a larger one, and answers 200 all the same"
        return f"batch must be at most {_MOST_EVENTS}, not {settings.batch}: {why}"
    if settings.batch_bytes > _MOST_BYTES:
        return f"batch_bytes must be at most {_MOST_BYTES}, not {settings.batch_bytes}"
    return ""


def remarks(event: Event, settings: Settings) -> Iterator[Remark]:
    """Yield a remark on a write key that is sent along."""
    if settings.write_key == "keep":
        yield from write_key_remarks(event)


def _own_id(event: Event) -> bytes:
    """Return what the new id of an event is made from: its messageId, else its bytes."""
    message_id = event.data.get("messageId")
    return exact_json.dumps(message_id) if message_id else event.raw


def _digest(*parts: str | bytes) -> str:
    texts = (part.encode() if isinstance(part, str) else part for part in parts)
    return "segcli-" + hashlib.sha256(b"\0".join(texts)).hexdigest()


_HTTP_API = "Segment's HTTP API reference"
# What becomes of old events and of messages depends on what is connected to the source.
REPLAY = Replay(
    checked="2026-11-30",
    time="timestamp",
    oldest="any",
    dedup=Dedup(id="messageId", form="any", window="24h", repeat="dropped", sure=True),
    order="none",
    source=(
        Evidence("time", "doc", "Segment's spec: common fields"),
        Evidence("oldest", "doc", "Segment's docs: What is Replay"),
        Evidence("dedup", "doc", _HTTP_API),
        Evidence("order", "doc", _HTTP_API),
    ),
)

SEGMENT = Destination(
    name="segment",
    label="Segment.io",
    settings=Settings,
    types=TYPES,
    payload=payload,
    copies=dict.fromkeys(TYPES, frozenset({"context", "traits", "properties"})),
    request=request,
    limits=Limits(
        events=_MOST_EVENTS,
        bytes=_MOST_BYTES - len(_HEAD + _TAIL),
        payload_bytes=32_768,
        rate=1_000.0,
    ),
    max_events=max_events,
    wanted_bytes=wanted_bytes,
    check_settings=check_settings,
    remarks=remarks,
    advice=advice,
    about="Segment, or any service with its HTTP API. In batches.",
    replay=REPLAY,
    fields=(
        Field("timestamp", "timestamp", "else originalTimestamp, receivedAt, sentAt; as written"),
        Field(
            "messageId",
            "messageId",
            "if missing: a digest of the event; with replay a new one",
        ),
        Field("*", "*", "the rest, except sentAt, receivedAt, originalTimestamp and writeKey"),
    ),
)
