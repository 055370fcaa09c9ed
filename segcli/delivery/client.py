"""The only module that knows the HTTP library: a request goes out, a reply comes back."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate

import httpx

from segcli import __version__
from segcli.destination import Request
from segcli.verdict import Reply


@dataclass(frozen=True, slots=True)
class NoReply:
    """The vendor did not answer, or not whole. `final`: it will not until something is changed."""

    reason: str
    final: bool = False


Post = Callable[[Request], Awaitable[Reply | NoReply]]

# What goes to this machine stays on it, whatever proxy the environment names.
_DIRECT = {"all://127.0.0.1": None, "all://localhost": None, "all://[::1]": None}


def security() -> ssl.SSLContext:
    """Return what every connection of a run shares; making it takes longer than a request."""
    return httpx.create_ssl_context()


@asynccontextmanager
async def connection(*, timeout: float, context: ssl.SSLContext) -> AsyncIterator[Post]:
    """Open one kept-alive connection for one request at a time.

    Each lane has its own, since a pool shared by many collapses: it is searched for every
    request. `timeout` (seconds) holds for a request and its reply in all. Redirects are never
    followed, since the key would go along.
    """
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    agent = {"User-Agent": f"segcli/{__version__}"}
    async with httpx.AsyncClient(
        headers=agent,
        timeout=None,
        limits=limits,
        verify=context,
        follow_redirects=False,
        mounts=_DIRECT,
    ) as client:

        async def post(request: Request) -> Reply | NoReply:
            try:
                async with asyncio.timeout(timeout):
                    response = await client.request(
                        request.method, request.url, content=request.body, headers=request.headers
                    )
            except TimeoutError:
                return NoReply(f"no answer within {timeout:g} s")
            except httpx.RequestError as error:
                return _no_reply(error)
            except (httpx.InvalidURL, UnicodeError) as error:
                return NoReply(f"no request can go to this address: {error}", final=True)
            client.cookies.clear()
            return _reply(response)

        yield post


def _reply(response: httpx.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    headers.setdefault("date", formatdate(usegmt=True))
    return Reply(response.status_code, headers, response.content)


def _no_reply(error: httpx.RequestError) -> NoReply:
    reason = _REASONS.get(type(error), "no reply")
    detail = str(error).strip()
    return NoReply(f"{reason}: {detail}" if detail else reason, final=_is_untrusted(error))


def _is_untrusted(error: BaseException | None) -> bool:
    """Tell whether the server's certificate was refused, which trying again cannot mend."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


_REASONS: dict[type[httpx.RequestError], str] = {
    httpx.ConnectError: "cannot connect",
    httpx.ProxyError: "the proxy failed",
    httpx.ReadError: "the connection was reset",
    httpx.WriteError: "the connection was reset",
    httpx.RemoteProtocolError: "the reply was cut short",
    httpx.DecodingError: "the reply cannot be decoded",
}
