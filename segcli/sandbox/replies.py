"""The replies as values: a vendor's yes and no, the script's faults, and the sandbox's own page."""

from typing import Any

from segcli.local_server.http_reply import (
    Headers,
    HttpReply,
    Refusal,
    bytes_reply,
    json_reply,
    refused,
)
from segcli.sandbox.vendors import VENDORS
from segcli.sandbox.vendors.vendor import Vendor

OWN_PATH = "/_sandbox"

_THROTTLED = 429


def yes(body: bytes, status: int = 200) -> HttpReply:
    """Answer a good request with the vendor's own bytes."""
    return bytes_reply(status, body)


def no(vendor: Vendor, refusal: Refusal) -> HttpReply:
    """Answer a bad request in the vendor's own shape."""
    return refused(refusal, vendor.error(refusal.status, refusal.problem))


def not_now(vendor: Vendor, refusal: Refusal, *, wait: float) -> HttpReply:
    """Answer no though the client did nothing wrong; 429 says how long to wait."""
    reply = no(vendor, refusal)
    if reply.status != _THROTTLED:
        return reply
    waits = [(b"retry-after", _seconds(wait))]
    if vendor.reset_header:
        waits.append((vendor.reset_header, _seconds(wait)))
    return HttpReply(reply.status, reply.body, (*reply.headers, *waits))


def own_page(method: str, counts: dict[str, Any]) -> HttpReply:
    """Answer with the counts."""
    if method == "GET":
        return json_reply(200, counts)
    return turned_away(Refusal(405, "the method must be GET", "GET"))


def nowhere() -> HttpReply:
    """Answer a path that names no vendor."""
    vendors = ", ".join(f"/{name}" for name in VENDORS)
    return json_reply(404, {"message": f"no vendor lives here; try {vendors} or {OWN_PATH}"})


def turned_away(refusal: Refusal) -> HttpReply:
    """Answer a request that no vendor gets to see."""
    return refused(refusal, {"message": refusal.problem})


def preflight(headers: Headers) -> HttpReply:
    """Answer a browser that asks what a page may send."""
    return HttpReply(204, b"", tuple(headers))


def _seconds(wait: float) -> bytes:
    return f"{wait:.3f}".rstrip("0").rstrip(".").encode()
