"""Keeps the head of each reply that httpx reads, for replies that httpx refuses.

h11, the parser of httpx, refuses a reply whose headers contradict each other, and the status is
lost. So the bytes of the head are kept when they are read from the network.
"""

import ssl
from collections.abc import Iterable

import httpcore
import httpx

from segcli.http.reply_head import (
    LONGEST_HEAD,
    WITHOUT_BODY,
    RawHeaders,
    final_head,
    has_begun,
    without_stray,
)

_Options = Iterable[httpcore.SOCKET_OPTION]


class HeadKeeper(httpcore.AsyncNetworkBackend):
    """The network of one transport that carries one request at a time.

    has_stray: True if bytes that belong to no reply came before the last reply.

    `layers` is the number of TLS layers between the vendor and segcli. Only replies that come
    through all of them are kept: others are replies of a proxy.
    """

    def __init__(self, network: httpcore.AsyncNetworkBackend, layers: int) -> None:
        self._network = network
        self._layers = layers
        self._head = b""
        self._follows_bodiless = False
        self._reads_reply = False
        self.has_stray = False

    def begin(self) -> None:
        """Drop the last head, before the next request."""
        last = self.final_head()
        self._follows_bodiless = last is not None and last[0] in WITHOUT_BODY
        self._head = b""
        self._reads_reply = False
        self.has_stray = False

    def reads_reply(self) -> bool:
        """Return whether httpx has sent the request, and reads the reply."""
        return self._reads_reply

    def begin_reading(self, layer: int) -> None:
        """Note that httpx reads: it does that once it has sent all of the request."""
        self._reads_reply |= layer == self._layers

    def final_head(self) -> tuple[int, RawHeaders] | None:
        """Return the status and the headers of the reply; None if its head is not complete."""
        return final_head(self._head)

    def keep(self, data: bytes, layer: int) -> bytes:
        """Keep the bytes of a head; return the bytes to parse.

        Empty lines before a head are dropped, and so are the bytes that a vendor sends after a
        reply without a body.
        """
        if layer != self._layers or len(self._head) > LONGEST_HEAD:
            return data
        if self._follows_bodiless:
            return self._keep_without_stray(data)
        if not self._head:
            data = data.lstrip(b"\r\n")
        self._head += data
        return data

    def _keep_without_stray(self, data: bytes) -> bytes:
        came = self._head + data
        self._head = without_stray(came)
        if self._head != came:
            self.has_stray = True
        if not has_begun(self._head):
            return b""
        self._follows_bodiless = False
        return self._head

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Open a connection."""
        stream = await self._network.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._network.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """A connection, or a TLS layer on it."""

    def __init__(
        self, stream: httpcore.AsyncNetworkStream, keeper: HeadKeeper, layer: int = 0
    ) -> None:
        self._stream = stream
        self._keeper = keeper
        self._layer = layer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._keeper.begin_reading(self._layer)
        while data := await self._stream.read(max_bytes, timeout):
            if kept := self._keeper.keep(data, self._layer):
                return kept
        return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        inner = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(inner, self._keeper, self._layer + 1)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def keep_heads(transport: httpx.AsyncHTTPTransport, layers: int) -> HeadKeeper:
    """Make a transport without connections keep the heads of its replies; return their keeper.

    httpcore has an argument for the network, but httpx has no way to set it.
    """
    pool = transport._pool
    keeper = HeadKeeper(pool._network_backend, layers)
    pool._network_backend = keeper
    return keeper
