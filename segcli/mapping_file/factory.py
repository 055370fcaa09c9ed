"""A destination out of what a file says, a value like any other."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from segcli.destination import Action, Destination, Field, Limits, Payload, Remark
from segcli.destinations import BUILT_IN
from segcli.event import TYPES, Event, Rejected
from segcli.exact_json import dumps
from segcli.mapping_file.batch import read_batch
from segcli.mapping_file.holes import Holes
from segcli.mapping_file.mistakes import Mistakes, Path
from segcli.mapping_file.posting import least_frame, request_of, room_of
from segcli.mapping_file.reply import read_items, verdict_of
from segcli.mapping_file.request import RequestTable, read_request
from segcli.mapping_file.rows import rows_of
from segcli.mapping_file.settings_table import secrets_of, settings_of
from segcli.mapping_file.subscription import Load, Subscription, read_subscription
from segcli.template import ROUTE, Template, shown
from segcli.wire import Address, Batch, Post, Wire

_EMPTY = Address(Template(), Template(), Template())


def destination_of(
    table: Mapping[str, Any], holes: Holes, load: Load, mistakes: Mistakes
) -> Destination[Any]:
    """Return the destination that a file describes; raises DestinationError with all mistakes.

    `table` has the structure of the schema, but for what is noted in `mistakes` already.
    """
    declared = table.get("settings", {})
    if table.get("name") in BUILT_IN:
        mistakes.add(("name",), "is that of a destination of segcli's own: name it otherwise")
    request = read_request(table.get("request", {}), holes, mistakes)
    wire = _wire(table, request, holes, mistakes)
    settings = settings_of(declared, request.address, holes, mistakes)
    key = _key_of(wire, declared, mistakes)
    verdict = verdict_of(table.get("reply", {}), wire.items, key, mistakes)
    found = [
        read_subscription(action, place, load, mistakes)
        for place, action in enumerate(table.get("actions", ()))
    ]
    mistakes.raise_any()
    taken = _Taken(table["name"], [one for one in found if one])
    batch = wire.usual.batch or Batch(events=1)
    return Destination(
        name=table["name"],
        label=table.get("label", table["name"]),
        settings=settings,
        kinds=frozenset().union(*(one.kinds for one in taken.subscriptions)),
        payload=taken.payload,
        request=lambda route, bodies, values: request_of(wire, route, bodies, values),
        verdict=verdict,
        limits=Limits(
            events=batch.events,
            bytes=batch.bytes,
            payload_bytes=wire.payload_bytes,
            rate=_rate(table),
        ),
        skips=taken.skips,
        together=lambda route, _: _events(wire.post_of(route)),
        room=lambda route, values: room_of(wire, route, values),
        remarks=taken.remarks,
        fields=tuple(taken.fields()),
        actions=tuple(_action(one, wire) for one in taken.subscriptions),
        about=table.get("about", ""),
        revision=_revision(table, taken.subscriptions),
        wire=wire,
    )


class _Taken:
    """What a destination does with events: of the actions that take one, the first maps it."""

    def __init__(self, name: str, subscriptions: Sequence[Subscription]) -> None:
        self.name = name
        self.subscriptions = subscriptions

    def skips(self, event: Event, settings: Any) -> str | None:  # noqa: ARG002  # the interface
        """Say that no action takes an event."""
        data = event.data
        for one in self.subscriptions:
            if one.matches(data):
                return None
        return f"no action of {self.name} takes it"

    def payload(self, event: Event, settings: Any) -> Payload:  # noqa: ARG002  # the interface
        """Map an event by the first action that takes it; note which others would."""
        for place, one in enumerate(self.subscriptions):
            if one.matches(event.data):
                others = self._others(event, place)
                notes = tuple(f"taken by {one.name}, not by {other}" for other in others)
                return Payload(one.route, one.body(event), notes)
        raise Rejected("", f"no action of {self.name} takes it")

    def remarks(self, event: Event, settings: Any) -> Iterator[Remark]:  # noqa: ARG002
        """Say of an event that several actions would take it."""
        for place, one in enumerate(self.subscriptions):
            if one.matches(event.data):
                for other in self._others(event, place):
                    yield Remark(
                        "", f"is taken by {one.name}, so not by {other}, which comes later"
                    )
                return

    def fields(self) -> Iterator[Field]:
        """Yield the rows of all actions, each with the call types that it is about."""
        for one in self.subscriptions:
            kinds = "" if one.kinds == TYPES else ", ".join(sorted(one.kinds))
            shares_kind = sum(bool(one.kinds & other.kinds) for other in self.subscriptions) > 1
            for row in rows_of(one.mapping):
                by = f"by {one.name}" if shares_kind else ""
                note = "; ".join(filter(None, (row.note, by)))
                yield Field(row.source, row.target, note, kinds)

    def _others(self, event: Event, place: int) -> list[str]:
        data = event.data
        return [one.name for one in self.subscriptions[place + 1 :] if one.matches(data)]


def _wire(
    table: Mapping[str, Any], request: RequestTable, holes: Holes, mistakes: Mistakes
) -> Wire:
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
    if "route" not in action and request.has_route:
        mistakes.add((*path, "route"), "is missing: request.url has a {route}")


def _check_room(batch: Batch | None, path: Path, mistakes: Mistakes) -> None:
    if batch and batch.bytes is not None and batch.bytes <= least_frame(batch):
        mistakes.add(
            (*path, "bytes"), f"leaves no room: a request without events has {least_frame(batch)}"
        )


def _action(one: Subscription, wire: Wire) -> Action:
    post = wire.post_of(one.route)
    sent = wire.routes[one.route][0]
    address = wire.address
    parts = (*address.base.parts, *address.path.parts, *address.query.parts)
    whole = Template(tuple(parts)).filled(
        lambda name: shown(sent) if name == ROUTE else f"{{{name}}}"
    )
    size = post.batch.bytes if post.batch else None
    limits = Limits(events=_events(post), bytes=size)
    return Action(one.name, one.query, f"{post.method} {whole}", limits)


def _key_of(wire: Wire, declared: Mapping[str, Any], mistakes: Mistakes) -> str:
    """Return the setting that holds the key; where the auth has none, that is noted."""
    names = wire.auth.value.settings if wire.auth else []
    known = [name for name in names if name in declared]
    secret = [name for name in known if name in wire.secrets]
    if known and not secret and not mistakes.are_below(("settings", known[-1])):
        mistakes.add(("settings", known[-1], "secret"), "must be true: request.auth is made of it")
    return next(iter(secret or sorted(wire.secrets)), "api_key")


def _events(post: Post) -> int:
    return post.batch.events if post.batch else 1


def _rate(table: Mapping[str, Any]) -> float | None:
    rate = table.get("limits", {}).get("rate")
    return None if rate is None else float(rate)


def _revision(table: Mapping[str, Any], subscriptions: Sequence[Subscription]) -> str:
    """Return a fingerprint of which events are taken, what they become and where they go."""
    actions = [[one.query, one.mapping, list(one.required), one.route] for one in subscriptions]
    said = dumps([table.get("label", table["name"]), actions])
    return blake2b(said, digest_size=8).hexdigest()
