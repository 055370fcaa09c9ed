"""The transport over aiohttp, the default."""

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
from segcli.http.network import Network
from segcli.http.proxy import proxy_for
from segcli.http.reply_head import LONGEST_HEAD
from segcli.http.reply_reader import ReplyReader

if TYPE_CHECKING:
    from aiohttp.tracing import Trace

_CHUNK = 16 * 1024
# aiohttp warns about a larger body in bytes. A body from a file is written in pieces, without one.
_LARGE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Route:
    """The arguments that requests to one address with the same headers share.

    url: the address.
    options: the keyword arguments of aiohttp's `request`, without the body.
    """

    url: URL
    options: dict[str, Any]


class AiohttpTransport:
    """One aiohttp session, opened by the first request. It keeps its connections alive.

    A request that is cancelled closes its connection.
    """

    def __init__(
        self, exchanges: Exchanges, tls_context: Callable[[], ssl.SSLContext], network: Network
    ) -> None:
        self._exchanges = exchanges
        self._network = network
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
            # A reply that was read to its end has returned its connection.
            is_unfinished = reply.connection is not None
            reply.close()
            if is_unfinished:
                _abort()

    async def _send(self, request: Request) -> aiohttp.ClientResponse:
        """Send a request; return the reply when its headers have come."""
        _CONNECTION.set(None)
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
            # aiohttp would add one. Set only if needed: the option costs time for each request.
            options["skip_auto_headers"] = ("Content-Type",)
        if proxy := proxy_for(address, self._network):
            options["proxy"] = proxy
        if address.scheme == "https":
            options["ssl"] = self._tls_context()
        return _Route(URL(address.url, encoded=True), options)


class _Body(AsyncIterator[bytes]):
    """The pieces of a reply's body, as they were sent. Raises TransportError if it breaks off.

    Not a generator, which would cost more for each request.
    """

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def __anext__(self) -> bytes:
        content = self._content
        try:
            while not content.at_eof():
                # Fast path: most replies are in memory already, so nothing has to be awaited.
                if chunk := content.read_nowait(_CHUNK) or await content.read(_CHUNK):
                    return chunk
            if failure := content.exception():
                raise failure
        except _ERRORS as error:
            raise _failed(error) from error
        raise StopAsyncIteration


class _Connector(aiohttp.TCPConnector):
    """Records the connection that each task's request uses."""

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
        _CONNECTION.set(connection.transport)
        return connection


_CONNECTION: ContextVar[asyncio.Transport | None] = ContextVar("_CONNECTION", default=None)


def _abort() -> None:
    """Close this task's connection at once.

    aiohttp would first wait until all bytes are written. A server that does not read would keep
    the connection and the body forever.
    """
    if transport := _CONNECTION.get():
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
    # Otherwise aiohttp sends a PUT again if its connection breaks, but the vendor may have it.
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


# The first class that matches counts.
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
