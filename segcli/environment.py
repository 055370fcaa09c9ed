"""What a program may take from its surroundings, if it asks: see `from_environment`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from segcli.http.network import Network, network_from


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of a process. It may hold keys, so `repr` hides all of it.

    variables: the variables that begin with `SEGCLI_`.
    network: proxies and certificates.
    """

    variables: Mapping[str, str] = field(repr=False)
    network: Network = field(repr=False)

    @property
    def config(self) -> str | None:
        """The settings file of SEGCLI_CONFIG; None for `segcli.toml` in the working folder."""
        return self.variables.get("SEGCLI_CONFIG") or None


def from_environment() -> Environment:
    """Return what the command line reads too, for the argument `config` of the interface.

    That is: the settings in `SEGCLI_<DESTINATION>_<SETTING>`; the settings file of SEGCLI_CONFIG,
    or `segcli.toml` in the working folder; proxies in HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and
    NO_PROXY; certificates in SSL_CERT_FILE and SSL_CERT_DIR.
    """
    variables = {name: text for name, text in os.environ.items() if name.startswith("SEGCLI_")}
    return Environment(variables, network_from(os.environ))
