"""Which proxy the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, but NO_PROXY."""

from urllib.request import getproxies, proxy_bypass

import httpx

from segcli.core.trust import is_this_machine


def proxy_for(url: httpx.URL) -> str | None:
    """Return the address of the proxy, which may hold a password, or None for no proxy.

    What goes to this machine stays on it, whatever the environment says. Raises
    UnsupportedProtocol where the proxy is one that cannot be used.
    """
    if _stays_here(url.host) or proxy_bypass(url.netloc.decode("ascii")):
        return None
    named = getproxies()
    proxy = named.get(url.scheme) or named.get("all")
    if not proxy:
        return None
    kind, found, _ = proxy.partition("://")
    if found and kind not in {"http", "https"}:
        raise httpx.UnsupportedProtocol(f"the environment names a {kind} proxy, not an http one")
    return proxy if found else f"http://{proxy}"


def _stays_here(host: str) -> bool:
    """Whether a request goes to this machine, by a name of its own too: `vendor.localhost`."""
    return host.endswith(".localhost") or is_this_machine(host)
