"""The table `replay`: what the vendor does with old events, of the file and of its actions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from segcli.core.event_time import is_time
from segcli.core.placeholder import Template
from segcli.core.replay import (
    ANY,
    MARKED_AFTER,
    Dedup,
    Evidence,
    Replay,
    ReplayMark,
    UserLimits,
    age_of,
    bound_of,
)
from segcli.core.request_layout import PostLayout, RequestLayout
from segcli.destination_file.problems import KeyPath, Mistakes

_NAME = "replay"
# Each key means something only beside the other one, of which this must be the value.
_NEEDED: Sequence[tuple[str, str, str]] = (
    ("older", "oldest", ""),
    ("later", "future", ""),
    ("time_unit", "time", ""),
    ("messages_within", "messages", "recent"),
    ("messages_how", "messages", "setting"),
    ("profiles_time", "profiles", "newest"),
)
_TEXTS = (
    *("checked", "time", "time_unit", "oldest", "older", "future", "later", "messages"),
    *("messages_within", "messages_how", "profiles", "profiles_time", "order"),
)


@dataclass(frozen=True, slots=True)
class ReplayTables:
    """The facts of a file.

    whole: those of the whole file; None without any.
    actions: those of each action that has its own, by its place.
    """

    whole: Replay | None = None
    actions: Mapping[int, Replay] = field(default_factory=dict)

    def of_action(self, place: int) -> Replay | None:
        """Return the facts that hold for an action."""
        return self.actions.get(place, self.whole)


def read_replay(
    table: Mapping[str, Any], layout: RequestLayout, mistakes: Mistakes
) -> ReplayTables:
    """Read the facts of a file and of its actions, whose keys win; mistakes are noted."""
    shared = table.get(_NAME)
    whole = _read(shared, {}, (_NAME,), mistakes) if shared is not None else None
    actions: dict[int, Replay] = {}
    for place, action in enumerate(table.get("actions", ())):
        path: KeyPath = ("actions", place, _NAME)
        own = action.get(_NAME)
        if own is not None:
            actions[place] = _read(own, shared or {}, path, mistakes)
        facts = actions.get(place, whole)
        post = layout.post_of(action.get("route", "/"))
        _check_request_marks(facts, post, path if own is not None else (_NAME,), mistakes)
    return ReplayTables(whole, actions)


def routes_with_marks(
    layout: RequestLayout, actions: Sequence[Mapping[str, Any]], tables: ReplayTables
) -> Mapping[str, tuple[Template, PostLayout]]:
    """Return the routes of a layout, with the fields that requests of old events have."""
    routes = dict(layout.routes)
    for place, action in enumerate(actions):
        facts, route = tables.of_action(place), action.get("route", "/")
        marks = {one.path: one.value for one in facts.request_marks()} if facts else {}
        path, post = routes[route]
        if marks and post.batch:
            batch = replace(post.batch, marks={**post.batch.marks, **marks})
            routes[route] = path, replace(post, batch=batch)
    return routes


def _read(
    own: Mapping[str, Any], shared: Mapping[str, Any], path: KeyPath, mistakes: Mistakes
) -> Replay:
    table = {**shared, **own}
    _check_forms(own, path, mistakes)
    _check_needed(table, own, path, mistakes)
    if mistakes.are_below((_NAME,)) or mistakes.are_below(path):
        return Replay()
    return Replay(
        **{name: table[name] for name in _TEXTS if name in table},
        split=frozenset(table.get("split", ())),
        dedup=_dedup(table.get("dedup")),
        set=tuple(map(_mark, table.get("set", ()))),
        user=_user(table["user"]) if "user" in table else None,
        undo=table.get("undo"),
        source=tuple(map(_source, _evidence(own, shared))),
    )


def _check_forms(own: Mapping[str, Any], path: KeyPath, mistakes: Mistakes) -> None:
    """Note values that the schema allows and that mean nothing."""
    if own.get("future", ANY) != ANY and not _is_age(own["future"]):
        mistakes.add((*path, "future"), 'must be an age such as "1h", or "any"')
    _check_age(own.get("messages_within"), (*path, "messages_within"), mistakes)
    for at, mark in enumerate(own.get("set", ())):
        _check_age(mark.get("after"), (*path, "set", at, "after"), mistakes)
    user = own.get("user", {})
    _check_age(user.get("pause"), (*path, "user", "pause"), mistakes)
    if "checked" in own and not is_time(own["checked"]):
        mistakes.add((*path, "checked"), "is not a date of the calendar")
    if own.get("time") is True:
        mistakes.add((*path, "time"), "must be false, or the path of the time in the payload")
    if own.get("dedup") is True:
        mistakes.add((*path, "dedup"), 'must be false, or a table such as { id = "uuid" }')
    if "oldest" in own and not _is_bound(own["oldest"]):
        problem = 'must be an age such as "72h", a date such as "1971-01-01", or "any"'
        mistakes.add((*path, "oldest"), problem)
    window = own["dedup"].get("window") if isinstance(own.get("dedup"), dict) else None
    if window not in (None, "unstated"):
        _check_age(window, (*path, "dedup", "window"), mistakes)


def _check_age(text: str | None, path: KeyPath, mistakes: Mistakes) -> None:
    if text is not None and not _is_age(text):
        mistakes.add(path, "must be an age with its unit, such as 72h or 7d")


def _is_age(text: str) -> bool:
    try:
        age_of(text)
    except (ValueError, KeyError, OverflowError):
        return False
    return True


def _is_bound(text: str) -> bool:
    try:
        bound_of(text)
    except (ValueError, KeyError, OverflowError):
        return False
    return True


def _check_needed(
    table: Mapping[str, Any], own: Mapping[str, Any], path: KeyPath, mistakes: Mistakes
) -> None:
    """Note keys that mean something only beside others."""
    for name, other, value in _NEEDED:
        is_there = other in table and value in ("", table[other])
        if name in own and not is_there and not mistakes.are_below((*path, other)):
            needed = f'{other} = "{value}"' if value else other
            mistakes.add((*path, name), f"means nothing without {needed}")
    if table.get("messages") == "recent" and "messages_within" not in table:
        mistakes.add((*path, "messages_within"), 'is missing: messages = "recent" requires it')
    if "age" in table.get("split", ()) and not table.get("set"):
        mistakes.add((*path, "split"), '"age" means nothing without set: its after is the border')


def _check_request_marks(
    facts: Replay | None, post: PostLayout, path: KeyPath, mistakes: Mistakes
) -> None:
    """Note marks of a request that have no place in its body."""
    batch = post.batch
    has_object = batch is not None and bool(batch.under) and post.body != "ndjson"
    for at, mark in enumerate(facts.set if facts else ()):
        if mark.at != "request":
            continue
        where = (*path, "set", at, "path")
        if batch is None or not has_object:
            problem = 'needs batch.under, an object around the events; or use at = "item"'
            mistakes.add((*path, "set", at, "at"), problem)
        elif "." in mark.path:
            mistakes.add(where, "must be a key of the body, without a dot")
        elif mark.path == batch.under.partition(".")[0]:
            mistakes.add(where, "is already the key of the events, by batch.under")


def _dedup(value: Any) -> Dedup | Any:
    if not isinstance(value, dict):
        return value
    return Dedup(
        id=value.get("id", ""),
        others=tuple(value.get("with", ())),
        form=value.get("form", ""),
        window=value.get("window", ""),
        repeat=value.get("repeat", ""),
        sure=value.get("sure"),
    )


def _mark(table: Mapping[str, Any]) -> ReplayMark:
    return ReplayMark(
        path=table.get("path", ""),
        value=table.get("value", True),
        at=table.get("at", "item"),
        after=age_of(table["after"]) if "after" in table else MARKED_AFTER,
        against=table.get("against", ""),
    )


def _user(table: Mapping[str, Any]) -> UserLimits:
    rate, day, pause = (table.get(name) for name in ("rate", "day", "pause"))
    return UserLimits(
        ids=tuple(table.get("ids", ())),
        rate=None if rate is None else float(rate),
        day=None if day is None else int(day),
        pause=None if pause is None else age_of(pause),
    )


def _evidence(own: Mapping[str, Any], shared: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the evidence of an action: its own, and that of the file for facts it leaves as is."""
    found = own.get("source", ())
    replaced = {*own, *(one.get("fact", "") for one in found)}
    yield from found
    if own is not shared:
        yield from (one for one in shared.get("source", ()) if one.get("fact", "") not in replaced)


def _source(table: Mapping[str, Any]) -> Evidence:
    return Evidence(table.get("fact", ""), table["mark"], table["page"])


def marks_of(tables: ReplayTables) -> Iterator[list[Any]]:
    """Yield what changes payloads and requests, for the fingerprint of the mappings."""
    for place, facts in ((-1, tables.whole), *sorted(tables.actions.items())):
        for mark in facts.set if facts else ():
            yield [place, mark.path, mark.value, mark.at]
