"""The transports that may carry a request, and which of them does: the choice stands here.

aiohttp's carries about four times as many requests a second as httpx's own, and stays whole when
things go wrong. httpx's own is what remains where aiohttp cannot be loaded.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from functools import cache, lru_cache

import httpx

from segcli.delivery.http.proxy import proxy_for

TRANSPORTS: Sequence[str] = ("aiohttp", "httpx")
# The extension of a request that holds its address as a text: to compare two `httpx.URL` takes
# longer than to open a route.
ADDRESS = "segcli.address"


def opened(name: str) -> httpx.AsyncBaseTransport:
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
    """Load the transport of that name; `opened` is quick then. Raises ImportError."""
    if name == "httpx":
        return _OneEach
    # Whoever chooses httpx's own needs nothing of aiohttp, and may have none that can be loaded.
    from segcli.delivery.http.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

    return AiohttpTransport


class _OneEach(httpx.AsyncBaseTransport):
    """httpx's own transport, a whole one for each request at a time.

    One that is shared by many requests collapses: its pool is searched for every request.
    """

    def __init__(self, security: Callable[[], ssl.SSLContext]) -> None:
        self._security = security
        self._all: list[httpx.AsyncBaseTransport] = []
        self._free: dict[str | None, list[httpx.AsyncBaseTransport]] = {}
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
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Giving(response.stream, transport, free)
        return response

    def _new(self, proxy: str | None) -> httpx.AsyncBaseTransport:
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
        stream: httpx.AsyncByteStream,
        transport: httpx.AsyncBaseTransport,
        free: list[httpx.AsyncBaseTransport],
    ) -> None:
        self._stream = stream
        self._transport = transport
        self._free = free

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._free.append(self._transport)
