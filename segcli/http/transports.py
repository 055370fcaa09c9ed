"""The transports by name, and a client over the one that a run uses.

aiohttp sends about seven times as many requests a second as httpx, and handles broken replies
better. httpx is for machines where aiohttp cannot be loaded.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial

from segcli.errors import Stopped
from segcli.http.client import Exchanges, Post, Transport
from segcli.http.network import Network

TRANSPORTS: Sequence[str] = ("aiohttp", "httpx")

# Creates a transport. The transport creates the TLS context when a request first needs it.
NewTransport = Callable[[Exchanges, Callable[[], ssl.SSLContext], Network], Transport]
_DIRECT = Network()


@asynccontextmanager
async def open_client(
    transport: str, *, timeout: float, network: Network = _DIRECT
) -> AsyncIterator[Post]:
    """Yield a function that posts requests over the transport of that name, one of TRANSPORTS.

    `timeout` (seconds) is for a request and its reply together. Raises ImportError if the transport
    cannot be loaded.
    """
    exchanges = Exchanges(timeout)
    # All connections share the context: creating it takes longer than many requests.
    tls_context = cache(partial(_new_tls_context, network))
    opened = load(transport)(exchanges, tls_context, network)
    try:
        yield opened.post
    finally:
        exchanges.close()
        await opened.close()
        # Let the event loop run the close callbacks of all connections before it is closed.
        for _ in range(3):
            await asyncio.sleep(0)


def load(name: str) -> NewTransport:
    """Import the transport of that name, so that `open_client` is quick. Raises ImportError."""
    # Each transport imports its own library, and works where the other cannot be loaded.
    if name == "httpx":
        from segcli.http.httpx_transport import HttpxTransport  # noqa: PLC0415

        return HttpxTransport
    from segcli.http.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

    return AiohttpTransport


def _new_tls_context(network: Network) -> ssl.SSLContext:
    """Trust the certificates that the user named, or else those of certifi.

    Raises Stopped if the named ones cannot be read.
    """
    if not (network.ca_file or network.ca_folder):
        import certifi  # noqa: PLC0415  # few runs need it

        return ssl.create_default_context(cafile=certifi.where())
    try:
        if network.ca_file:
            return ssl.create_default_context(cafile=network.ca_file)
        return ssl.create_default_context(capath=network.ca_folder)
    except OSError as error:
        # An error of OpenSSL has no text for people.
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        named = f"SSL_CERT_FILE={network.ca_file}" if network.ca_file else "SSL_CERT_DIR"
        raise Stopped(f"the certificates of {named} cannot be read: {reason}", _UNSET) from None


_UNSET = "Name a file of certificates in PEM, or unset the variable."
