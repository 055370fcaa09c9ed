"""Posts requests with an access token of OAuth, which it fetches and renews.

The token is in memory only: it is in the request that leaves, and hidden in what comes back.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from segcli.core.destination import Request
from segcli.core.redaction import Redactor
from segcli.core.reply import Reply, Retry, answer, by_status, retry_after
from segcli.core.secret import Secret
from segcli.core.token import Token, read_token
from segcli.http.client import NoReply, Post

# A token is renewed this many seconds before it ends; a short-lived one after nine tenths.
_MARGIN = 60.0
_SHARE = 0.9
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class _Held:
    """A token in use.

    token: the token.
    until: when it is to be renewed, by the clock.
    redactor: hides it.
    """

    token: Token
    until: float
    redactor: Redactor


class TokenPost:
    """Posts requests with the header `Authorization: Bearer …`.

    All callers share one token: it is fetched once, renewed before it ends, and once more for a
    request that is answered with 401, which is then sent again. Without a token nothing is sent.

    post: sends a request without a token.
    request_of: makes the request for a token, with the refresh token that came last, "" for none.
    setting: the setting to check if the token is refused.
    redactor: hides the keys of the job.
    before_send: is awaited before a request that has waited for a token, which may have taken long.
    """

    def __init__(
        self,
        post: Post,
        request_of: Callable[[str], Request],
        *,
        setting: str,
        redactor: Redactor,
        before_send: Callable[[], Awaitable[None]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._post = post
        self._request_of = request_of
        self._setting = setting
        self._redactor = redactor
        self._before_send = before_send
        self._now = now
        self._held: _Held | None = None
        self._refresh = ""
        self._fetching = asyncio.Lock()

    async def __call__(self, request: Request) -> Reply | NoReply:
        """Send a request, and once more with another token if this one is not accepted."""
        held = self._held
        if held is None or self._now() >= held.until:
            found = await self._renewed(held)
            if isinstance(found, NoReply):
                return found
            await self._before_send()
            held = found
        reply = await self._posted(request, held)
        if isinstance(reply, NoReply) or reply.status != _UNAUTHORIZED:
            return reply
        found = await self._renewed(held)
        if isinstance(found, NoReply):
            return found
        await self._before_send()
        return await self._posted(request, found)

    async def _posted(self, request: Request, held: _Held) -> Reply | NoReply:
        others = request.headers.items()
        headers = {name: text for name, text in others if name.lower() != "authorization"}
        headers["Authorization"] = f"Bearer {held.token.access}"
        reply = await self._post(replace(request, headers=headers))
        if isinstance(reply, NoReply):
            return replace(reply, reason=held.redactor.redact(reply.reason))
        body = held.redactor.redact_body(reply.body)
        if not any(held.token.access in text for text in reply.headers.values()):
            return reply if body is reply.body else replace(reply, body=body)
        shown = {name: held.redactor.redact(text) for name, text in reply.headers.items()}
        return replace(reply, body=body, headers=shown)

    async def _renewed(self, used: _Held | None) -> _Held | NoReply:
        """Return another token than the one that was used; others may have fetched it already."""
        async with self._fetching:
            held = self._held
            if held is not None and held is not used and self._now() < held.until:
                return held
            reply = await self._post(self._request_of(self._refresh))
            if isinstance(reply, NoReply):
                return replace(reply, reason=f"no token: {reply.reason}")
            token = read_token(reply)
            if token is None:
                return self._without_token(reply)
            self._refresh = token.refresh or self._refresh
            self._held = self._hold(token)
            return self._held

    def _hold(self, token: Token) -> _Held:
        until = float("inf")
        if token.seconds is not None:
            until = self._now() + max(token.seconds - _MARGIN, token.seconds * _SHARE)
        hidden = (form for text in (token.access, self._refresh) for form in Secret(text).forms())
        return _Held(token, until, Redactor(hidden))

    def _without_token(self, reply: Reply) -> NoReply:
        """Return why there is no token. A success is not quoted: it may hold a token."""
        if reply.broken:
            return NoReply(f"the token address answered HTTP {reply.status}, but {reply.broken}")
        if 200 <= reply.status < 300:
            reason = f"the token address answered HTTP {reply.status}, but without an access_token"
            return NoReply(reason, final=True, setting="token_url")
        shown = replace(reply, body=self._redactor.redact_body(reply.body))
        reason = f"the token address answered {answer(shown)}"
        if isinstance(by_status(reply), Retry):
            return NoReply(reason, after=retry_after(reply))
        return NoReply(reason, final=True, setting=self._setting)
