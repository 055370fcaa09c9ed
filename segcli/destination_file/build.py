"""Builds a destination from the tables of a file."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from segcli.core.destination import Action, Destination, Limits, TokenSource
from segcli.core.exact_json import dumps
from segcli.core.placeholder import ROUTE, Template, template_text
from segcli.core.reply import Reply, Verdict
from segcli.core.request_layout import BodyForm, PostLayout, RequestLayout
from segcli.core.settings import env_prefix, share_variables
from segcli.destination_file.actions import ActionSet, Subscription, check_names, read_subscription
from segcli.destination_file.match_paths import check_match
from segcli.destination_file.oauth import (
    TOKEN_URL,
    secret_names,
    secrets_of_client,
    token_address,
    token_request,
)
from segcli.destination_file.outgoing import outgoing_of
from segcli.destination_file.payload_fields import check_of, types_of_fields
from segcli.destination_file.payload_mapping import FileParts, Load
from segcli.destination_file.placeholders import Placeholders
from segcli.destination_file.problems import Mistakes
from segcli.destination_file.replay import (
    ReplayTables,
    marks_of,
    read_replay,
    routes_with_marks,
)
from segcli.destination_file.reply import verdict_of
from segcli.destination_file.request import key_setting, layout_of, read_request
from segcli.destination_file.request_builder import (
    address_of,
    check_file_settings,
    max_bytes_per_route,
    request_of,
    secrets_in,
)
from segcli.destination_file.settings import settings_of
from segcli.destination_file.shape import key_paths_of

_FORMS: Mapping[BodyForm, str] = {
    "json": "",
    "ndjson": "lines of JSON",
    "form": "a form",
    "none": "without a body",
}


def destination_of(
    table: Mapping[str, Any], placeholders: Placeholders, load: Load, mistakes: Mistakes
) -> Destination[Any]:
    """Return the destination that a file describes; raises DestinationError with all mistakes.

    `table` has the structure of the schema, apart from the mistakes that are already noted.
    """
    declared = table.get("settings", {})
    parts = FileParts(declared, placeholders, load, mistakes)
    request = read_request(table.get("request", {}), parts)
    layout = layout_of(table, request, parts)
    # Before the settings: a setting that is used nowhere is a mistake.
    found = [
        read_subscription(action, place, parts, in_batch=_in_batch(action, layout))
        for place, action in enumerate(table.get("actions", ()))
    ]
    check_names(table.get("actions", ()), mistakes)
    check_match(layout.items, [post for _, post in layout.routes.values()], mistakes)
    settings = settings_of(declared, request, placeholders, mistakes)
    key = key_setting(layout, declared, mistakes)
    verdict = verdict_of(table.get("reply", {}), layout.items, key, mistakes)
    replay = read_replay(table, layout, mistakes)
    mistakes.raise_any()
    subscriptions = [
        replace(one, outgoing=outgoing_of(layout, one.route, parts.required))
        for one in found
        if one
    ]
    paths = frozenset(path for one in subscriptions for path in _key_paths(one, layout))
    layout = replace(
        layout,
        checks=_checks(subscriptions, layout),
        key_paths=paths,
        routes=routes_with_marks(layout, table["actions"], replay),
    )
    destination = _destination(table, layout, settings, verdict, subscriptions)
    return _with_replay(destination, layout, subscriptions, replay)


def check_name(name: str, taken: Iterable[str], mistakes: Mistakes) -> None:
    """Note a name with which the file could read the keys of another destination.

    `taken` are the names of the built-in destinations and of installed plug-ins.
    """
    for other in taken:
        if name == other:
            mistakes.add(("name",), f"a destination {other} already exists: choose another name")
        elif share_variables(name, other):
            mistakes.add(
                ("name",),
                f"{name} could read the settings of {other}: {env_prefix(name)}… and "
                f"{env_prefix(other)}… overlap. Choose another name",
            )


def _destination(
    table: Mapping[str, Any],
    layout: RequestLayout,
    settings: type[Any],
    verdict: Callable[[Reply], Verdict],
    subscriptions: Sequence[Subscription],
) -> Destination[Any]:
    name = table["name"]
    fans_out = table.get("fan_out", True)
    action_set = ActionSet(name, subscriptions, fans_out=fans_out)
    return Destination(
        name=name,
        label=table.get("label", name),
        settings=settings,
        types=frozenset().union(*(one.types for one in subscriptions)),
        payload=action_set.payload,
        payloads=action_set.payloads,
        request=lambda route, bodies, values: request_of(layout, route, bodies, values),
        verdict=verdict,
        limits=Limits(payload_bytes=layout.usual.payload_bytes, rate=_rate(table)),
        route_limits=_route_limits(layout),
        max_events=lambda route, _: _events(layout.post_of(route)),
        max_bytes=max_bytes_per_route(layout),
        skip_reason=action_set.skip_reason,
        remarks=action_set.remarks,
        fields=tuple(action_set.fields()),
        actions=tuple(_action(one, layout) for one in subscriptions),
        fans_out=fans_out,
        not_taken=table.get("not_taken", {}),
        about=table.get("about", ""),
        revision=_revision(table, subscriptions),
        layout=layout,
        secrets=lambda values: (*secrets_in(layout, values), *secrets_of_client(layout, values)),
        check_settings=lambda values: (
            check_file_settings(layout, values) or action_set.settings_problem(values)
        ),
        keys_in_payloads=bool(layout.key_paths)
        or any(one.settings & layout.secrets for one in subscriptions),
        address=lambda values: address_of(layout, values),
        token=_token_source(layout),
        token_address=lambda values: token_address(layout, values),
    )


def _token_source(layout: RequestLayout) -> TokenSource | None:
    """Return where requests have their access token from; None if they need none."""
    if not layout.oauth:
        return None
    return TokenSource(
        lambda values, refresh: token_request(layout, values, refresh),
        next(iter(secret_names(layout.oauth)), TOKEN_URL),
    )


def _key_paths(one: Subscription, layout: RequestLayout) -> Iterator[str]:
    """Yield the paths at which what is posted for the payloads of an action may hold keys."""
    paths = frozenset(one.paths_of(layout.secrets))
    shape = layout.post_of(one.route).shape
    yield from paths if shape is None else key_paths_of(shape, paths, layout.secrets)


def _with_replay(
    destination: Destination[Any],
    layout: RequestLayout,
    subscriptions: Sequence[Subscription],
    replay: ReplayTables,
) -> Destination[Any]:
    """Return the destination with the facts about replays."""
    if replay.whole is None and not replay.actions:
        return destination
    marks = list(marks_of(replay))
    changed = blake2b(dumps([destination.revision, marks]), digest_size=8).hexdigest()
    return replace(
        destination,
        replay=replay.whole,
        action_replay={subscriptions[at].name: facts for at, facts in replay.actions.items()},
        revision=changed if marks else destination.revision,
        marked_request=lambda route, bodies, values, fields: request_of(
            layout, route, bodies, values, fields
        ),
    )


def _checks(
    subscriptions: Sequence[Subscription], layout: RequestLayout
) -> Mapping[str, Sequence[Callable[[Any], str]]]:
    """Return the checks of payloads for the routes of which every action has fields.

    A payload of which a part is left out does not have all its fields.
    """
    found: dict[str, list[Callable[[Any], str]]] = {}
    free = {one.route for one in subscriptions if not one.fields or layout.post_of(one.route).omit}
    for one in subscriptions:
        types = types_of_fields(one.fields)
        if types and one.route not in free:
            found.setdefault(one.route, []).append(check_of(types))
    return found


def _action(one: Subscription, layout: RequestLayout) -> Action:
    post = layout.post_of(one.route)
    sent = layout.routes[one.route][0]
    address = layout.address
    parts = (*address.base.parts, *address.path.parts, *address.query.parts)
    whole = Template(tuple(parts)).filled(
        lambda name: template_text(sent) if name == ROUTE else f"{{{name}}}"
    )
    own = _route_limits(layout).get(one.route, Limits())
    size = post.batch.bytes if post.batch else None
    limits = replace(own, events=_events(post), bytes=size)
    form = ", ".join(filter(None, (_FORMS[post.body], post.compression)))
    return Action(one.name, one.query, f"{post.method} {whole}", limits, form)


def _events(post: PostLayout) -> int:
    return post.batch.events if post.batch else 1


def _rate(table: Mapping[str, Any]) -> float | None:
    rate = table.get("limits", {}).get("rate")
    return None if rate is None else float(rate)


def _route_limits(layout: RequestLayout) -> Mapping[str, Limits]:
    """Return the limits of the routes that have some of their own."""
    usual = layout.usual
    return {
        route: Limits(payload_bytes=post.payload_bytes, rate=post.rate)
        for route, (_, post) in layout.routes.items()
        if (post.payload_bytes, post.rate) != (usual.payload_bytes, usual.rate)
    }


def _in_batch(action: Mapping[str, Any], layout: RequestLayout) -> bool:
    """Return whether payloads of an action share requests."""
    return _events(layout.post_of(action.get("route", "/"))) > 1


def _revision(table: Mapping[str, Any], subscriptions: Sequence[Subscription]) -> str:
    """Return a fingerprint of the queries, mappings, fields and routes.

    With several actions their names count too, since a journal has them, and whether each gets an
    event.
    """
    actions = [
        [one.query, one.mapping, list(one.required), one.route, *_fields_said(one)]
        for one in subscriptions
    ]
    said = dumps([table.get("label", table["name"]), actions, *_fan_out_said(table)])
    return blake2b(said, digest_size=8).hexdigest()


def _fan_out_said(table: Mapping[str, Any]) -> list[Any]:
    names = [action["name"] for action in table["actions"] if "name" in action]
    said: list[Any] = [names] if names and len(table["actions"]) > 1 else []
    return said if table.get("fan_out", True) else [*said, "first action only"]


def _fields_said(one: Subscription) -> list[Any]:
    """Return the fields of an action for the fingerprint: whether it has a batch counts too."""
    return [one.fields, one.in_batch] if one.fields else []
