"""Who may use the page: this machine, its own origin, and only with the token of its address."""

import secrets
from dataclasses import dataclass
from functools import partial

from segcli.local_server.background_server import App
from segcli.local_server.guard import Guard
from segcli.local_server.http_reply import (
    HttpReply,
    Message,
    Receive,
    Refusal,
    Scope,
    Send,
    json_reply,
    send_reply,
)

# The most bytes of a request: a destination file or a report.
MAX_POST_BYTES = 4 * 1024 * 1024
_ORIGIN_REFUSED = "the page takes no requests from pages of other sites"
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        b"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)


class TooLarge(Exception):
    """The body of a request is larger than `MAX_POST_BYTES`."""


def new_token() -> str:
    """Return a token that cannot be guessed."""
    return secrets.token_urlsafe(32)


@dataclass(slots=True)
class Access:
    """An ASGI app that lets only allowed requests through to another one.

    Every path begins with the token. The app below sees the rest of it.

    app: the app below.
    token: the token.
    guard: the allowed values of Host and Origin; set once the address is known.
    once: a token that leads to the page a single time; "" for none. It is for the command line of a
        browser, which other users of this machine can see.
    """

    app: App
    token: str
    guard: Guard | None = None
    once: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it before its body is read."""
        if scope["type"] != "http":
            return
        if self._is_first_visit(scope):
            self.once = ""
            await self._lead(send)
            return
        if refusal := self._refusal(scope):
            reply = json_reply(refusal.status, {"problem": refusal.problem})
            await send_reply(send, reply, _HEADERS)
            return
        path = scope["path"][len(self.token) + 1 :]
        if not path:
            await self._lead(send)
            return
        below = {**scope, "path": path, "raw_path": path.encode(), "root_path": ""}
        await self.app(below, _limited(receive), partial(_send, send))

    async def _lead(self, send: Send) -> None:
        """Redirect to the page.

        Its address ends with a slash, because its files are loaded relative to it.
        """
        location = (b"location", f"/{self.token}/".encode())
        await send_reply(send, HttpReply(303, b"", (location,)), _HEADERS)

    def _is_first_visit(self, scope: Scope) -> bool:
        is_known = self.guard is not None and self.guard.refusal(scope["headers"]) is None
        return is_known and bool(self.once) and _begins_with(scope, self.once)

    def _refusal(self, scope: Scope) -> Refusal | None:
        refusal = self.guard.refusal(scope["headers"]) if self.guard else Refusal(421, "not ready")
        if refusal:
            is_foreign = refusal.status == 403
            return Refusal(refusal.status, _ORIGIN_REFUSED if is_foreign else refusal.problem)
        if not _begins_with(scope, self.token):
            return Refusal(404, "open the address that segcli printed: it ends with a token")
        return None


def _begins_with(scope: Scope, token: str) -> bool:
    """Return whether the path begins with a token; takes the same time for every other path."""
    given = scope["path"][1:].partition("/")[0]
    return secrets.compare_digest(given.encode(), token.encode())


def _limited(receive: Receive) -> Receive:
    """Return a function that receives a body of at most `MAX_POST_BYTES`; it raises TooLarge."""
    left = MAX_POST_BYTES

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise TooLarge
        return message

    return limited


async def _send(send: Send, message: Message) -> None:
    if message["type"] == "http.response.start":
        message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
    await send(message)
