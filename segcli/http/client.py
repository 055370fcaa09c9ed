"""Posting: a request goes out over a transport; a reply comes back, or the reason why not."""

import asyncio
import base64
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

import httpx

from segcli import __version__
from segcli.core.destination import Request
from segcli.core.reply import EXCERPT, Reply
from segcli.http import ADDRESS
from segcli.http.reply_reader import NotAReply, ReplyReader
from segcli.http.transports import open_transport


@dataclass(frozen=True, slots=True)
class NoReply:
    """No status came from the vendor. `final`: none will until something is changed."""

    reason: str
    final: bool = False


Post = Callable[[Request], Awaitable[Reply | NoReply]]


@asynccontextmanager
async def open_client(transport: str, *, timeout: float) -> AsyncIterator[Post]:
    """Yield what posts requests, any number at once, over connections that are kept alive.

    `transport` is one of TRANSPORTS. `timeout` (seconds) holds for a request and its reply in
    all. Redirects are never followed, since the key would go along. A reply whose status came is
    a Reply, `broken` where the rest did not come whole. Raises ImportError where the transport
    cannot be loaded.
    """
    carrier = open_transport(transport)
    deadlines = Deadlines(timeout)

    async def post(request: Request) -> Reply | NoReply:
        task = deadlines.begin()
        reader = ReplyReader()
        try:
            return await reader.read(await carrier.handle_async_request(_as_of_httpx(request)))
        except asyncio.CancelledError:
            if not deadlines.has_passed(task):
                raise
            late = reader.broken_off(f"not whole within {timeout:g} s")
            return late or NoReply(f"no answer within {timeout:g} s")
        except NotAReply as problem:
            return NoReply(f"{_NOT_WHOLE}: {problem}")
        except httpx.RequestError as error:
            failure = _no_reply(error, request)
            return reader.broken_off(failure.reason.removeprefix(f"{_NOT_WHOLE}: ")) or failure
        except (httpx.InvalidURL, UnicodeError) as error:
            return NoReply(f"no request can go to this address: {error}", final=True)
        finally:
            deadlines.over(task)

    try:
        yield post
    finally:
        deadlines.close()
        await carrier.aclose()
        # What was closed is told so by the loop, which must not be closed before.
        for _ in range(3):
            await asyncio.sleep(0)


# --- the request


def _as_of_httpx(request: Request) -> httpx.Request:
    """Make a request straight away: what `httpx.AsyncClient` does for it costs as much again.

    The transport adds its length. Raises InvalidURL and UnicodeError.
    """
    to = _address(request.url, tuple(request.headers.items()))
    return httpx.Request(
        request.method,
        to.url,
        headers=to.headers,
        stream=httpx.ByteStream(request.body),
        extensions=to.extensions,
    )


@dataclass(frozen=True, slots=True)
class _Address:
    """What requests to an address have in common. A text tells addresses apart in no time."""

    url: httpx.URL
    headers: httpx.Headers
    extensions: Mapping[str, str]


@lru_cache
def _address(text: str, own: tuple[tuple[str, str], ...]) -> _Address:
    """Return an address without the user it may name, and all headers of a request to it."""
    url = httpx.URL(text)
    headers = {"host": ("Host", url.netloc.decode("ascii"))}
    headers |= {name.lower(): (name, value) for name, value in (*_HEADERS.items(), *own)}
    if url.userinfo:
        credentials = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
        headers["authorization"] = ("Authorization", f"Basic {credentials}")
        url = url.copy_with(userinfo=b"")
    return _Address(url, httpx.Headers(list(headers.values())), {ADDRESS: str(url)})


_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"segcli/{__version__}",
}


# --- no reply


def _no_reply(error: httpx.RequestError, request: Request) -> NoReply:
    reason = _REASONS.get(type(error), "no reply")
    if isinstance(error, httpx.ConnectError):
        reason = f"{reason} to {httpx.URL(request.url).netloc.decode()}"
    detail = _without_quotes(_detail(error))
    if is_untrusted := _is_untrusted(error):
        detail += "; SSL_CERT_FILE=PATH names authorities to trust"
    is_final = is_untrusted or isinstance(error, _FINAL)
    return NoReply(f"{reason}: {detail}" if detail else reason, is_final)


def _detail(error: httpx.RequestError) -> str:
    """Say what the system said, where the libraries only say that something failed."""
    for cause in _causes(error):
        match cause:
            case socket.gaierror():
                return str(cause.strerror)
            case OSError(errno=int(number)) if number > 0 and not isinstance(cause, ssl.SSLError):
                return os.strerror(number)
    return str(error).strip()


def _without_quotes(detail: str) -> str:
    """Return it without the bytes of the vendor that it quotes, where they are many.

    To cut within them could leave a part of a key, which is not recognized then.
    """
    if len(detail) <= EXCERPT:
        return detail
    return re.split(r":? (?:bytearray\()?b['\"]", detail, maxsplit=1)[0][:EXCERPT]


def _is_untrusted(error: BaseException) -> bool:
    """Tell whether the server's certificate was refused, which trying again cannot mend."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and what led to it, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


_NOT_WHOLE = "no whole reply"
_REASONS: dict[type[httpx.RequestError], str] = {
    httpx.ConnectError: "cannot connect",
    httpx.ProxyError: "the proxy failed",
    httpx.ReadError: "the connection was reset",
    httpx.WriteError: "the connection was reset",
    httpx.RemoteProtocolError: _NOT_WHOLE,
    httpx.LocalProtocolError: "no such request can be made",
    httpx.UnsupportedProtocol: "no request can go to this address",
}
_FINAL = (httpx.LocalProtocolError, httpx.UnsupportedProtocol)


# A task asks once which it is: until Python 3.12 that takes a while.
_THIS: ContextVar[asyncio.Task[object] | None] = ContextVar("_THIS", default=None)


class Deadlines:
    """Gives each task `seconds` for what it does next.

    `asyncio.timeout` sets a timer each time, which took a twentieth of a request. Since all have
    equally long, one for whoever began first will do.
    """

    def __init__(self, seconds: float) -> None:
        # Until Python 3.12 to ask which loop is running takes a system call.
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._due: dict[asyncio.Task[object], float] = {}
        self._passed: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> asyncio.Task[object]:
        """Cancel this task unless it says in time that it is `over`; returns it."""
        task = _THIS.get()
        if task is None:
            task = asyncio.current_task()
            assert task is not None
            _THIS.set(task)
        self._due[task] = due = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._cut_off)
        return task

    def over(self, task: asyncio.Task[object]) -> None:
        """Let the task take its time again."""
        self._due.pop(task, None)

    def has_passed(self, task: asyncio.Task[object]) -> bool:
        """Tell, once, whether the task was cancelled for this alone, and so may go on."""
        if task not in self._passed:
            return False
        self._passed.remove(task)
        return task.uncancel() == 0

    def close(self) -> None:
        """Cut off nothing more."""
        if self._timer:
            self._timer.cancel()

    def _cut_off(self) -> None:
        now = self._loop.time()
        self._timer = None
        # Whoever began later is due later, and stands behind.
        while self._due:
            task, due = next(iter(self._due.items()))
            if due > now:
                self._timer = self._loop.call_at(due, self._cut_off)
                break
            del self._due[task]
            self._passed.add(task)
            task.cancel()
