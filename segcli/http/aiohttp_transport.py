"""The transport over aiohttp, the default.

It uses aiohttp's connections and its parser of replies, but not its session: that took two thirds
of the time of a request (bench_send.py), for cookies, redirects and uploads that `send` has no use
for.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http.address import Address, HeaderPairs, headers_to, parse_address, request_address
from segcli.http.aiohttp_protocol import ReplyProtocol
from segcli.http.client import Exchanges, NoReply
from segcli.http.failure import Failure, TransportError
from segcli.http.network import Network
from segcli.http.proxy import proxy_for
from segcli.http.reply_reader import ReplyReader

_CHUNK = 16 * 1024
# A request has one deadline for everything: `Exchanges` watches it.
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=None)


class AiohttpTransport:
    """The connections of aiohttp, kept alive, without a session.

    A request that is cancelled closes its connection.
    """

    def __init__(
        self, exchanges: Exchanges, tls_context: Callable[[], ssl.SSLContext], network: Network
    ) -> None:
        self._exchanges = exchanges
        self._network = network
        self._tls_context = tls_context
        self._connector = _Connector()
        self._route_to = lru_cache(self._new_route)

    async def post(self, request: Request) -> Reply | NoReply:
        """Send a request once and read the reply."""
        return await self._exchanges.run(self._exchange, request)

    async def close(self) -> None:
        """Close all connections, also those of requests that still wait for their reply."""
        await self._connector.abort_used()
        await self._connector.close()

    async def _exchange(self, request: Request, reader: ReplyReader) -> Reply:
        try:
            route = self._route_to(request.method, request.url, tuple(request.headers.items()))
            connection = await self._connector.connect(route.target, [], _NO_TIMEOUT)
            transport = connection.transport
            try:
                return await _exchange_over(connection, route.head, request.body, reader)
            finally:
                _release(connection, transport)
        except _ERRORS as error:
            raise _failed(error) from error

    def _new_route(self, method: str, url: str, own_headers: HeaderPairs) -> "_Route":
        address = request_address(url)
        headers = headers_to(address, own_headers)
        named = proxy_for(address, self._network)
        proxy = parse_address(named) if named else None
        target = self._new_target(method, address, proxy)
        path = target.url.raw_path_qs
        if proxy and address.scheme == "http":
            path = f"http://{address.authority}{path}"
            headers = (*headers, *_credentials_for(proxy))
        return _Route(target, _head(target.method, path, headers))

    def _new_target(
        self, method: str, address: Address, proxy: Address | None
    ) -> aiohttp.ClientRequest:
        credentials = _credentials_for(proxy) if proxy else ()
        uses_tls = "https" in {address.scheme, proxy.scheme if proxy else ""}
        return aiohttp.ClientRequest(
            method,
            URL(address.url, encoded=True),
            proxy=URL(proxy.url, encoded=True) if proxy else None,
            # For CONNECT. aiohttp would add the host to them, which would change the key of the
            # connection.
            proxy_headers=(("Host", address.authority), *credentials) if credentials else None,
            ssl=self._tls_context() if uses_tls else True,
            loop=asyncio.get_running_loop(),
        )


def _credentials_for(proxy: Address) -> HeaderPairs:
    return (("Proxy-Authorization", proxy.credentials),) if proxy.credentials else ()


@dataclass(frozen=True, slots=True)
class _Route:
    """What requests to one address with the same headers share.

    target: what the connector needs to connect.
    head: their head, up to the length of the body.
    """

    target: aiohttp.ClientRequest
    head: bytes


def _head(method: str, target: str, headers: HeaderPairs) -> bytes:
    """Return the head of a request, without the length of its body and what follows."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "Content-Length: "]).encode("ascii")


async def _exchange_over(
    connection: Connection, head: bytes, body: bytes, reader: ReplyReader
) -> Reply:
    protocol = cast(ReplyProtocol, connection.protocol)
    protocol.expect_reply()
    if transport := connection.transport:
        # It keeps what the system does not take at once: a reply may come before all is written.
        transport.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
    reader.is_sent = protocol.has_written_all
    message, content = await protocol.read_final()
    return await reader.read(message.code, message.raw_headers, _Body(content))


def _release(connection: Connection, transport: asyncio.Transport | None) -> None:
    """Keep a connection for the next request, if both the request and its reply are over.

    Otherwise close it at once. aiohttp would first wait until all bytes are written, or until the
    other end of TLS ends too: a server that does neither would keep the connection.
    """
    protocol = cast(ReplyProtocol, connection.protocol)
    if transport is None:
        connection.close()
    elif protocol.is_reusable and not (transport.is_closing() or _holds_unsent(transport)):
        connection.release()
    else:
        transport.abort()
        connection.close()


def _holds_unsent(transport: asyncio.Transport) -> bool:
    """True if the system has not taken all that was written.

    A TLS transport hands everything to the one below it, for which asyncio has no public name.
    """
    if transport.get_write_buffer_size():
        return True
    tls = getattr(transport, "_ssl_protocol", None)
    below: asyncio.Transport | None = getattr(tls, "_transport", None)
    return below is not None and _holds_unsent(below)


class _Body(AsyncIterator[bytes]):
    """The pieces of a reply's body, as they were sent. Raises what aiohttp does if it breaks off.

    Not a generator, which would cost more for each request.
    """

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def __anext__(self) -> bytes:
        content = self._content
        while not content.at_eof():
            # Fast path: most replies are in memory already, so nothing has to be awaited.
            if chunk := content.read_nowait(_CHUNK) or await content.read(_CHUNK):
                return chunk
        if failure := content.exception():
            raise failure
        raise StopAsyncIteration


class _Connector(aiohttp.TCPConnector):
    """Any number of connections, with the protocol that keeps a status."""

    def __init__(self) -> None:
        super().__init__(limit=0)
        protocol: type[ResponseHandler] = ReplyProtocol
        self._factory = partial(protocol, loop=self._loop)

    async def abort_used(self) -> None:
        """Close the connections that requests use. `close` would wait until all is written."""
        used = tuple(self._acquired)
        for protocol in used:
            if protocol.transport:
                protocol.transport.abort()
        closed = [protocol.closed for protocol in used]
        await asyncio.gather(*filter(None, closed), return_exceptions=True)


_ERRORS = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


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
    HttpProcessingError: Failure.NOT_WHOLE,
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
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return " ".join(error.message.split())
        case aiohttp.ClientPayloadError(__cause__=HttpProcessingError() as cause):
            return " ".join(cause.message.split())
        case _:
            return str(error)
