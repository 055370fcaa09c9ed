"""An address in a destination file: its host, its path and its query."""

import re

from segcli.core.request_layout import AddressLayout
from segcli.destination_file.payload_mapping import FileParts
from segcli.destination_file.placeholders import (
    ADDRESS_SHAPE,
    OfPayload,
    Role,
    replace_placeholders,
)
from segcli.destination_file.problems import KeyPath, Mistakes

_SETTING = r"\{\s*settings\.[^{}]*\}"
_URL = re.compile(rf"(https?://(?:[^/?#{{]|{_SETTING})*|{_SETTING})([^?#]*)(\?[^#]*)?")
_OF_PAYLOAD = re.compile(r"\{\s*payload\b")
# Dot segments, which normalization would remove, and characters that must be percent-encoded.
_DOTS = re.compile(r"/(\.|%2[eE]){1,2}(?=/|$)")
_RAW = re.compile(r"[\"<>\\^`|]")


def read_address(
    url: str, at: KeyPath, file_parts: FileParts, *, of_events: bool = False
) -> AddressLayout | None:
    """Read an address; None if it cannot be read. Mistakes are noted.

    of_events: it may hold the route of an action and values of the payload.
    """
    placeholders, mistakes = file_parts.placeholders, file_parts.mistakes
    parts = _URL.fullmatch(url)
    if not parts:
        has_fragment = "#" in url and _URL.match(url)
        problem = "must not contain a #" if has_fragment else "must begin with https:// or http://"
        mistakes.add(at, f"{problem}, such as https://api.acme.example/v1/events")
        return None
    base, path, query = parts[1], parts[2], parts[3] or ""
    if base.startswith("http"):
        _check_host(base, at, mistakes)
    if _DOTS.search(path):
        mistakes.add(at, "has . or .. in its path: write the path without them")
    if _RAW.search(path + query):
        mistakes.add(at, "has a character that must be percent-encoded, such as %22 for a quote")
    if "/{route}" in path.replace(" ", ""):
        mistakes.add(at, "has a / before {route}, but a route begins with / itself")
    if (
        _OF_PAYLOAD.search(path.partition("/")[0])
        and "{route}" not in path.partition("{payload")[0]
    ):
        mistakes.add(at, "has {payload…} in its host: it may stand after the / of a path only")
    allowed: OfPayload = "fields" if of_events else "none"
    role: Role = "start" if path + query else "base"
    return AddressLayout(
        placeholders.read(base, at, "host" if base.startswith("http") else role),
        placeholders.read(path, at, "path", route=of_events, payload=allowed),
        placeholders.read(query, at, "query", payload=allowed),
    )


def _check_host(base: str, at: KeyPath, mistakes: Mistakes) -> None:
    if "@" in base:
        mistakes.add(at, "contains a user or a password: use request.auth")
    elif not re.fullmatch(ADDRESS_SHAPE.pattern, replace_placeholders(base, "x")):
        mistakes.add(at, f"must be {ADDRESS_SHAPE.words}")
