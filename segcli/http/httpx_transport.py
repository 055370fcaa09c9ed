"""The transport over httpx, for machines where aiohttp cannot be loaded."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import httpx

from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http.address import Address, headers_to, request_address
from segcli.http.client import Exchanges, NoReply
from segcli.http.failure import Failure, TransportError
from segcli.http.httpx_heads import HeadKeeper, keep_heads
from segcli.http.network import Network
from segcli.http.proxy import proxy_for
from segcli.http.reply_head import WITHOUT_BODY, framing_problem
from segcli.http.reply_reader import ReplyReader


@dataclass(frozen=True, slots=True)
class _PooledTransport:
    """An httpx transport for one request at a time.

    transport: the transport.
    heads: keeps the heads of its replies.
    """

    transport: httpx.AsyncHTTPTransport
    heads: HeadKeeper


class HttpxTransport:
    """A pool of httpx transports, each for one request at a time.

    One httpx transport for many requests would be very slow: it searches its pool for each request.
    """

    def __init__(
        self, exchanges: Exchanges, tls_context: Callable[[], ssl.SSLContext], network: Network
    ) -> None:
        self._exchanges = exchanges
        self._tls_context = tls_context
        self._all: list[_PooledTransport] = []
        self._free: dict[tuple[str | None, str], list[_PooledTransport]] = {}
        self._proxy_for = lru_cache(partial(proxy_for, network=network))

    async def post(self, request: Request) -> Reply | NoReply:
        """Send a request once and read the reply."""
        return await self._exchanges.run(self._exchange, request)

    async def close(self) -> None:
        """Close all connections."""
        for pooled in self._all:
            await pooled.transport.aclose()

    async def _exchange(self, request: Request, reader: ReplyReader) -> Reply:
        address = request_address(request.url)
        proxy = self._proxy_for(address)
        try:
            built = _httpx_request(request, address)
            free = self._free.setdefault((proxy, address.scheme), [])
            pooled = free.pop() if free else self._new(proxy, address.scheme)
            try:
                return await _exchange_over(pooled, built, reader)
            finally:
                free.append(pooled)
        except httpx.InvalidURL as error:
            raise TransportError(Failure.ADDRESS, str(error)) from error
        except httpx.RequestError as error:
            raise _failed(error, proxy) from error

    def _new(self, proxy: str | None, scheme: str) -> _PooledTransport:
        only_one = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        layers = [scheme, (proxy or "").partition(":")[0]].count("https")
        # Without TLS no certificate is needed, so none is loaded.
        verify = self._tls_context() if layers else False
        made = httpx.AsyncHTTPTransport(verify=verify, proxy=proxy, limits=only_one)
        pooled = _PooledTransport(made, keep_heads(made, layers))
        self._all.append(pooled)
        return pooled


def _httpx_request(request: Request, address: Address) -> httpx.Request:
    """Build the request without an httpx client, which would double the time."""
    headers = httpx.Headers(list(headers_to(address, request.headers.items())))
    headers["Content-Length"] = str(len(request.body))
    stream = httpx.ByteStream(request.body)
    return httpx.Request(request.method, address.url, headers=headers, stream=stream)


async def _exchange_over(
    pooled: _PooledTransport, request: httpx.Request, reader: ReplyReader
) -> Reply:
    pooled.heads.begin()
    reader.is_sent = pooled.heads.reads_reply
    try:
        response = await pooled.transport.handle_async_request(request)
    except httpx.RemoteProtocolError:
        if head := pooled.heads.final_head():
            # The status is complete, only the rest of the reply is not valid.
            reader.begin(*head)
        raise
    assert isinstance(response.stream, httpx.AsyncByteStream)
    try:
        raw = tuple(response.headers.raw)
        _check_framing(pooled, response, reader)
        return await reader.read(response.status_code, raw, aiter(response.stream))
    finally:
        await response.stream.aclose()
        is_unsafe = _announces_impossible_body(response) or pooled.heads.has_stray
        if is_unsafe or _holds_more(pooled.transport):
            # The bytes that follow belong to no reply. They must not be read as the next reply.
            await pooled.transport.aclose()


def _check_framing(pooled: _PooledTransport, response: httpx.Response, reader: ReplyReader) -> None:
    """Raise TransportError if the headers contradict each other about the length of the body.

    They are read from the wire, because h11 merges headers.
    """
    head = pooled.heads.final_head()
    if head is None or response.status_code in WITHOUT_BODY:
        return
    if problem := framing_problem(head[1]):
        reader.begin(*head)
        raise TransportError(Failure.NOT_WHOLE, problem)


def _announces_impossible_body(response: httpx.Response) -> bool:
    """True if a body is announced for a status that has no body; some servers then send one."""
    headers = response.headers
    announced = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    return announced and response.status_code in WITHOUT_BODY


def _holds_more(transport: httpx.AsyncHTTPTransport) -> bool:
    """True if a connection has read more than its reply. httpx has no public way to ask."""
    for connection in transport._pool.connections:
        inner = getattr(connection, "_connection", None)
        state = getattr(inner, "_h11_state", None)
        if state is not None and state.trailing_data[0]:
            return True
    return False


def _failed(error: httpx.RequestError, proxy: str | None) -> TransportError:
    failure = _FAILURES.get(type(error), Failure.OTHER)
    if proxy and failure is Failure.CONNECT:
        failure = Failure.PROXY
    if failure is Failure.NOT_WHOLE and str(error).startswith(_SAID_NOTHING):
        return TransportError(Failure.CLOSED, "")
    return TransportError(failure, str(error))


# httpx has no error of its own for it.
_SAID_NOTHING = "Server disconnected"

_FAILURES: dict[type[httpx.RequestError], Failure] = {
    httpx.ConnectError: Failure.CONNECT,
    httpx.ProxyError: Failure.PROXY,
    httpx.ReadError: Failure.RESET,
    httpx.WriteError: Failure.RESET,
    httpx.RemoteProtocolError: Failure.NOT_WHOLE,
    httpx.LocalProtocolError: Failure.REQUEST,
    httpx.UnsupportedProtocol: Failure.ADDRESS,
}
