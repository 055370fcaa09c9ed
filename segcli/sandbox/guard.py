"""Keeps web pages from other sites away from the sandbox.

A browser on this machine reaches each of its ports. A page may send requests to the sandbox's
address, or make its own host name resolve to 127.0.0.1. The headers Origin and Host show that.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from segcli.sandbox.vendors.vendor import Refusal

Headers = Sequence[tuple[bytes, bytes]]

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+", re.IGNORECASE)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_HTTP_PORT = 80
_MISDIRECTED, _FORBIDDEN = 421, 403
_METHODS = b"GET, POST, PUT, PATCH, DELETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The headers that a request may have.

    hosts: the allowed values of Host, in lower case
    origins: the origins of other pages that may send requests
    """

    hosts: frozenset[bytes]
    origins: frozenset[bytes]

    def refusal(self, headers: Headers) -> Refusal | None:
        """Return why a request is refused before its body is read; None if it is not."""
        hosts = [value.lower() for name, value in headers if name == b"host"]
        if not hosts or not self.hosts.issuperset(hosts):
            known = ", ".join(sorted(host.decode() for host in self.hosts))
            return Refusal(_MISDIRECTED, f"the sandbox answers only to its own Host: {known}")
        if set(_origins(headers)) - self._own_origins - self.origins:
            return Refusal(
                _FORBIDDEN,
                "the sandbox takes no requests from pages of other sites: to allow this one, "
                "start it with --allow-origin ORIGIN",
            )
        return None

    def reply_headers(self, headers: Headers) -> Headers:
        """Return the headers that let an allowed page read the reply."""
        found = [origin for origin in _origins(headers) if origin in self.origins]
        if not found:
            return ()
        return ((b"access-control-allow-origin", found[0]), (b"vary", b"origin"))

    def is_preflight(self, method: str, headers: Headers) -> bool:
        """Return whether this is a CORS preflight of an allowed page."""
        has_method = any(name == b"access-control-request-method" for name, _ in headers)
        return method == "OPTIONS" and has_method and bool(self.reply_headers(headers))

    @property
    def _own_origins(self) -> frozenset[bytes]:
        return frozenset(b"http://" + host for host in self.hosts)


def guard_of(host: str, port: int, origins: Iterable[str] = ()) -> Guard:
    """Return the guard of a sandbox that is bound to a host and a port."""
    bound = f"[{host}]" if ":" in host else host
    names = {*_LOOPBACK, bound.lower()}
    hosts = {f"{name}:{port}" for name in names} | (names if port == _HTTP_PORT else set())
    return Guard(
        hosts=frozenset(name.encode() for name in hosts),
        origins=frozenset(origin.lower().encode() for origin in origins),
    )


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
    return ((b"access-control-allow-methods", _METHODS), *allowed)


def _origins(headers: Headers) -> list[bytes]:
    return [value.lower() for name, value in headers if name == b"origin"]
