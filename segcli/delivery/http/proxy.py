"""Which proxy the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, but NO_PROXY."""

import ipaddress
from urllib.request import getproxies, proxy_bypass

import httpx


def proxy_for(url: httpx.URL) -> str | None:
    """Return the address of the proxy, which may hold a password, or None for no proxy.

    What goes to this machine stays on it, whatever the environment says. Raises
    UnsupportedProtocol where the proxy is one that cannot be used.
    """
    if _is_this_machine(url.host) or proxy_bypass(url.netloc.decode("ascii")):
        return None
    named = getproxies()
    proxy = named.get(url.scheme) or named.get("all")
    if not proxy:
        return None
    kind, found, _ = proxy.partition("://")
    if found and kind not in {"http", "https"}:
        raise httpx.UnsupportedProtocol(f"the environment names a {kind} proxy, not an http one")
    return proxy if found else f"http://{proxy}"


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
