"""aiohttp as a transport of httpx: an `httpx.Request` goes in, an `httpx.Response` comes out.

A package of others does the same, but lets errors of aiohttp through, calls every failure a
timeout, and writes the names of headers in small letters.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from functools import lru_cache, partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.payload import BytesPayload
from multidict import CIMultiDict
from yarl import URL

from segcli.http import ADDRESS
from segcli.http.aiohttp_protocol import ReplyProtocol
from segcli.http.proxy import proxy_for

if TYPE_CHECKING:
    from aiohttp.tracing import Trace

_CHUNK = 16 * 1024
# From here on aiohttp wants to write a body piece by piece, and warns where it cannot.
_LARGE = 1024 * 1024
_LONGEST_HEADER = 64 * 1024
# aiohttp would add a type where there is none, and takes its time to leave things out.
_NO_TYPE = ("Content-Type",)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """One session of aiohttp, opened by the first request; it keeps its connections alive.

    `security` gives what every connection by TLS shares. A request that is cancelled closes its
    connection.
    """

    def __init__(self, security: Callable[[], ssl.SSLContext]) -> None:
        self._security = security
        self._session: aiohttp.ClientSession | None = None
        self._route_to = lru_cache(self._new_route)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request, once; return the reply as soon as its headers are there."""
        _UNDER_WAY.set(None)
        session = self._session = self._session or _new_session()
        body = request.read()
        headers = _as_sent(tuple(request.headers.raw))
        try:
            address, how = self._route_to(request.extensions.get(ADDRESS) or str(request.url))
            reply = await session.request(
                request.method,
                address,
                data=BytesPayload(body) if len(body) < _LARGE else BytesIO(body),
                headers=headers,
                skip_auto_headers=_NO_TYPE if "Content-Type" not in headers else None,
                allow_redirects=False,
                **how,
            )
        except _FAILURES as error:
            raise _as_of_httpx(error, request) from error
        except asyncio.CancelledError:
            _abort()
            raise
        said = _as_read(reply.raw_headers)
        return httpx.Response(reply.status, headers=said, stream=_Body(reply, request))

    def _new_route(self, address: str) -> tuple[URL, dict[str, Any]]:
        """Return an address as aiohttp knows it, and how to get there."""
        url = httpx.URL(address)
        how: dict[str, Any] = {}
        if proxy := proxy_for(url):
            how["proxy"] = proxy
        if url.scheme == "https":
            how["ssl"] = self._security()
        return URL(address, encoded=True), how

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session:
            await self._session.close()


class _Body(httpx.AsyncByteStream):
    """A reply's body, as it was sent. Closed before its end it takes its connection with it."""

    def __init__(self, reply: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._reply = reply
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._reply.content
        try:
            while not content.at_eof():
                # Most replies are there whole by now: nothing of them has to be awaited.
                if chunk := content.read_nowait(_CHUNK) or await content.read(_CHUNK):
                    yield chunk
        except _FAILURES as error:
            raise _as_of_httpx(error, self._request) from error

    async def aclose(self) -> None:
        # It has been given back once the reply was read and the request written to their ends.
        is_unfinished = self._reply.connection is not None
        self._reply.close()
        if is_unfinished:
            _abort()


class _Connector(aiohttp.TCPConnector):
    """Remembers for each task the connection that its request goes over."""

    def __init__(self) -> None:
        super().__init__(limit=0)
        protocol: type[ResponseHandler] = ReplyProtocol
        self._factory = partial(protocol, loop=self._loop)

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: "list[Trace]",
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        _UNDER_WAY.set(connection.transport)
        return connection


_UNDER_WAY: ContextVar[asyncio.Transport | None] = ContextVar("_UNDER_WAY", default=None)


def _abort() -> None:
    """Close this task's connection at once; aiohttp would first wait until all is written.

    A server that reads no more would keep the connection, and the body, for ever.
    """
    if transport := _UNDER_WAY.get():
        transport.abort()


@lru_cache
def _as_sent(raw: tuple[tuple[bytes, bytes], ...]) -> CIMultiDict[str]:
    """Return headers as aiohttp has them; those of most requests are the same."""
    return CIMultiDict((name.decode(), value.decode()) for name, value in raw)


@lru_cache
def _as_read(raw: tuple[tuple[bytes, bytes], ...]) -> httpx.Headers:
    """Return headers as httpx has them; those of most replies within a second are the same."""
    return httpx.Headers(raw)


def _new_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=_Connector(),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        auto_decompress=False,
        max_line_size=_LONGEST_HEADER,
        max_field_size=_LONGEST_HEADER,
    )


_FAILURES = (aiohttp.ClientError, OSError, ValueError)


def _as_of_httpx(error: Exception, request: httpx.Request) -> httpx.RequestError:
    return _kind_of(error)(_text_of(error), request=request)


def _kind_of(error: Exception) -> type[httpx.RequestError]:
    for theirs, ours in _KINDS.items():
        if isinstance(error, theirs):
            return ours
    return httpx.LocalProtocolError


# The first that fits.
_KINDS: dict[type[Exception], type[httpx.RequestError]] = {
    aiohttp.ClientProxyConnectionError: httpx.ProxyError,
    aiohttp.ClientHttpProxyError: httpx.ProxyError,
    aiohttp.ClientConnectorError: httpx.ConnectError,
    aiohttp.ClientSSLError: httpx.ConnectError,
    aiohttp.ServerDisconnectedError: httpx.RemoteProtocolError,
    aiohttp.ClientPayloadError: httpx.RemoteProtocolError,
    aiohttp.ClientResponseError: httpx.RemoteProtocolError,
    aiohttp.InvalidURL: httpx.UnsupportedProtocol,
    UnicodeError: httpx.UnsupportedProtocol,
    aiohttp.ClientConnectionError: httpx.ReadError,
    OSError: httpx.ReadError,
}


def _text_of(error: Exception) -> str:
    """Say what happened, without the addresses that aiohttp tells each time."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return str(error.certificate_error)
        case aiohttp.ClientConnectorError():
            return str(error.os_error)
        case aiohttp.ClientResponseError():
            return " ".join(error.message.split())
        case aiohttp.ClientPayloadError(__cause__=HttpProcessingError() as cause):
            return " ".join(cause.message.split())
        case _:
            return str(error)
