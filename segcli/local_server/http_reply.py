"""Replies as values, and the function that sends one by ASGI."""

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

_REQUEST_TIMEOUT = 408
_JSON_TYPE = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused.

    status: the status of the reply.
    problem: what is wrong; it starts with the wrong field.
    allow: the methods that are allowed, for a 405.
    """

    status: int
    problem: str
    allow: str = ""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply that is ready to be sent.

    status: the HTTP status.
    body: JSON, or empty.
    headers: names in lower case, and values.
    """

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_reply(status: int, value: Any) -> HttpReply:
    """Return a reply with a JSON value."""
    return bytes_reply(status, json.dumps(value).encode())


def bytes_reply(status: int, body: bytes) -> HttpReply:
    """Return a reply whose body is JSON already."""
    return HttpReply(status, body, (_JSON_TYPE, (b"content-length", b"%d" % len(body))))


def refused(refusal: Refusal, value: Any) -> HttpReply:
    """Return the reply to a refused request.

    For a 405 it has the header Allow. After a 408 the connection ends: a late rest of the body
    would be taken for another request.
    """
    reply = json_reply(refusal.status, value)
    more = [(b"allow", refusal.allow.encode())] if refusal.allow else []
    if refusal.status == _REQUEST_TIMEOUT:
        more.append((b"connection", b"close"))
    return HttpReply(reply.status, reply.body, (*reply.headers, *more))


async def send_reply(send: Send, reply: HttpReply, more: Headers = ()) -> None:
    """Send a reply, with more headers."""
    headers = [*reply.headers, *more]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
