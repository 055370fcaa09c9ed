"""Segment itself as a server: the HTTP API, with batches and single calls.

The real API answers 200 to most bad events and drops them silently [doc]. This one answers 400
and names the wrong field, to reveal a wrong mapping. Both answer 400 to a batch or event that is
too large [doc].
"""

from functools import partial
from typing import Any

from segcli.sandbox.json_body import JSON, elements
from segcli.sandbox.vendors.direct_destination import basic
from segcli.sandbox.vendors.rules import (
    KINDS,
    no_text,
    not_object,
    not_time,
    segment_event_problem,
    unknown_key,
    wrong_types,
)
from segcli.sandbox.vendors.vendor import (
    Call,
    ReceivedItem,
    Refusal,
    RequestReading,
    Vendor,
    VendorRoute,
    always,
)

# [doc] Segment's "32 KB an event, 500 KB and 2,500 events a batch", in bytes.
_EVENT_BYTES = 32_768
_REQUEST_BYTES = 500_000
_BATCH_EVENTS = 2_500
_MESSAGE_ID = 100
# Our rule, not Segment's: with these, Segment would replace the `timestamp` of a replay.
_LEFT_OUT = ("sentAt", "receivedAt", "originalTimestamp")

_SUCCESS = always(b'{"success":true}')


def _batch(call: Call, value: JSON) -> RequestReading:
    if problem := _size_problem(call) or _batch_problem(value):
        return Refusal(400, problem)
    items = tuple(map(ReceivedItem, value["batch"], elements(call.body, "batch")))
    for index, item in enumerate(items):
        if problem := _item_problem(item):
            return Refusal(400, f"batch[{index}]: {problem}")
    return items


def _single(kind: str, call: Call, value: JSON) -> RequestReading:
    """Read a single call. Its route gives the type; a type in the body must be the same."""
    if problem := _size_problem(call) or not_object(value, "the body"):
        return Refusal(400, problem)
    if value.get("type", kind) != kind:
        return Refusal(400, f"type must be {kind} here")
    problem = _item_problem(ReceivedItem({**value, "type": kind}, call.body))
    return Refusal(400, problem) if problem else (ReceivedItem(value, call.body),)


def _size_problem(call: Call) -> str:
    fits = len(call.body) <= _REQUEST_BYTES
    return "" if fits else "the body is larger than 500,000 bytes"


def _batch_problem(value: JSON) -> str:
    problem = (
        not_object(value, "the body")
        or unknown_key(value, frozenset({"batch", "sentAt"}))
        or wrong_types({"batch": value.get("batch")}, {"batch": list})
        or (not_time(value["sentAt"], "sentAt") if "sentAt" in value else "")
    )
    if problem:
        return problem
    fits = 1 <= len(value["batch"]) <= _BATCH_EVENTS
    return "" if fits else "batch must have 1 to 2,500 events"


def _item_problem(item: ReceivedItem) -> str:
    if len(item.raw) > _EVENT_BYTES:
        return "the event is larger than 32,768 bytes"
    return (
        segment_event_problem(item.payload)
        or no_text(item.payload, "messageId")
        or _message_id_problem(item.payload["messageId"])
        or _time_left_in(item.payload)
    )


def _message_id_problem(message_id: str) -> str:
    return "" if len(message_id) <= _MESSAGE_ID else "messageId is longer than 100 characters"


def _time_left_in(event: dict[str, Any]) -> str:
    for name in _LEFT_OUT:
        if name in event:
            return f"{name} must be left out of a replayed event"
    return ""


def _error(_status: int, problem: str) -> dict[str, Any]:
    """Return the body of an error [guess]."""
    return {"success": False, "message": problem}


SEGMENT = Vendor(
    routes={
        "/v1/batch": {"POST": VendorRoute(_batch, _SUCCESS)},
        **{
            f"/v1/{kind}": {"POST": VendorRoute(partial(_single, kind), _SUCCESS)}
            for kind in sorted(KINDS)
        },
    },
    error=_error,
    header=b"authorization",
    credential=basic,
    key_hint='Authorization must be Basic base64("<write key>:")',
    home="/v1",
    reset_header=b"x-ratelimit-reset",
)
