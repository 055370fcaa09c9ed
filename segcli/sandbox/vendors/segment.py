"""Segment itself as a server: the HTTP API, with batches and single calls.

It accepts what Segment's own clients send: all routes, the write key in the header or in the body,
gzip, any content type. The real API answers 200 to most bad events and drops them silently [doc].
This one answers 400 and names the wrong field, to reveal a wrong mapping. Both answer 400 to a
batch or event that is too large [doc].

What segcli itself sends is a replay, and the rules for it are stricter.
"""

from functools import partial
from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.local_server.segment_api import (
    BATCH,
    MAX_BATCH_EVENTS,
    MAX_EVENT_BYTES,
    MAX_REQUEST_BYTES,
    ROUTES,
    without_slash,
)
from segcli.sandbox.json_body import JSON, elements
from segcli.sandbox.vendors.credentials import basic
from segcli.sandbox.vendors.rules import (
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
    RequestReading,
    Vendor,
    VendorRoute,
    always,
)

_MESSAGE_ID = 100
# Our rule, not Segment's: with these, Segment would replace the `timestamp` of a replay.
_LEFT_OUT = ("sentAt", "receivedAt", "originalTimestamp")
_REPLAY_AGENT = b"segcli/"
_KEY_HINT = 'Authorization must be Basic base64("<write key>:"), or writeKey in the body the key'

_SUCCESS = always(b'{"success":true}')


def _batch(call: Call, value: JSON) -> RequestReading:
    if refusal := _request_refusal(call, value):
        return refusal
    if problem := _batch_problem(value, is_replay=_is_replay(call)):
        return Refusal(400, problem)
    items = tuple(map(ReceivedItem, value["batch"], elements(call.body, "batch")))
    for index, item in enumerate(items):
        if problem := _item_problem(item, is_replay=_is_replay(call)):
            return Refusal(400, f"batch[{index}]: {problem}")
    return items


def _single(kind: str, call: Call, value: JSON) -> RequestReading:
    """Read a single call. Its route gives the type; a type in the body must be the same."""
    if refusal := _request_refusal(call, value):
        return refusal
    if value.get("type", kind) != kind:
        return Refusal(400, f"type must be {kind} here")
    item = ReceivedItem({**value, "type": kind}, call.body)
    problem = _item_problem(item, is_replay=_is_replay(call))
    return Refusal(400, problem) if problem else (ReceivedItem(value, call.body),)


def _is_replay(call: Call) -> bool:
    return call.headers.get(b"user-agent", b"").startswith(_REPLAY_AGENT)


def _admits(call: Call) -> bool:
    """Return whether the header has the right key, or is absent: then the body must have it."""
    return call.headers.get(b"authorization") in (None, basic(call.key))


def _request_refusal(call: Call, value: JSON) -> Refusal | None:
    """Return what is wrong with the request, apart from its events; None if nothing is."""
    if len(call.body) > MAX_REQUEST_BYTES:
        return Refusal(400, "the body is larger than 500,000 bytes")
    if problem := not_object(value, "the body"):
        return Refusal(400, problem)
    in_header = b"authorization" in call.headers
    if not (in_header or value.get("writeKey") == call.key.decode()):
        return Refusal(401, _KEY_HINT)
    kind = call.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if _is_replay(call) and kind != b"application/json":
        return Refusal(400, "Content-Type must be application/json")
    return None


def _batch_problem(value: dict[str, Any], *, is_replay: bool) -> str:
    problem = (
        (unknown_key(value, frozenset({"batch", "sentAt"})) if is_replay else "")
        or wrong_types({"batch": value.get("batch")}, {"batch": list})
        or wrong_types(value, {"context": dict, "integrations": dict})
        or _sent_at_problem(value)
    )
    if problem:
        return problem
    fits = 1 <= len(value["batch"]) <= MAX_BATCH_EVENTS
    return "" if fits else "batch must have 1 to 2,500 events"


def _sent_at_problem(value: dict[str, Any]) -> str:
    return not_time(value["sentAt"], "sentAt") if "sentAt" in value else ""


def _item_problem(item: ReceivedItem, *, is_replay: bool) -> str:
    if len(item.raw) > MAX_EVENT_BYTES:
        return "the event is larger than 32,768 bytes"
    return (
        segment_event_problem(item.payload)
        or (no_text(item.payload, "messageId") if is_replay else "")
        or _message_id_problem(item.payload.get("messageId"))
        or (_time_left_in(item.payload) if is_replay else "")
    )


def _message_id_problem(message_id: object) -> str:
    is_long = isinstance(message_id, str) and len(message_id) > _MESSAGE_ID
    return "messageId is longer than 100 characters" if is_long else ""


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
        path: {"POST": VendorRoute(_batch if kind == BATCH else partial(_single, kind), _SUCCESS)}
        for path, kind in ROUTES.items()
    },
    error=_error,
    header=b"authorization",
    credential=basic,
    key_hint=_KEY_HINT,
    json_only=False,
    gzip=True,
    home="/v1",
    reset_header=b"x-ratelimit-reset",
    admits=_admits,
    route_of=lambda call: without_slash(call.path),
)
