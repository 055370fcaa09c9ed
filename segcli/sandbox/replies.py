"""Builds replies: of a vendor, of a fault, and of the sandbox's own page."""

from collections.abc import Iterable
from typing import Any

from segcli.local_server.http_reply import (
    Headers,
    HttpReply,
    Refusal,
    bytes_reply,
    json_reply,
    refused,
)
from segcli.sandbox.vendors.vendor import Vendor

OWN_PATH = "/_sandbox"

_OF_SEGMENT = "/v1/"
_LONGEST_PATH = 100
_THROTTLED = 429
_NO_CONTENT = 204


def success(body: bytes, status: int = 200) -> HttpReply:
    """Return the reply to a good request; one without a body is a 204."""
    return bytes_reply(status if body else _NO_CONTENT, body)


def vendor_error(vendor: Vendor, refusal: Refusal) -> HttpReply:
    """Return the reply to a bad request, in the vendor's form."""
    return refused(refusal, vendor.error(refusal.status, refusal.problem))


def temporary_error(vendor: Vendor, refusal: Refusal, *, wait: float) -> HttpReply:
    """Return an error that the client has not caused; a 429 says how long to wait, in seconds."""
    reply = vendor_error(vendor, refusal)
    if reply.status != _THROTTLED:
        return reply
    waits = [(b"retry-after", _seconds(wait))]
    if vendor.reset_header:
        waits.append((vendor.reset_header, _seconds(wait)))
    return HttpReply(reply.status, reply.body, (*reply.headers, *waits))


def own_page(method: str, counts: dict[str, Any]) -> HttpReply:
    """Return the page with the counts."""
    if method == "GET":
        return json_reply(200, counts)
    return early_refusal(Refusal(405, "the method must be GET", "GET"))


def unknown_path(path: str, vendors: Iterable[str]) -> HttpReply:
    """Return the reply to a path without a vendor."""
    shown = path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…"
    if path.startswith(_OF_SEGMENT):
        hint = f"Segment's clients need /segment before it: /segment{shown}"
    else:
        hint = "for a destination file, start the sandbox with --dest PATH"
    known = ", ".join(f"/{name}" for name in vendors)
    problem = f"no vendor is at {shown}; {hint}. There are {known} and {OWN_PATH}"
    return json_reply(404, {"message": problem})


def early_refusal(refusal: Refusal) -> HttpReply:
    """Return the reply to a request that is refused before a vendor sees it."""
    return refused(refusal, {"message": refusal.problem})


def preflight(headers: Headers) -> HttpReply:
    """Return the reply to a CORS preflight."""
    return HttpReply(204, b"", tuple(headers))


def _seconds(wait: float) -> bytes:
    return f"{wait:.3f}".rstrip("0").rstrip(".").encode()
