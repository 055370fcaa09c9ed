"""The proxy of a request, of those that the user named."""

from segcli.core.trust import is_this_machine
from segcli.http.address import Address, request_address
from segcli.http.failure import Failure, TransportError
from segcli.http.network import Network


def proxy_for(address: Address, network: Network) -> str | None:
    """Return the address of the proxy, which may hold a password, or None for no proxy.

    A request to this machine never uses a proxy. Raises TransportError for a kind of proxy that is
    not supported, and for an invalid address.
    """
    if _stays_here(address.host) or not network.proxies or network.bypasses(address.authority):
        return None
    named = network.proxies
    proxy = named.get(address.scheme) or named.get("all")
    if not proxy:
        return None
    kind, found, _ = proxy.partition("://")
    if found and kind.lower() not in {"http", "https"}:
        why = f"the environment names a {kind} proxy, not an http one"
        raise TransportError(Failure.ADDRESS, why)
    proxy = proxy if found else f"http://{proxy}"
    _check_address(proxy)
    return proxy


def _check_address(proxy: str) -> None:
    try:
        request_address(proxy)
    except (TransportError, UnicodeError):
        # What is wrong may be quoted, such as a part of the password.
        why = "the environment names a proxy whose address is not valid"
        raise TransportError(Failure.ADDRESS, why) from None


def _stays_here(host: str) -> bool:
    """True if the host is this machine, also by a name such as `vendor.localhost`."""
    return host.endswith(".localhost") or is_this_machine(host)
