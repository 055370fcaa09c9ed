"""The transport over httpx, for machines where aiohttp cannot be loaded."""

import ssl
from collections.abc import Callable
from functools import lru_cache

import httpx

from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http.address import Address, headers_to, parse_address
from segcli.http.client import Exchanges, NoReply
from segcli.http.failure import Failure, TransportError
from segcli.http.proxy import proxy_for
from segcli.http.reply_reader import ReplyReader


class HttpxTransport:
    """A pool of httpx transports, each for one request at a time.

    One httpx transport for many requests would be very slow: it searches its pool for each request.
    """

    def __init__(self, exchanges: Exchanges, tls_context: Callable[[], ssl.SSLContext]) -> None:
        self._exchanges = exchanges
        self._tls_context = tls_context
        self._all: list[httpx.AsyncHTTPTransport] = []
        self._free: dict[str | None, list[httpx.AsyncHTTPTransport]] = {}
        self._proxy_for = lru_cache(proxy_for)

    async def post(self, request: Request) -> Reply | NoReply:
        """Send a request once and read the reply."""
        return await self._exchanges.run(self._exchange, request)

    async def close(self) -> None:
        """Close all connections."""
        for transport in self._all:
            await transport.aclose()

    async def _exchange(self, request: Request, reader: ReplyReader) -> Reply:
        address = parse_address(request.url)
        proxy = self._proxy_for(address)
        try:
            built = _httpx_request(request, address)
            free = self._free.setdefault(proxy, [])
            transport = free.pop() if free else self._new(proxy)
            try:
                return await _exchange_over(transport, built, reader)
            finally:
                free.append(transport)
        except httpx.InvalidURL as error:
            raise TransportError(Failure.ADDRESS, str(error)) from error
        except httpx.RequestError as error:
            failure = _FAILURES.get(type(error), Failure.OTHER)
            if proxy and failure is Failure.CONNECT:
                failure = Failure.PROXY
            raise TransportError(failure, str(error)) from error

    def _new(self, proxy: str | None) -> httpx.AsyncHTTPTransport:
        only_one = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        made = httpx.AsyncHTTPTransport(verify=self._tls_context(), proxy=proxy, limits=only_one)
        self._all.append(made)
        return made


def _httpx_request(request: Request, address: Address) -> httpx.Request:
    """Build the request without an httpx client, which would double the time."""
    headers = httpx.Headers(list(headers_to(address, request.headers.items())))
    headers["Content-Length"] = str(len(request.body))
    stream = httpx.ByteStream(request.body)
    return httpx.Request(request.method, address.url, headers=headers, stream=stream)


async def _exchange_over(
    transport: httpx.AsyncHTTPTransport, request: httpx.Request, reader: ReplyReader
) -> Reply:
    response = await transport.handle_async_request(request)
    assert isinstance(response.stream, httpx.AsyncByteStream)
    try:
        raw = tuple(response.headers.raw)
        return await reader.read(response.status_code, raw, aiter(response.stream))
    finally:
        await response.stream.aclose()
        if _announces_impossible_body(response) or _holds_more(transport):
            # The bytes that follow belong to no reply. They must not be read as the next reply.
            await transport.aclose()


def _announces_impossible_body(response: httpx.Response) -> bool:
    """True if a body is announced for a status that has no body; some servers then send one."""
    headers = response.headers
    announced = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    return announced and response.status_code in {204, 304}


def _holds_more(transport: httpx.AsyncHTTPTransport) -> bool:
    """True if a connection has read more than its reply. httpx has no public way to ask."""
    for connection in transport._pool.connections:
        inner = getattr(connection, "_connection", None)
        state = getattr(inner, "_h11_state", None)
        if state is not None and state.trailing_data[0]:
            return True
    return False


_FAILURES: dict[type[httpx.RequestError], Failure] = {
    httpx.ConnectError: Failure.CONNECT,
    httpx.ProxyError: Failure.PROXY,
    httpx.ReadError: Failure.RESET,
    httpx.WriteError: Failure.RESET,
    httpx.RemoteProtocolError: Failure.NOT_WHOLE,
    httpx.LocalProtocolError: Failure.REQUEST,
    httpx.UnsupportedProtocol: Failure.ADDRESS,
}
