"""The table `request`: where requests go, with which headers, and where the key stands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segcli.core.placeholder import ROUTE, Hole, Template
from segcli.core.request_layout import Address, Auth
from segcli.mapping_file.holes import ADDRESS, Holes, Role
from segcli.mapping_file.mistakes import Mistakes, Path

_SETTING = r"\{\s*settings\.[^{}]*\}"
_URL = re.compile(rf"(https?://(?:[^/?#{{]|{_SETTING})*|{_SETTING})([^?#]*)(\?[^#]*)?")
_HOLE = re.compile(r"\{[^{}]*\}")
_OF_HTTP = frozenset({"content-length", "host", "transfer-encoding"})
_OF_KEYS = frozenset({"authorization", "proxy-authorization", "x-api-key"})
_OPEN = (
    "holds the key for everybody to read: make it a setting that is secret, and type "
    "{settings.api_key} here"
)
# What a normalized address would not have, and what may not stand in one as it is.
_DOTS = re.compile(r"/(\.|%2[eE]){1,2}(?=/|$)")
_RAW = re.compile(r"[\"<>\\^`|]")
_BEARER = 'bearer = "{settings.api_key}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTable:
    """What the table says; without an address where that is wrong."""

    address: Address | None
    headers: Mapping[str, Template]
    auth: Auth | None
    method: str

    @property
    def has_route(self) -> bool:
        """Whether an action's route stands in the address."""
        parts = self.address.path.parts if self.address else ()
        return Hole(ROUTE) in parts


def read_request(table: Mapping[str, Any], holes: Holes, mistakes: Mistakes) -> RequestTable:
    """Read the table; what is wrong is noted."""
    path: Path = ("request",)
    url = table.get("url")
    return RequestTable(
        address=_address(url, holes, mistakes) if url else None,
        headers=_headers(table.get("headers", {}), holes, mistakes),
        auth=_auth(table["auth"], (*path, "auth"), holes, mistakes) if "auth" in table else None,
        method=table.get("method", "POST"),
    )


def _address(url: str, holes: Holes, mistakes: Mistakes) -> Address | None:
    at: Path = ("request", "url")
    parts = _URL.fullmatch(url)
    if not parts:
        has_fragment = "#" in url and _URL.match(url)
        problem = "must not have a #" if has_fragment else "must begin with https:// or http://"
        mistakes.add(at, f"{problem}, such as https://api.acme.example/v1/events")
        return None
    base, path, query = parts[1], parts[2], parts[3] or ""
    if base.startswith("http"):
        _check_host(base, mistakes)
    if _DOTS.search(path):
        mistakes.add(at, "has . or .. in its path: write the path that is meant")
    if _RAW.search(path + query):
        mistakes.add(at, "has a character that must be percent-encoded, such as %22 for a quote")
    if "/{route}" in path.replace(" ", ""):
        mistakes.add(at, "has a / before {route}, which begins with one itself")
    role: Role = "start" if path + query else "base"
    return Address(
        holes.read(base, at, "host" if base.startswith("http") else role),
        holes.read(path, at, "path", route=True),
        holes.read(query, at, "query"),
    )


def _check_host(base: str, mistakes: Mistakes) -> None:
    if "@" in base:
        mistakes.add(("request", "url"), "holds a user or a password: say it in request.auth")
    elif not re.fullmatch(ADDRESS.pattern, _HOLE.sub("x", base)):
        mistakes.add(("request", "url"), f"must be {ADDRESS.words}")


def _headers(table: Mapping[str, str], holes: Holes, mistakes: Mistakes) -> Mapping[str, Template]:
    found: dict[str, Template] = {}
    names: set[str] = set()
    for name, text in table.items():
        path: Path = ("request", "headers", name)
        if name.lower() in names:
            mistakes.add(path, "stands there twice")
        if name.lower() in _OF_HTTP:
            mistakes.add(path, "is the business of HTTP itself: take it away")
        if name.lower() in _OF_KEYS and "{" not in text:
            mistakes.add(path, _OPEN)
        if not text.isascii() or text != text.strip():
            mistakes.add(path, "must be ASCII, without spaces around")
        names.add(name.lower())
        found[name] = holes.read(text, path, "header")
    return found


def _auth(table: Mapping[str, str], path: Path, holes: Holes, mistakes: Mistakes) -> Auth | None:
    kinds = [kind for kind in ("bearer", "basic", "header") if kind in table]
    complete = len(kinds) == 1 and ("key" in table) == (kinds[0] == "header")
    if not complete:
        if not mistakes.are_below(path):
            mistakes.add(path, f"must have bearer, or basic, or header and key, such as {_BEARER}")
        return None
    if "header" in table:
        if table["header"].lower() in _OF_HTTP | {"content-type"}:
            mistakes.add((*path, "header"), "is the business of HTTP itself: name another")
        return Auth("header", table["header"], _key(table, "key", path, holes, mistakes))
    if "basic" in table:
        if ":" not in _HOLE.sub("", table["basic"]):
            mistakes.add((*path, "basic"), "must be user:password; the password may be empty")
        return Auth("basic", "Authorization", _key(table, "basic", path, holes, mistakes))
    return Auth("bearer", "Authorization", _key(table, "bearer", path, holes, mistakes))


def _key(
    table: Mapping[str, str], name: str, path: Path, holes: Holes, mistakes: Mistakes
) -> Template:
    """Read the text with the key; one that holds a key of its own does not belong in a file."""
    text = table[name]
    if "{" not in text:
        mistakes.add((*path, name), _OPEN)
    if not text.isascii() or text != text.strip():
        mistakes.add((*path, name), "must be ASCII, without spaces around")
    return holes.read(text, (*path, name), "auth")
