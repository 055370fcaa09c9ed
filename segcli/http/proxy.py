"""The proxy from the environment: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."""

from urllib.request import getproxies, proxy_bypass

from segcli.core.trust import is_this_machine
from segcli.http.address import Address
from segcli.http.failure import Failure, TransportError


def proxy_for(address: Address) -> str | None:
    """Return the address of the proxy, which may hold a password, or None for no proxy.

    A request to this machine never uses a proxy. Raises TransportError for a kind of proxy that is
    not supported.
    """
    if _stays_here(address.host) or proxy_bypass(address.authority):
        return None
    named = getproxies()
    proxy = named.get(address.scheme) or named.get("all")
    if not proxy:
        return None
    kind, found, _ = proxy.partition("://")
    if found and kind not in {"http", "https"}:
        why = f"the environment names a {kind} proxy, not an http one"
        raise TransportError(Failure.ADDRESS, why)
    return proxy if found else f"http://{proxy}"


def _stays_here(host: str) -> bool:
    """True if the host is this machine, also by a name such as `vendor.localhost`."""
    return host.endswith(".localhost") or is_this_machine(host)
