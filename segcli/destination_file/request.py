"""The table `request`, and the routes of the actions: address, headers, key, and bodies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from segcli.core.placeholder import ROUTE, Placeholder, Template
from segcli.core.request_layout import AddressLayout, Auth, OAuth, PostLayout, RequestLayout
from segcli.destination_file.batch import check_room, read_batch
from segcli.destination_file.body import (
    check_batch_is_used,
    check_content_headers,
    read_post,
    with_batch,
)
from segcli.destination_file.oauth import read_oauth, secret_names
from segcli.destination_file.payload_mapping import FileParts
from segcli.destination_file.placeholders import OfPayload, Placeholders, replace_placeholders
from segcli.destination_file.problems import KeyPath, Mistakes
from segcli.destination_file.reply import read_items, success_body
from segcli.destination_file.request_address import read_address

_OF_HTTP = frozenset({"content-length", "host", "transfer-encoding"})
_OF_KEYS = frozenset({"authorization", "proxy-authorization", "x-api-key"})
_OF_BODIES = frozenset({"content-type", "content-encoding"})
_OPEN = (
    "holds a key that everyone with the file can read: declare a secret setting, and use "
    "{settings.api_key} here"
)
_ONE_AUTH = 'bearer, basic, oauth, or header and key, such as bearer = "{settings.api_key}"'


class _RouteLimits(TypedDict):
    """Fields of a `PostLayout`."""

    payload_bytes: int | None
    rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTable:
    """The table `request`.

    address: where requests go; None if it has mistakes.
    headers: further headers.
    auth: the header with the key, if any.
    oauth: how tokens are got that are the key, if any.
    post: the method, and how bodies are written.
    """

    address: AddressLayout | None
    headers: Mapping[str, Template]
    auth: Auth | None
    oauth: OAuth | None
    post: PostLayout

    @property
    def has_route(self) -> bool:
        """Whether the address contains an action's route."""
        parts = self.address.path.parts if self.address else ()
        return Placeholder(ROUTE) in parts


def read_request(table: Mapping[str, Any], parts: FileParts) -> RequestTable:
    """Read the table `request`; mistakes are noted."""
    path: KeyPath = ("request",)
    placeholders, mistakes = parts.placeholders, parts.mistakes
    url, auth = table.get("url"), table.get("auth")
    return RequestTable(
        address=read_address(url, (*path, "url"), parts, of_events=True) if url else None,
        headers=_headers(table.get("headers", {}), placeholders, mistakes),
        auth=_auth(auth, (*path, "auth"), placeholders, mistakes)
        if auth is not None and "oauth" not in auth
        else None,
        oauth=_oauth(auth, (*path, "auth"), parts) if auth and "oauth" in auth else None,
        post=read_post(table, path, None, parts),
    )


def _headers(
    table: Mapping[str, str], placeholders: Placeholders, mistakes: Mistakes
) -> Mapping[str, Template]:
    found: dict[str, Template] = {}
    names: set[str] = set()
    for name, text in table.items():
        path: KeyPath = ("request", "headers", name)
        if name.lower() in names:
            mistakes.add(path, "appears twice")
        if name.lower() in _OF_HTTP:
            mistakes.add(path, "is set by HTTP itself: remove it")
        if name.lower() in _OF_KEYS and "{" not in text:
            mistakes.add(path, _OPEN)
        if not text.isascii() or text != text.strip():
            mistakes.add(path, "must be ASCII, without spaces around it")
        names.add(name.lower())
        of_event: OfPayload = "none" if name.lower() in _OF_KEYS | _OF_BODIES else "fields"
        found[name] = placeholders.read(text, path, "header", payload=of_event)
    return found


def _oauth(table: Mapping[str, Any], path: KeyPath, parts: FileParts) -> OAuth | None:
    if len(table) > 1:
        parts.mistakes.add(path, f"must have {_ONE_AUTH}")
    return read_oauth(table["oauth"], (*path, "oauth"), parts)


def _auth(
    table: Mapping[str, str], path: KeyPath, placeholders: Placeholders, mistakes: Mistakes
) -> Auth | None:
    kinds = [kind for kind in ("bearer", "basic", "header") if kind in table]
    complete = len(kinds) == 1 and ("key" in table) == (kinds[0] == "header")
    if not complete:
        if not mistakes.are_below(path):
            mistakes.add(path, f"must have {_ONE_AUTH}")
        return None
    if "header" in table:
        if table["header"].lower() in _OF_HTTP | {"content-type"}:
            mistakes.add((*path, "header"), "is set by HTTP itself: use another header")
        return Auth("header", table["header"], _key(table, "key", path, placeholders, mistakes))
    if "basic" in table:
        if ":" not in replace_placeholders(table["basic"], ""):
            mistakes.add((*path, "basic"), "must be user:password; the password may be empty")
        return Auth("basic", "Authorization", _key(table, "basic", path, placeholders, mistakes))
    return Auth("bearer", "Authorization", _key(table, "bearer", path, placeholders, mistakes))


def _key(
    table: Mapping[str, str],
    name: str,
    path: KeyPath,
    placeholders: Placeholders,
    mistakes: Mistakes,
) -> Template:
    """Read the text that contains the key; a literal key in the file is a mistake."""
    text = table[name]
    if "{" not in text:
        mistakes.add((*path, name), _OPEN)
    if not text.isascii() or text != text.strip():
        mistakes.add((*path, name), "must be ASCII, without spaces around it")
    return placeholders.read(text, (*path, name), "auth")


_EMPTY = AddressLayout(Template(), Template(), Template())


def layout_of(table: Mapping[str, Any], request: RequestTable, parts: FileParts) -> RequestLayout:
    """Return the layout of requests that a file describes; mistakes are noted."""
    mistakes = parts.mistakes
    batch = read_batch(table.get("batch"), ("batch",), parts)
    limits = _limits(table)
    usual = replace(request.post, batch=batch, payload_bytes=limits["payload_bytes"])
    check_room(usual, ("batch",), mistakes)
    routes = _routes(table.get("actions", ()), request, usual, parts)
    check_batch_is_used(request.post, batch, [post for _, post in routes.values()], mistakes)
    return RequestLayout(
        address=request.address or _EMPTY,
        usual=usual,
        routes=routes,
        headers=request.headers,
        auth=request.auth,
        oauth=request.oauth,
        items=read_items(table.get("reply", {}), mistakes),
        success=success_body(table.get("reply", {})),
        secrets=frozenset(
            name for name, entry in table.get("settings", {}).items() if entry.get("secret")
        ),
    )


def _routes(
    actions: Sequence[Mapping[str, Any]],
    request: RequestTable,
    usual: PostLayout,
    parts: FileParts,
) -> Mapping[str, tuple[Template, PostLayout]]:
    """Return how each route is posted; two actions with one route must post it the same way."""
    found: dict[str, tuple[Template, PostLayout]] = {}
    for place, action in enumerate(actions):
        path: KeyPath = ("actions", place)
        route = action.get("route", "/")
        _check_route(action, path, request, parts.mistakes)
        post = _post_of(action, path, usual, request, parts)
        if route in found and found[route][1] != post:
            other = f"{route.partition('#')[0]}#{place}"
            parts.mistakes.add(
                path,
                f"posts {route} differently from an earlier action: give it its own route, such as "
                f"{other}",
            )
        sent = route.partition("#")[0]
        template = parts.placeholders.read(sent, (*path, "route"), "path", payload="fields")
        found[route] = (template, post)
    return found


def _post_of(
    action: Mapping[str, Any],
    path: KeyPath,
    usual: PostLayout,
    request: RequestTable,
    parts: FileParts,
) -> PostLayout:
    """Return how the payloads of an action are posted."""
    own = read_batch(action.get("batch"), (*path, "batch"), parts)
    bare = replace(usual, batch=None)
    post = replace(read_post(action, path, bare, parts), **_limits(action, usual.payload_bytes))
    post = with_batch(post, own, usual.batch, path, parts)
    if own:
        check_room(post, (*path, "batch"), parts.mistakes)
    where = path if {"body", "form", "method"} & action.keys() else ("request",)
    check_content_headers(request.headers, post, where, parts.mistakes)
    return post


def _limits(table: Mapping[str, Any], payload_bytes: int | None = None) -> _RouteLimits:
    """Return the limits of a route; without any of its own a payload has the one that is given."""
    own = table.get("limits", {})
    size, rate = own.get("payload_bytes", payload_bytes), own.get("rate")
    return {
        "payload_bytes": None if size is None else int(size),
        "rate": None if rate is None else float(rate),
    }


def _check_route(
    action: Mapping[str, Any], path: KeyPath, request: RequestTable, mistakes: Mistakes
) -> None:
    if request.address is None:
        return
    if "route" in action and not request.has_route:
        mistakes.add((*path, "route"), "is not used: put {route} into request.url")
    is_missing = "route" not in action and not mistakes.are_below((*path, "route"))
    if is_missing and request.has_route:
        mistakes.add((*path, "route"), "is missing: request.url has a {route}")


def key_setting(layout: RequestLayout, declared: Mapping[str, Any], mistakes: Mistakes) -> str:
    """Return the setting that holds the key; an auth without a secret setting is a mistake."""
    names = layout.auth.value.settings if layout.auth else []
    names = secret_names(layout.oauth) if layout.oauth else names
    known = [name for name in names if name in declared]
    secret = [name for name in known if name in layout.secrets]
    if known and not secret and not mistakes.are_below(("settings", known[-1])):
        mistakes.add(("settings", known[-1], "secret"), "must be true: request.auth uses it")
    return next(iter(secret or sorted(layout.secrets)), "api_key")
