"""Posting: a request goes out over a transport; a reply comes back, or the reason why not."""

import asyncio
import base64
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache

import httpx

from segcli import __version__
from segcli.delivery.http.deadlines import Deadlines
from segcli.delivery.http.transport import ADDRESS, opened
from segcli.destination import Request
from segcli.verdict import Reply

# Verdicts excerpt a reply, or read what it says of each item of a batch.
LONGEST_REPLY = 4 * 1024 * 1024

_MORSEL = 1024
_UNREADABLE = b"(a body that cannot be decoded)"


@dataclass(frozen=True, slots=True)
class NoReply:
    """The vendor did not answer, or not whole. `final`: it will not until something is changed."""

    reason: str
    final: bool = False


Post = Callable[[Request], Awaitable[Reply | NoReply]]


@asynccontextmanager
async def posting(transport: str, *, timeout: float) -> AsyncIterator[Post]:
    """Yield what posts requests, any number at once, over connections that are kept alive.

    `transport` is one of TRANSPORTS. `timeout` (seconds) holds for a request and its reply in
    all. Redirects are never followed, since the key would go along. Of a reply longer than
    LONGEST_REPLY only the beginning is read. Raises ImportError where the transport cannot be
    loaded.
    """
    carrier = opened(transport)
    deadlines = Deadlines(timeout)

    async def post(request: Request) -> Reply | NoReply:
        task = deadlines.begin()
        try:
            return await _answer(carrier, _as_of_httpx(request))
        except asyncio.CancelledError:
            if deadlines.has_passed(task):
                return NoReply(f"no answer within {timeout:g} s")
            raise
        except httpx.RequestError as error:
            return _no_reply(error, request)
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


# --- the reply


async def _answer(carrier: httpx.AsyncBaseTransport, request: httpx.Request) -> Reply:
    """Post once and read the reply, or the beginning of a long one."""
    response = await carrier.handle_async_request(request)
    headers = _headers(response)
    try:
        body = await _beginning(_chunks(response, headers))
    except httpx.DecodingError:
        # The vendor has answered; what it said of single items is not to be taken for nothing.
        body = _UNREADABLE
    finally:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        await response.stream.aclose()
    return Reply(response.status_code, headers, body)


async def _beginning(chunks: AsyncIterator[bytes]) -> bytes:
    read = b""
    async for chunk in chunks:
        read += chunk
        if len(read) >= LONGEST_REPLY:
            return read[:LONGEST_REPLY]
    return read


def _chunks(response: httpx.Response, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    """Yield the body as it is meant; httpx takes its time to find out that nothing is packed."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    if "content-encoding" not in headers:
        return aiter(response.stream)
    response.stream = _Morsels(response.stream)
    return response.aiter_bytes()


class _Morsels(httpx.AsyncByteStream):
    """A packed body in pieces so small that none unpacks to much, though it be all zeros."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            for start in range(0, len(chunk), _MORSEL):
                yield chunk[start : start + _MORSEL]

    async def aclose(self) -> None:
        await self._stream.aclose()


def _headers(response: httpx.Response) -> Mapping[str, str]:
    """Return the headers by their names in lower case; several of a name joined by commas."""
    headers = _as_texts(tuple(response.headers.raw))
    return headers if "date" in headers else {**headers, "date": formatdate(usegmt=True)}


@lru_cache
def _as_texts(raw: tuple[tuple[bytes, bytes], ...]) -> Mapping[str, str]:
    """Return them so; those of most replies within a second are the same."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


# --- no reply


def _no_reply(error: httpx.RequestError, request: Request) -> NoReply:
    reason = _REASONS.get(type(error), "no reply")
    if isinstance(error, httpx.ConnectError):
        reason = f"{reason} to {httpx.URL(request.url).netloc.decode()}"
    detail = _detail(error)
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


def _is_untrusted(error: BaseException) -> bool:
    """Tell whether the server's certificate was refused, which trying again cannot mend."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and what led to it, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


_REASONS: dict[type[httpx.RequestError], str] = {
    httpx.ConnectError: "cannot connect",
    httpx.ProxyError: "the proxy failed",
    httpx.ReadError: "the connection was reset",
    httpx.WriteError: "the connection was reset",
    httpx.RemoteProtocolError: "no whole reply",
    httpx.LocalProtocolError: "no such request can be made",
    httpx.UnsupportedProtocol: "no request can go to this address",
}
_FINAL = (httpx.LocalProtocolError, httpx.UnsupportedProtocol)
