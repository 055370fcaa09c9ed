"""Builds replies: of a vendor, of a fault, and of the sandbox's own page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from segcli.sandbox.vendors import VENDORS
from segcli.sandbox.vendors.vendor import Refusal, Vendor

OWN_PATH = "/_sandbox"

_JSON = (b"content-type", b"application/json")
_THROTTLED = 429


@dataclass(frozen=True, slots=True)
class SandboxReply:
    """A reply that is ready to be sent.

    status: the HTTP status
    body: JSON, or empty
    headers: names in lower case, and values
    """

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


def yes(body: bytes, status: int = 200) -> SandboxReply:
    """Return the reply to a good request."""
    return SandboxReply(status, body, _headers(body))


def no(vendor: Vendor, refusal: Refusal) -> SandboxReply:
    """Return the reply to a bad request, in the vendor's form."""
    body = json.dumps(vendor.error(refusal.status, refusal.problem)).encode()
    allow = ((b"allow", refusal.allow.encode()),) if refusal.allow else ()
    return SandboxReply(refusal.status, body, (*_headers(body), *allow))


def not_now(vendor: Vendor, refusal: Refusal, *, wait: float) -> SandboxReply:
    """Return an error that the client has not caused; a 429 says how long to wait, in seconds."""
    reply = no(vendor, refusal)
    if reply.status != _THROTTLED:
        return reply
    waits = [(b"retry-after", _seconds(wait))]
    if vendor.reset_header:
        waits.append((vendor.reset_header, _seconds(wait)))
    return SandboxReply(reply.status, reply.body, (*reply.headers, *waits))


def own_page(method: str, counts: dict[str, Any]) -> SandboxReply:
    """Return the page with the counts."""
    if method == "GET":
        return yes(json.dumps(counts).encode())
    body = b'{"message":"the method must be GET"}'
    return SandboxReply(405, body, (*_headers(body), (b"allow", b"GET")))


def nowhere() -> SandboxReply:
    """Return the reply to a path without a vendor."""
    vendors = ", ".join(f"/{name}" for name in VENDORS)
    body = json.dumps({"message": f"this path has no vendor; try {vendors} or {OWN_PATH}"}).encode()
    return SandboxReply(404, body, _headers(body))


def turned_away(refusal: Refusal) -> SandboxReply:
    """Return the reply to a request that is refused before a vendor sees it."""
    body = json.dumps({"message": refusal.problem}).encode()
    return SandboxReply(refusal.status, body, _headers(body))


def preflight(headers: Sequence[tuple[bytes, bytes]]) -> SandboxReply:
    """Return the reply to a CORS preflight."""
    return SandboxReply(204, b"", tuple(headers))


def _headers(body: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return (_JSON, (b"content-length", b"%d" % len(body)))


def _seconds(wait: float) -> bytes:
    return f"{wait:.3f}".rstrip("0").rstrip(".").encode()
