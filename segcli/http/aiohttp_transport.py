"""The transport over aiohttp, the one that is used unless a user asks for another."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.payload import BytesPayload
from multidict import CIMultiDict
from yarl import URL

from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http.address import HeaderPairs, headers_to, parse_address
from segcli.http.aiohttp_protocol import ReplyProtocol
from segcli.http.client import Exchanges, NoReply
from segcli.http.failure import Failure, TransportError
from segcli.http.proxy import proxy_for
from segcli.http.reply_head import LONGEST_HEAD
from segcli.http.reply_reader import ReplyReader

if TYPE_CHECKING:
    from aiohttp.tracing import Trace

_CHUNK = 16 * 1024
# aiohttp warns about a larger body of bytes, and writes one of a file piece by piece.
_LARGE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Route:
    """What requests to one address with the same headers share.

    options: what aiohttp's `request` is called with, beside the method, address and body.
    """

    url: URL
    options: dict[str, Any]


class AiohttpTransport:
    """One session of aiohttp, opened by the first request; it keeps its connections alive.

    A request that is cancelled closes its connection.
    """

    def __init__(self, exchanges: Exchanges, tls_context: Callable[[], ssl.SSLContext]) -> None:
        self._exchanges = exchanges
        self._tls_context = tls_context
        self._session: aiohttp.ClientSession | None = None
        self._route_to = lru_cache(self._new_route)

    async def post(self, request: Request) -> Reply | NoReply:
        """Send a request once and read the reply."""
        return await self._exchanges.run(self._exchange, request)

    async def close(self) -> None:
        """Close all connections."""
        if self._session:
            await self._session.close()

    async def _exchange(self, request: Request, reader: ReplyReader) -> Reply:
        reply = await self._send(request)
        try:
            return await reader.read(reply.status, reply.raw_headers, _Body(reply.content))
        finally:
            # A reply that was read to its end has given its connection back.
            is_unfinished = reply.connection is not None
            reply.close()
            if is_unfinished:
                _abort()

    async def _send(self, request: Request) -> aiohttp.ClientResponse:
        """Send a request; return the reply when its headers are there."""
        _UNDER_WAY.set(None)
        session = self._session = self._session or _new_session()
        body = request.body
        data = BytesPayload(body) if len(body) < _LARGE else BytesIO(body)
        try:
            route = self._route_to(request.url, tuple(request.headers.items()))
            return await session.request(request.method, route.url, data=data, **route.options)
        except _ERRORS as error:
            raise _failed(error) from error
        except asyncio.CancelledError:
            _abort()
            raise

    def _new_route(self, url: str, own_headers: HeaderPairs) -> _Route:
        address = parse_address(url)
        headers = CIMultiDict(headers_to(address, own_headers))
        options: dict[str, Any] = {"headers": headers, "allow_redirects": False}
        if "Content-Type" not in headers:
            # aiohttp would add one. To name headers to leave out costs time for each request.
            options["skip_auto_headers"] = ("Content-Type",)
        if proxy := proxy_for(address):
            options["proxy"] = proxy
        if address.scheme == "https":
            options["ssl"] = self._tls_context()
        return _Route(URL(address.url, encoded=True), options)


class _Body(AsyncIterator[bytes]):
    """The body of a reply, in pieces, as it was sent. Raises TransportError where it breaks off.

    A generator would cost more for each request.
    """

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def __anext__(self) -> bytes:
        content = self._content
        try:
            while not content.at_eof():
                # Most replies are in memory by now: then there is nothing to await.
                if chunk := content.read_nowait(_CHUNK) or await content.read(_CHUNK):
                    return chunk
            if failure := content.exception():
                raise failure
        except _ERRORS as error:
            raise _failed(error) from error
        raise StopAsyncIteration


class _Connector(aiohttp.TCPConnector):
    """Remembers the connection that carries the request of each task."""

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
    """Close this task's connection at once.

    aiohttp would first wait until all is written: a server that reads no more would keep the
    connection, and the body, for ever.
    """
    if transport := _UNDER_WAY.get():
        transport.abort()


def _new_session() -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=_Connector(),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        auto_decompress=False,
        max_line_size=LONGEST_HEAD,
        max_field_size=LONGEST_HEAD,
    )
    # Or a PUT whose connection breaks is sent again at once, though the vendor may have it.
    session._retry_connection = False
    return session


_ERRORS = (aiohttp.ClientError, OSError, ValueError)


def _failed(error: Exception) -> TransportError:
    return TransportError(_kind_of(error), _text_of(error))


def _kind_of(error: Exception) -> Failure:
    for theirs, failure in _FAILURES.items():
        if isinstance(error, theirs):
            return failure
    return Failure.REQUEST


# The first that fits.
_FAILURES: dict[type[Exception], Failure] = {
    aiohttp.ClientProxyConnectionError: Failure.PROXY,
    aiohttp.ClientHttpProxyError: Failure.PROXY,
    aiohttp.ClientConnectorError: Failure.CONNECT,
    aiohttp.ClientSSLError: Failure.CONNECT,
    aiohttp.ServerDisconnectedError: Failure.CLOSED,
    aiohttp.ClientPayloadError: Failure.NOT_WHOLE,
    aiohttp.ClientResponseError: Failure.NOT_WHOLE,
    aiohttp.InvalidURL: Failure.ADDRESS,
    UnicodeError: Failure.ADDRESS,
    aiohttp.ClientConnectionError: Failure.RESET,
    OSError: Failure.RESET,
}


def _text_of(error: Exception) -> str:
    """Return what happened, without the address that aiohttp adds to each message."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return str(error.certificate_error)
        case aiohttp.ClientConnectorError():
            return str(error.os_error)
        case aiohttp.ServerDisconnectedError():
            return ""
        case aiohttp.ClientOSError(errno=None):
            return str(error.__cause__ or "")
        case aiohttp.ClientResponseError():
            return " ".join(error.message.split())
        case aiohttp.ClientPayloadError(__cause__=HttpProcessingError() as cause):
            return " ".join(cause.message.split())
        case _:
            return str(error)
