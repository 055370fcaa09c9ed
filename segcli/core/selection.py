"""Which events of an input are for a destination."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from segcli.core.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selection options; an empty one selects every event.

    `events` are shell patterns of event names; `since` is included, `until` is not; `where` is
    asked about the event's JSON; `limit` counts mapped events.
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
        """Tell whether it may leave out events whose integrations object says nothing."""
        asked = (self.types, self.events, self.since, self.until, self.users, self.where)
        return any(asked)


def any_time(moment: datetime) -> bool:  # noqa: ARG001  # the interface
    """Carry every time."""
    return True


def reason_to_skip(
    event: Event,
    selection: Selection,
    label: str,
    *,
    carries: Callable[[datetime], bool] = any_time,
) -> str | None:
    """Return why an event is left out, or None; `label` names the destination in `integrations`.

    `carries` tells which times the destination can: the first of the event's is the one that
    `since` and `until` judge.
    """
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
        moments = (moment for _, moment in event.times())
        return _outside(next(filter(carries, moments), None), selection)
    return None


def is_enabled(integrations: Mapping[str, Any], label: str) -> bool:
    """Tell whether an integrations object lets an event through to a destination.

    Its own key wins; without it `All` (or `all`) decides; any value but `false` means on,
    objects too. Names are case-sensitive [doc].
    """
    if label in integrations:
        return integrations[label] is not False
    return integrations.get("All", integrations.get("all")) is not False


def _is_named(event: Event, patterns: tuple[str, ...]) -> bool:
    name = event.name
    return isinstance(name, str) and any(fnmatchcase(name, pattern) for pattern in patterns)


def _outside(time: datetime | None, selection: Selection) -> str | None:
    if time is None:
        return "without a time for --since and --until"
    if selection.since and time < selection.since:
        return "before --since"
    if selection.until and time >= selection.until:
        return "not before --until"
    return None
