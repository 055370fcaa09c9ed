"""Decides by the headers Host and Origin which requests a server on this machine answers.

A browser on this machine reaches each of its ports. A page may send requests to a server's
address, or make its own host name resolve to 127.0.0.1. The headers Origin and Host show that.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from segcli.local_server.http_reply import Headers, Refusal

# The names of this machine, as Host has them.
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+", re.IGNORECASE)
_HOST_NAME = re.compile(r"[a-z0-9_.-]+(?::\d{1,5})?")
_HTTP_PORT = 80
_MISDIRECTED, _FORBIDDEN = 421, 403
_METHODS = b"GET, POST, PUT, PATCH, DELETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The headers that a request may have.

    server: what messages call the server.
    hosts: the allowed values of Host, in lower case.
    origins: the origins of other pages that may send requests.
    any_origin: whether all pages may send requests.
    hint: what to type to allow another Host, as the end of a message.
    """

    server: str = "the sandbox"
    hosts: frozenset[bytes]
    origins: frozenset[bytes] = frozenset()
    any_origin: bool = False
    hint: str = ""

    def refusal(self, headers: Headers) -> Refusal | None:
        """Return why a request is refused before its body is read; None if it is not."""
        hosts = [value.lower() for name, value in headers if name == b"host"]
        if not hosts or not self.hosts.issuperset(hosts):
            known = ", ".join(sorted(host.decode() for host in self.hosts))
            problem = f"{self.server} answers only to its own Host: {known}{self.hint}"
            return Refusal(_MISDIRECTED, problem)
        if not all(map(self._may_send, _origins(headers))):
            return Refusal(
                _FORBIDDEN,
                f"{self.server} takes no requests from pages of other sites: to allow this one, "
                "start it with --allow-origin ORIGIN",
            )
        return None

    def reply_headers(self, headers: Headers) -> Headers:
        """Return the headers that let an allowed page read the reply."""
        allowed = self.origins
        found = [name for name in _origins(headers) if self.any_origin or name in allowed]
        if not found:
            return ()
        return ((b"access-control-allow-origin", found[0]), (b"vary", b"origin"))

    def is_preflight(self, method: str, headers: Headers) -> bool:
        """Return whether this is a CORS preflight of an allowed page."""
        has_method = any(name == b"access-control-request-method" for name, _ in headers)
        return method == "OPTIONS" and has_method and bool(self.reply_headers(headers))

    def _may_send(self, origin: bytes) -> bool:
        is_own = origin.startswith(b"http://") and origin.removeprefix(b"http://") in self.hosts
        return self.any_origin or is_own or origin in self.origins


def guard_of(host: str, port: int, origins: Iterable[str] = ()) -> Guard:
    """Return the guard of a sandbox that is bound to a host and a port."""
    bound = f"[{host}]" if ":" in host else host
    return Guard(
        hosts=own_hosts({bound.lower()}, port),
        origins=frozenset(origin.lower().encode() for origin in origins),
    )


def own_hosts(names: Iterable[str], port: int) -> frozenset[bytes]:
    """Return the allowed values of Host at a port: the names of the loopback, and these names."""
    known = {*LOOPBACK, *names}
    hosts = {f"{name}:{port}" for name in known} | (known if port == _HTTP_PORT else set())
    return frozenset(host.encode() for host in hosts)


def parse_host(text: str) -> str:
    """Return a host in lower case, with a port if it has one; raises ValueError if it is none."""
    host = text.strip().lower()
    if not (host.isascii() and _HOST_NAME.fullmatch(host)):
        raise ValueError(f"{text!r} is not a host: type it as app.test or app.test:3000")
    return host


def parse_origin(text: str) -> str:
    """Return an origin as browsers send it; raises ValueError if the text is not one."""
    origin = text.strip().lower().removesuffix("/")
    if not (origin.isascii() and _ORIGIN.fullmatch(origin)):
        raise ValueError(f"{text!r} is not an origin: type it as http://localhost:3000")
    return origin


def preflight_headers(headers: Headers) -> Headers:
    """Return the headers that let an allowed page send every method and header."""
    asked = [value for name, value in headers if name == b"access-control-request-headers"]
    allowed = [(b"access-control-allow-headers", value) for value in asked[:1]]
    if any(name == b"access-control-request-private-network" for name, _ in headers):
        # A browser asks this before a page of a public address reaches a private one.
        allowed.append((b"access-control-allow-private-network", b"true"))
    return ((b"access-control-allow-methods", _METHODS), *allowed)


def _origins(headers: Headers) -> list[bytes]:
    return [value.lower() for name, value in headers if name == b"origin"]
