"""Which proxy the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, but NO_PROXY."""

from urllib.request import getproxies, proxy_bypass

from segcli.core.trust import is_this_machine
from segcli.http.address import Address
from segcli.http.failure import Failure, TransportError


def proxy_for(address: Address) -> str | None:
    """Return the address of the proxy, which may hold a password, or None for no proxy.

    What goes to this machine stays on it, whatever the environment says. Raises TransportError
    for a kind of proxy that cannot be used.
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
    """Whether a request goes to this machine, by a name of its own too: `vendor.localhost`."""
    return host.endswith(".localhost") or is_this_machine(host)
