"""The address of access tokens of a destination file's vendor."""

import json
from base64 import b64decode
from urllib.parse import parse_qsl, unquote

from segcli.core.request_layout import OAuth
from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON
from segcli.sandbox.vendors.template_matcher import TemplateMatcher
from segcli.sandbox.vendors.vendor import Call, RequestReading, VendorRoute

# Where it is, after the vendor's name: no path of a file begins with two slashes.
TOKEN_PATH = "//token"
# The token that the sandbox gives out and accepts.
ACCESS_TOKEN = "token-of-the-sandbox"
_SECONDS = 3600
_WRONG = 400
_TYPE = "application/x-www-form-urlencoded"


def token_route(oauth: OAuth, secrets: frozenset[str]) -> VendorRoute:
    """Return the route of tokens, which takes the grant of the file with the sandbox's key."""
    body = json.dumps({"access_token": ACCESS_TOKEN, "expires_in": _SECONDS}).encode()

    def read(call: Call, fields: JSON) -> RequestReading:
        matcher = TemplateMatcher(call.key.decode(), secrets)
        client = _client_of(oauth, call, fields)
        if fields.get("grant_type", "") != oauth.grant:
            return Refusal(_WRONG, f"grant_type must be {oauth.grant}")
        wanted = {"client_id": oauth.client_id, "client_secret": oauth.client_secret}
        given = dict(zip(wanted, client, strict=True))
        if oauth.refresh_token.parts:
            wanted["refresh_token"] = oauth.refresh_token
            given["refresh_token"] = fields.get("refresh_token", "")
        if oauth.scope.parts:
            wanted["scope"] = oauth.scope
            given["scope"] = fields.get("scope", "")
        for name, template in wanted.items():
            if matcher.text(template, given[name]):
                return Refusal(_WRONG, f"{name} must be what the file says")
        return ()

    return VendorRoute(read, lambda _: body, _decode)


def _client_of(oauth: OAuth, call: Call, fields: JSON) -> tuple[str, str]:
    """Return the id and the secret of the client."""
    if oauth.credentials == "body":
        return fields.get("client_id", ""), fields.get("client_secret", "")
    given = call.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    try:
        name, _, secret = b64decode(given[2], validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote(name), unquote(secret)


def _decode(call: Call) -> JSON:
    kind = call.headers.get(b"content-type", b"").decode("latin-1")
    if kind.partition(";")[0].strip() != _TYPE:
        raise ValueError(f"Content-Type must be {_TYPE}")
    return dict(parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True))
