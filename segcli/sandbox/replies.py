"""The replies as values: a vendor's yes and no, the script's faults, and the sandbox's own page."""

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
    """A reply that is ready to be sent; bodies are always JSON."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


def yes(body: bytes, status: int = 200) -> SandboxReply:
    """Answer a good request with the vendor's own bytes."""
    return SandboxReply(status, body, _headers(body))


def no(vendor: Vendor, refusal: Refusal) -> SandboxReply:
    """Answer a bad request in the vendor's own shape."""
    body = json.dumps(vendor.error(refusal.status, refusal.problem)).encode()
    allow = ((b"allow", refusal.allow.encode()),) if refusal.allow else ()
    return SandboxReply(refusal.status, body, (*_headers(body), *allow))


def not_now(vendor: Vendor, refusal: Refusal, *, wait: float) -> SandboxReply:
    """Answer no though the client did nothing wrong; 429 says how long to wait."""
    reply = no(vendor, refusal)
    if reply.status != _THROTTLED:
        return reply
    waits = [(b"retry-after", _seconds(wait))]
    if vendor.reset_header:
        waits.append((vendor.reset_header, _seconds(wait)))
    return SandboxReply(reply.status, reply.body, (*reply.headers, *waits))


def own_page(method: str, counts: dict[str, Any]) -> SandboxReply:
    """Answer with the counts."""
    if method == "GET":
        return yes(json.dumps(counts).encode())
    body = b'{"message":"the method must be GET"}'
    return SandboxReply(405, body, (*_headers(body), (b"allow", b"GET")))


def nowhere() -> SandboxReply:
    """Answer a path that names no vendor."""
    vendors = ", ".join(f"/{name}" for name in VENDORS)
    body = json.dumps({"message": f"no vendor lives here; try {vendors} or {OWN_PATH}"}).encode()
    return SandboxReply(404, body, _headers(body))


def turned_away(refusal: Refusal) -> SandboxReply:
    """Answer a request that no vendor gets to see."""
    body = json.dumps({"message": refusal.problem}).encode()
    return SandboxReply(refusal.status, body, _headers(body))


def preflight(headers: Sequence[tuple[bytes, bytes]]) -> SandboxReply:
    """Answer a browser that asks what a page may send."""
    return SandboxReply(204, b"", tuple(headers))


def _headers(body: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return (_JSON, (b"content-length", b"%d" % len(body)))


def _seconds(wait: float) -> bytes:
    return f"{wait:.3f}".rstrip("0").rstrip(".").encode()
