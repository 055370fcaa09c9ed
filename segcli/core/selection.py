"""Select the events of an input that are for a destination."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from segcli.core.event import Event, parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selection options. An empty selection selects every event.

    types: call types.
    events: shell patterns of event names.
    since: the earliest time.
    until: the first time that is too late.
    users: user ids and anonymous ids.
    where: a test of the event's JSON.
    limit: the number of events to map.
    ignore_integrations: select events also if their integrations object turns them off.
    """

    types: frozenset[str] = frozenset()
    events: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    users: frozenset[str] = frozenset()
    where: Callable[[Mapping[str, Any]], bool] | None = None
    limit: int | None = None
    ignore_integrations: bool = False

    @property
    def narrows(self) -> bool:
        """True if it may leave out events that have no integrations object."""
        return any((self.types, self.events, self.since, self.until, self.users, self.where))


def reason_to_skip(event: Event, selection: Selection, label: str) -> str | None:
    """Return why an event is skipped, or None. `label` is the destination's integrations key."""
    if selection.types and event.type not in selection.types:
        return "not of --type"
    if selection.events and not _is_named(event, selection.events):
        return "not of --event"
    if selection.users and not selection.users & {event.user_id, event.anonymous_id}:
        return "not of --user"
    if selection.where and not selection.where(event.data):
        return "not of --where"
    integrations = event.integrations or {}
    if not selection.ignore_integrations and not is_enabled(integrations, label):
        return "switched off in integrations"
    if selection.since or selection.until:
        return _outside(event, selection)
    return None


def is_enabled(integrations: Mapping[str, Any], label: str) -> bool:
    """True if an integrations object enables a destination.

    The destination's own key decides, and without it `All` (or `all`). Any value except `false`
    means enabled, also an object. Names are case-sensitive [doc].
    """
    if label in integrations:
        return integrations[label] is not False
    return integrations.get("All", integrations.get("all")) is not False


def _is_named(event: Event, patterns: tuple[str, ...]) -> bool:
    name = event.name
    return isinstance(name, str) and any(fnmatchcase(name, pattern) for pattern in patterns)


def _outside(event: Event, selection: Selection) -> str | None:
    if event.time is None:
        return "without a time for --since and --until"
    time = parse_time(event.time)
    if selection.since and time < selection.since:
        return "before --since"
    if selection.until and time >= selection.until:
        return "not before --until"
    return None
