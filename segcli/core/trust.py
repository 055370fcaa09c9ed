"""The rules for which key may be sent to which address, and the line that shows both.

Options, environment variables and named files come from the user. A settings file that was found in
the working folder may come from anybody, for example with a cloned repository.
"""

import ipaddress
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from segcli.core.outcome import Job
from segcli.core.secret import Secret, display_url, hidden, holds_credentials
from segcli.core.settings import BY_DEFAULT, Origin, Place, Setting, describe
from segcli.errors import SettingsError, UsageError

# The setting that replaces the address of access tokens.
_TOKEN_URL = "token_url"


def check_addresses(job: Job) -> None:
    """Raise SettingsError if a key from elsewhere would be sent to the address of a found file.

    Such a file may name an address only if it also has every key that is used.
    """
    found = [row for row in _addresses(job) if _origin(job, row).place is Place.FOUND_CONFIG]
    if not found:
        return
    keys = [_origin(job, row) for row in _keys(job)]
    others = [origin for origin in keys if origin.place is not Place.FOUND_CONFIG]
    if keys and not others:
        return
    config, name = _origin(job, found[0]).name, job.destination.name
    key = f"the key comes from {others[0].name}" if others else "no key is in the same file"
    raise SettingsError(
        f"{config} directs {name} to {_host(job, found[0])} ({found[0].name}), but {key}",
        f"{config} was found in the working folder, not named: it may give an address only "
        f"together with the key. If you trust it, type --config {config}, or export "
        f"SEGCLI_CONFIG={config}",
    )


def check_plain_http(job: Job, *, is_allowed: bool) -> None:
    """Raise UsageError if a key would leave this machine unencrypted."""
    shown = {job.destination.address(job.settings): _shown(job)}
    if token_address := job.destination.token_address(job.settings):
        shown[token_address] = _shown_token_address(job)
    for address, text in shown.items():
        is_plain = address.partition("://")[0].lower() == "http"
        if is_allowed or not is_plain or is_this_machine(_split(address).hostname or ""):
            continue
        if _keys(job) or holds_credentials(address):
            raise UsageError(
                f"the key would go to {text} unencrypted: anybody on the way can read it",
                "Use an address with https://, or type --allow-http.",
            )


def stays_here(job: Job) -> bool:
    """Return whether all requests of a job stay on this machine."""
    return is_this_machine(_split(job.destination.address(job.settings)).hostname or "")


def is_this_machine(host: str) -> bool:
    """True if a request to this host stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def where_to(job: Job) -> str:
    """Return a line with the destination, its address, and the sources of address and keys.

    `gist at https://api.getgist.com (endpoint: default; key: SEGCLI_GIST_API_KEY)`. If the address
    is a key, only its host is shown.
    """
    return f"{name_and_address(job)} ({'; '.join(_reasons(job))})"


def name_and_address(job: Job) -> str:
    """Return the destination and its address as they may be shown: `gist at https://…`."""
    shown = _shown(job)
    return f"{job.destination.name} at {shown}" if shown else job.destination.name


def _reasons(job: Job) -> Iterator[str]:
    addresses, keys = _addresses_used(job), _keys(job)
    for row in addresses:
        yield f"{row.name}: {_origin(job, row).name}"
    if job.destination.token:
        origin = next((_origin(job, row).name for row in _rows(job) if row.name == _TOKEN_URL), "")
        yield f"token from {_shown_token_address(job)}: {origin}"
    known = {row.name for row in addresses}
    others = [row for row in keys if row.name not in known]
    for row in others:
        yield f"{'key' if len(others) == 1 else row.name}: {_origin(job, row).name}"
    if not keys:
        yield "no key"


def _shown(job: Job) -> str:
    address = job.destination.address(job.settings)
    if any(row.kind is Secret for row in _addresses_used(job)):
        parts = _split(address)
        address = f"{parts.scheme}://{parts.netloc}"
    return hidden(display_url(address), job.secrets())


def _shown_token_address(job: Job) -> str:
    return hidden(display_url(job.destination.token_address(job.settings)), job.secrets())


def _host(job: Job, row: Setting) -> str:
    """Return the host in a setting, or of the address that contains the setting."""
    own = _split(str(_value(job, row))).netloc
    whole = _split(job.destination.address(job.settings)).netloc
    return hidden((own or whole).rpartition("@")[2], job.secrets())


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:  # no request can be sent there
        return SplitResult("", "", "", "", "")


def _addresses_used(job: Job) -> list[Setting]:
    """Return the settings that decide the address: `endpoint`, or else those that replace it."""
    rows = [row for row in _addresses(job) if row.name != _TOKEN_URL]
    return [row for row in rows if row.name == "endpoint"] or rows


def _addresses(job: Job) -> list[Setting]:
    return [row for row in _rows(job) if row.is_address and _value(job, row)]


def _keys(job: Job) -> list[Setting]:
    return [row for row in _rows(job) if row.kind is Secret and _value(job, row)]


def _rows(job: Job) -> list[Setting]:
    return describe(job.destination.name, job.destination.settings)


def _value(job: Job, row: Setting) -> Any:
    value = getattr(job.settings, row.name)
    return value.reveal() if isinstance(value, Secret) else value


def _origin(job: Job, row: Setting) -> Origin:
    return job.origins.get(row.name, BY_DEFAULT)
