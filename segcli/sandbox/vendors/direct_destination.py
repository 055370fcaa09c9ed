"""Plotline, and any webhook, as servers: Segment's Direct Destination contract.

The contract [doc]: one POST for each event; the body is the unchanged Segment event; Basic auth
with the key as user name and an empty password; other settings as base64 JSON in
`X-Segment-Settings`.
"""

from base64 import b64decode
from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, parse_body
from segcli.sandbox.vendors.credentials import basic
from segcli.sandbox.vendors.rules import not_object, segment_event_problem
from segcli.sandbox.vendors.vendor import (
    ANYWHERE,
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
    always,
)

# [third party] another vendor's integration documents that requests stay under 2 MB.
_PLOTLINE_BYTES = 2_000_000
_PLOTLINE_KINDS = frozenset({"identify", "track"})
_KEY_HINT = 'Authorization must be Basic base64("<key>:")'


def message(_status: int, problem: str) -> dict[str, Any]:
    """Return the body of an error, as the contract has it [doc]."""
    return {"message": problem}


def _event(call: Call, value: JSON) -> RequestReading:
    problem = _settings_problem(call.headers.get(b"x-segment-settings")) or segment_event_problem(
        value
    )
    return Refusal(400, problem) if problem else (ReceivedItem(value, call.body),)


def _plotline_event(call: Call, value: JSON) -> RequestReading:
    """Read an event as Plotline does: identify and track, 501 for the other types [doc]."""
    if len(call.body) >= _PLOTLINE_BYTES:
        return Refusal(413, "the body must stay under 2,000,000 bytes")
    reading = _event(call, value)
    if isinstance(reading, Refusal) or value["type"] in _PLOTLINE_KINDS:
        return reading
    return Refusal(501, f"type {value['type']} is not supported, only identify and track")


def _settings_problem(header: bytes | None) -> str:
    if header is None:
        return ""
    try:
        return not_object(parse_body(b64decode(header, validate=True)), "X-Segment-Settings")
    except ValueError:
        return "X-Segment-Settings must be JSON in base64"


PLOTLINE = Vendor(
    routes={"": {"POST": VendorRoute(_plotline_event, always(b"{}"))}},
    error=message,
    header=b"authorization",
    credential=basic,
    key_hint=_KEY_HINT,
)
WEBHOOK = Vendor(
    routes={ANYWHERE: {"POST": VendorRoute(_event, always(b"{}"))}},
    error=message,
    header=b"authorization",
    credential=basic,
    key_hint=_KEY_HINT,
    key_optional=True,
)
