"""A request to a vendor and its reply, for people who look at a sandbox: without keys."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segcli.core.exact_json import dumps, loads
from segcli.core.redaction import MASK, Redactor
from segcli.local_server.http_reply import HttpReply
from segcli.sandbox.json_body import JSON
from segcli.sandbox.kept import with_keys_masked
from segcli.sandbox.vendors.vendor import Call, ReceivedItem

# The longest bodies that are kept, in bytes. Replies are read for their results of single events;
# only one that is too long to be read is cut.
_MOST_BYTES = 64 * 1024
MOST_REPLY_BYTES = 1024 * 1024
# Any other header may hold a key.
_SHOWN_HEADERS = frozenset(
    {b"accept", b"content-type", b"content-encoding", b"content-length", b"host", b"user-agent"}
)
# How vendors call the id of a user, the best first.
_USER_KEYS = (
    *("userId", "user_id", "distinct_id", "external_id", "anonymousId", "anonymous_id"),
    *("user", "email"),
)


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """What became of one event of a request.

    user: the id of its user, as far as the payload tells; "" if not.
    status: the status of the event.
    raw: the event, without keys.
    """

    user: str
    status: int
    raw: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its reply.

    at: when it arrived, in seconds since 1970.
    vendor, method, route: where it went.
    status: the status of the reply; None if there was none.
    fault: the fault that was played; "" for none.
    items: what became of its events; empty if the request was not accepted.
    user: the id of a user in a request that was not accepted; "" if there is none.
    headers: the headers of the request; what may hold a key is `***`.
    body, reply: the bodies of both, cut if they are long.
    """

    at: float
    vendor: str
    method: str
    route: str
    status: int | None
    fault: str
    items: Sequence[ItemVerdict]
    user: str
    headers: Mapping[str, str]
    body: bytes
    reply: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """What is known about a request beside its bytes.

    vendor, route, fault: as in an `Exchange`.
    items, failed: its events, and the status of those that fail by their place.
    key_paths: the paths in payloads of the vendor that hold keys.
    known: hides the key of the sandbox.
    """

    vendor: str
    route: str
    fault: str
    items: Sequence[ReceivedItem]
    failed: Mapping[int, int]
    key_paths: frozenset[str]
    known: Redactor


def exchange_of(call: Call, reply: HttpReply | None, context: RequestContext) -> Exchange:
    """Return the exchange of a request that was just answered."""
    known = context.known
    return Exchange(
        at=time.time(),
        vendor=context.vendor,
        method=call.method,
        route=known.redact(context.route),
        status=reply.status if reply else None,
        fault=context.fault,
        items=[
            ItemVerdict(
                known.redact(user_of(item.payload)),
                context.failed.get(place, 200),
                _without_keys(item, context),
            )
            for place, item in enumerate(context.items)
        ],
        user="" if context.items else known.redact(_user_in(call.body)),
        headers=dict(_headers(call)),
        body=_body(call, context)[:_MOST_BYTES],
        reply=known.redact_body(reply.body[:MOST_REPLY_BYTES]) if reply else b"",
    )


def user_of(payload: JSON) -> str:
    """Return the id of the user of a payload, wherever it stands; "" if there is none."""
    for name in _USER_KEYS:
        for value in _values_of(payload, name):
            if isinstance(value, str | int) and not isinstance(value, bool):
                return str(value)
    return ""


def _user_in(body: bytes) -> str:
    try:
        return user_of(loads(body))
    except ValueError:
        return ""


def _values_of(payload: Any, name: str) -> Iterator[Any]:
    """Yield the values of a key, the outermost first."""
    holders = [payload]
    for holder in holders:
        if isinstance(holder, dict):
            if name in holder:
                yield holder[name]
            holders += holder.values()
        elif isinstance(holder, list):
            holders += holder


def _headers(call: Call) -> Iterator[tuple[str, str]]:
    for name, value in call.headers.items():
        yield name.decode("latin-1"), value.decode("latin-1") if name in _SHOWN_HEADERS else MASK


def _body(call: Call, context: RequestContext) -> bytes:
    """Return the body; where payloads of the vendor hold keys, its events without them."""
    if not context.key_paths:
        return context.known.redact_body(call.body)
    shown = [with_keys_masked(item.payload, context.key_paths) for item in context.items]
    return context.known.redact_body(dumps(shown[0] if len(shown) == 1 else shown))


def _without_keys(item: ReceivedItem, context: RequestContext) -> bytes:
    paths = context.key_paths
    return context.known.redact_body(
        dumps(with_keys_masked(item.payload, paths)) if paths else item.raw
    )
