"""The transports that may carry a request, and which of them does: the choice stands here.

aiohttp's carries about four times as many requests a second as httpx's own, and stays whole when
things go wrong. httpx's own is what remains where aiohttp cannot be loaded.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from functools import cache, lru_cache

import httpx

from segcli.http.proxy import proxy_for

TRANSPORTS: Sequence[str] = ("aiohttp", "httpx")


def open_transport(name: str) -> httpx.AsyncBaseTransport:
    """Return the transport of that name, one of TRANSPORTS; `aclose` closes its connections.

    Every transport opens as many connections as it is given requests at once, keeps them alive,
    holds itself to the proxies of the environment and to the certificates that SSL_CERT_FILE or
    else certifi names, follows no redirect, keeps no cookie, never sends a request twice by
    itself, and fails with an `httpx.RequestError`. Raises ImportError where it cannot be loaded.
    """
    # Every connection shares it, since making it takes longer than many requests.
    security = cache(httpx.create_ssl_context)
    return load(name)(security)


def load(name: str) -> Callable[[Callable[[], ssl.SSLContext]], httpx.AsyncBaseTransport]:
    """Load the transport of that name; `open_transport` is quick then. Raises ImportError."""
    if name == "httpx":
        return _OneEach
    # Whoever chooses httpx's own needs nothing of aiohttp, and may have none that can be loaded.
    from segcli.http.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

    return AiohttpTransport


class _OneEach(httpx.AsyncBaseTransport):
    """httpx's own transport, a whole one for each request at a time.

    One that is shared by many requests collapses: its pool is searched for every request.
    """

    def __init__(self, security: Callable[[], ssl.SSLContext]) -> None:
        self._security = security
        self._all: list[httpx.AsyncHTTPTransport] = []
        self._free: dict[str | None, list[httpx.AsyncHTTPTransport]] = {}
        self._proxy_for = lru_cache(proxy_for)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Content-Length"] = str(len(request.read()))
        proxy = self._proxy_for(request.url)
        free = self._free.setdefault(proxy, [])
        transport = free.pop() if free else self._new(proxy)
        try:
            response = await transport.handle_async_request(request)
        except BaseException as error:
            free.append(transport)
            if proxy and isinstance(error, httpx.ConnectError):
                raise httpx.ProxyError(str(error)) from error
            raise
        response.stream = _Giving(response, transport, free)
        return response

    def _new(self, proxy: str | None) -> httpx.AsyncHTTPTransport:
        only_one = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        made = httpx.AsyncHTTPTransport(verify=self._security(), proxy=proxy, limits=only_one)
        self._all.append(made)
        return made

    async def aclose(self) -> None:
        for transport in self._all:
            await transport.aclose()


class _Giving(httpx.AsyncByteStream):
    """A reply's body that gives its transport back once it is closed."""

    def __init__(
        self,
        response: httpx.Response,
        transport: httpx.AsyncHTTPTransport,
        free: list[httpx.AsyncHTTPTransport],
    ) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._stream = response.stream
        self._is_followed = _announces_impossible_body(response)
        self._transport = transport
        self._free = free

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
            if self._is_followed or _holds_more(self._transport):
                # What follows belongs to no reply: it must not be read as the next one.
                await self._transport.aclose()
        finally:
            self._free.append(self._transport)


def _announces_impossible_body(response: httpx.Response) -> bool:
    """Return whether a body is announced for a status that has none; some servers send one."""
    headers = response.headers
    announced = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    return announced and response.status_code in {204, 304}


def _holds_more(transport: httpx.AsyncHTTPTransport) -> bool:
    """Return whether a connection has read more than its reply. httpx has no way to ask."""
    for connection in transport._pool.connections:
        inner = getattr(connection, "_connection", None)
        state = getattr(inner, "_h11_state", None)
        if state is not None and state.trailing_data[0]:
            return True
    return False
