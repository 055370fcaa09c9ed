"""The table `auth.oauth`: where access tokens come from, and the request for one."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from segcli.core.destination import Request
from segcli.core.placeholder import Template
from segcli.core.request_layout import AddressLayout, OAuth, RequestLayout
from segcli.destination_file.payload_mapping import FileParts
from segcli.destination_file.problems import KeyPath
from segcli.destination_file.request_address import read_address
from segcli.destination_file.request_builder import Fill, filler
from segcli.destination_file.written_body import encoded_form

# The setting that replaces the address of tokens.
TOKEN_URL = "token_url"

_NEEDED = ("token_url", "client_id", "client_secret")
_OPEN = (
    "holds a key that everyone with the file can read: declare a secret setting, and use it here"
)
_REFRESH = "refresh_token"


def read_oauth(table: Mapping[str, Any], path: KeyPath, parts: FileParts) -> OAuth | None:
    """Read the table; None if a part of it is missing. Mistakes are noted."""
    grant = table.get("grant", "client_credentials")
    for name in ("client_secret", _REFRESH):
        if name in table and "{" not in table[name]:
            parts.mistakes.add((*path, name), _OPEN)
    if (grant == _REFRESH) != (_REFRESH in table):
        needs = f'is missing: grant = "{_REFRESH}" requires it'
        problem = needs if grant == _REFRESH else f'is used with grant = "{_REFRESH}" only'
        parts.mistakes.add((*path, _REFRESH), problem)
    if any(name not in table for name in _NEEDED):
        return None
    address = read_address(table["token_url"], (*path, "token_url"), parts)
    texts = {
        name: parts.placeholders.read(table[name], (*path, name), "body")
        for name in ("client_id", "client_secret", _REFRESH, "scope")
        if name in table
    }
    credentials = table.get("credentials", "body")
    return OAuth(token=address, grant=grant, credentials=credentials, **texts) if address else None


def secret_names(oauth: OAuth) -> list[str]:
    """Return the settings that hold the keys of the client."""
    return [*oauth.client_secret.settings, *oauth.refresh_token.settings]


def token_address(layout: RequestLayout, settings: Any) -> str:
    """Return the address of tokens: that of the file, or the setting `token_url`; "" for none."""
    if layout.oauth is None:
        return ""
    given: str = getattr(settings, TOKEN_URL)
    return given or _filled(layout.oauth.token, filler(settings))


def token_request(layout: RequestLayout, settings: Any, refresh: str) -> Request:
    """Return the request for a token.

    refresh: the refresh token that the vendor has sent last, "" for that of the settings.
    """
    oauth = layout.oauth
    assert oauth
    fill = filler(settings)
    fields: dict[str, str] = {"grant_type": oauth.grant}
    if oauth.grant == _REFRESH:
        fields[_REFRESH] = refresh or oauth.refresh_token.filled(fill)
    if oauth.scope.parts:
        fields["scope"] = oauth.scope.filled(fill)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if oauth.credentials == "header":
        headers["Authorization"] = f"Basic {_basic(oauth, fill)}"
    else:
        fields["client_id"] = oauth.client_id.filled(fill)
        fields["client_secret"] = oauth.client_secret.filled(fill)
    return Request(token_address(layout, settings), encoded_form(fields), headers)


def secrets_of_client(layout: RequestLayout, settings: Any) -> Iterator[str]:
    """Yield the encoded form of the client's credentials, in which no key can be recognized."""
    oauth = layout.oauth
    if oauth and oauth.credentials == "header" and oauth.client_secret.filled(filler(settings)):
        yield _basic(oauth, filler(settings))


def token_default(address: AddressLayout) -> str:
    """Return the address of tokens if it is the same with all settings; else ""."""
    whole = Template((*address.base.parts, *address.path.parts, *address.query.parts))
    is_plain = all(isinstance(part, str) for part in whole.parts)
    return whole.filled(str) if is_plain else ""


def _basic(oauth: OAuth, fill: Fill) -> str:
    """Return Basic credentials; id and secret are encoded first, by RFC 6749 2.3.1."""
    pair = (oauth.client_id, oauth.client_secret)
    text = ":".join(quote(one.filled(fill), safe="") for one in pair)
    return base64.b64encode(text.encode()).decode()


def _filled(address: AddressLayout, fill: Fill) -> str:
    def encoded(name: str) -> str:
        return quote(fill(name), safe="")

    base, path = address.base.filled(fill), address.path.filled(encoded)
    base = base.rstrip("/") if path.startswith("/") else base
    return base + path + address.query.filled(encoded)
