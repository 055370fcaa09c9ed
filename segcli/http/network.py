"""How requests reach the network: proxies, and the certificates to trust."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def no_exceptions(_host: str) -> bool:
    """Use the proxy for every host."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The surroundings of a client. Without any: no proxy, and the certificates of certifi.

    proxies: the address of a proxy by the scheme of requests, or by `all`; it may hold a password.
    bypasses: returns whether requests to a host (`host` or `host:port`) use no proxy.
    ca_file, ca_folder: the certificates to trust; "" for those of certifi.
    """

    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    bypasses: Callable[[str], bool] = no_exceptions
    ca_file: str = ""
    ca_folder: str = ""


def network_from(variables: Mapping[str, str]) -> Network:
    """Return what the environment of this process says. Call it only if it may decide.

    The proxies are those of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, or of the system on
    macOS; the certificates those of SSL_CERT_FILE or SSL_CERT_DIR in `variables`.
    """
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415  # slow to import

    return Network(
        proxies=getproxies(),
        bypasses=proxy_bypass,
        ca_file=variables.get("SSL_CERT_FILE", ""),
        ca_folder=variables.get("SSL_CERT_DIR", ""),
    )
