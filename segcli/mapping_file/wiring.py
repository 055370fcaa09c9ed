"""How the requests of a described destination look: its tables put together."""

from collections.abc import Mapping, Sequence
from typing import Any

from segcli.core.placeholder import Template
from segcli.core.request_layout import Address, Batch, Post, Wire
from segcli.mapping_file.batch import read_batch
from segcli.mapping_file.holes import Holes
from segcli.mapping_file.mistakes import Mistakes, Path
from segcli.mapping_file.posting import least_frame
from segcli.mapping_file.reply import read_items
from segcli.mapping_file.request import RequestTable
from segcli.mapping_file.settings_table import secrets_of

_EMPTY = Address(Template(), Template(), Template())


def wire_of(
    table: Mapping[str, Any], request: RequestTable, holes: Holes, mistakes: Mistakes
) -> Wire:
    """Return what a file says of requests; what is wrong is noted."""
    batch = read_batch(table.get("batch"), ("batch",), holes, mistakes)
    _check_room(batch, ("batch",), mistakes)
    usual = Post(request.method, batch)
    size = table.get("limits", {}).get("payload_bytes")
    return Wire(
        address=request.address or _EMPTY,
        usual=usual,
        routes=_routes(table.get("actions", ()), request, usual, holes, mistakes),
        headers=request.headers,
        auth=request.auth,
        items=read_items(table.get("reply", {}), mistakes),
        payload_bytes=None if size is None else int(size),
        secrets=secrets_of(table.get("settings", {})),
    )


def _routes(
    actions: Sequence[Mapping[str, Any]],
    request: RequestTable,
    usual: Post,
    holes: Holes,
    mistakes: Mistakes,
) -> Mapping[str, tuple[Template, Post]]:
    """Return how each route is posted; two actions of one route have to agree on it."""
    found: dict[str, tuple[Template, Post]] = {}
    for place, action in enumerate(actions):
        path: Path = ("actions", place)
        route = action.get("route", "/")
        _check_route(action, path, request, mistakes)
        own = read_batch(action.get("batch"), (*path, "batch"), holes, mistakes)
        _check_room(own, (*path, "batch"), mistakes)
        post = Post(action.get("method", usual.method), own or usual.batch)
        if route in found and found[route][1] != post:
            other = f"{route.partition('#')[0]}#{place}"
            mistakes.add(
                path,
                f"posts {route} otherwise than an action before it: tell them apart, as {other}",
            )
        sent = route.partition("#")[0]
        found[route] = (holes.read(sent, (*path, "route"), "path"), post)
    return found


def _check_route(
    action: Mapping[str, Any], path: Path, request: RequestTable, mistakes: Mistakes
) -> None:
    if request.address is None:
        return
    if "route" in action and not request.has_route:
        mistakes.add((*path, "route"), "goes nowhere: say in request.url where {route} stands")
    is_missing = "route" not in action and not mistakes.are_below((*path, "route"))
    if is_missing and request.has_route:
        mistakes.add((*path, "route"), "is missing: request.url has a {route}")


def _check_room(batch: Batch | None, path: Path, mistakes: Mistakes) -> None:
    if batch and batch.bytes is not None and batch.bytes <= least_frame(batch):
        mistakes.add(
            (*path, "bytes"), f"leaves no room: a request without events has {least_frame(batch)}"
        )


def key_of(wire: Wire, declared: Mapping[str, Any], mistakes: Mistakes) -> str:
    """Return the setting that holds the key; where the auth has none, that is noted."""
    names = wire.auth.value.settings if wire.auth else []
    known = [name for name in names if name in declared]
    secret = [name for name in known if name in wire.secrets]
    if known and not secret and not mistakes.are_below(("settings", known[-1])):
        mistakes.add(("settings", known[-1], "secret"), "must be true: request.auth is made of it")
    return next(iter(secret or sorted(wire.secrets)), "api_key")
