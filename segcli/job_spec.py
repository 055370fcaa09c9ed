"""A job as texts: what the command line, a Python program and a cluster ask for.

A `JobSpec` can be pickled, and all of it but its keys can be written as JSON. `JobSpec.job` makes
the same `Job` of it in every process, at any time: it reads no clock, no file and no environment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from segcli.core import quantities, settings
from segcli.core.destination import Destination
from segcli.core.event import TYPES
from segcli.core.event_time import parse_time
from segcli.core.outcome import Job
from segcli.core.replay import POLICIES, OlderPolicy
from segcli.core.replay_age import ReplayOptions
from segcli.core.secret import Secret, holds_credentials
from segcli.core.selection import Selection
from segcli.core.settings import Given, Origin, Place
from segcli.destination_source import DestinationSource
from segcli.errors import SettingsError, UsageError

DOCUMENT_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionSpec:
    """Which events to map, as a person typed it.

    types: call types.
    events: shell patterns of event names.
    since, until: a time, such as `2026-02-16T09:00:00Z`, or how long before the job, such as `7d`.
    allowed_lateness: seconds; in an archive, days that begin later than this after `until` are not
        read. None to read them.
    users: user ids and anonymous ids.
    where: a query in FQL.
    limit: the most events to map, after the other filters.
    ignore_integrations: whether to map events whose integrations object disables the destination.
    """

    types: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    allowed_lateness: float | None = None
    users: tuple[str, ...] = ()
    where: str | None = None
    limit: int | None = None
    ignore_integrations: bool = False

    def selection(self, at: datetime) -> Selection:
        """Return the selection; `7d` is counted from the time `at`. Raises UsageError."""
        return Selection(
            types=frozenset(map(_type, self.types)),
            events=_filled("--event", self.events),
            since=_moment("since", self.since, at),
            until=_moment("until", self.until, at),
            users=frozenset(_filled("--user", self.users)),
            where=_query(self.where),
            limit=self.limit,
            ignore_integrations=self.ignore_integrations,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySpec:
    """What happens to old events, as a person typed it.

    older: what happens to an event that is too old for the vendor: `skip`, `reject` or `send`;
        None for the default, which is `skip`.
    now: the time from which ages and `7d` are counted, or how long before the job;
        None for the time of the job.
    live: the events are new, so none is marked as old.
    """

    older: str | None = None
    now: str | None = None
    live: bool = False

    def options(self, at: datetime) -> ReplayOptions:
        """Return the options; `at` is the time of the job. Raises UsageError."""
        now = _moment("now", self.now, at)
        return ReplayOptions(
            older=_policy(self.older), now=now or at, is_fixed=now is not None, live=self.live
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What to do with every line, as texts.

    source: the destination's name, or the texts of its files.
    settings: its settings as they were given, by name; a key is a Secret.
    selection: which events to map.
    replay: what happens to old events.
    at: the time of the job, as ISO-8601: all parts of a job count `7d` from it, unless `replay`
        has another one.
    """

    source: DestinationSource
    settings: Mapping[str, Given] = field(default_factory=dict)
    selection: SelectionSpec = SelectionSpec()
    replay: ReplaySpec = ReplaySpec()
    at: str

    def job(self, destination: Destination[Any] | None = None) -> Job:
        """Return the job. `destination` is that of `source`, if the caller has it already.

        Raises UsageError, SettingsError and DestinationError.
        """
        found = destination or self.source.destination()
        values = settings.settings_from(found.name, found.settings, self.settings)
        if problem := found.check_settings(values):
            raise SettingsError(f"{found.name}: {problem}")
        replay = self.replay.options(parse_time(self.at))
        return Job(
            destination=found,
            settings=values,
            selection=self.selection.selection(replay.now or parse_time(self.at)),
            replay=replay,
            origins={name: given.origin for name, given in self.settings.items()},
        )

    def document(self) -> dict[str, Any]:
        """Return the spec as values of JSON, without its keys.

        `keys` has the names of the settings that are left out: keys, and addresses with a password
        or a query.
        """
        shown = {name: one for name, one in self.settings.items() if not _holds_key(one)}
        return {
            "job_spec_version": DOCUMENT_VERSION,
            "dest": self.source.dest,
            "texts": dict(self.source.texts),
            "settings": {
                name: [one.value, one.origin.place.name, one.origin.name]
                for name, one in shown.items()
            },
            "keys": [name for name in self.settings if name not in shown],
            "selection": asdict(self.selection),
            "replay": asdict(self.replay),
            "at": self.at,
        }


def spec_from(document: Mapping[str, Any], keys: Mapping[str, Secret]) -> JobSpec:
    """Return the spec of a document of `JobSpec.document`, with its keys.

    Raises UsageError for a document of another version, and SettingsError if a key is missing.
    """
    if document.get("job_spec_version") != DOCUMENT_VERSION:
        raise UsageError("the job was written by another version of segcli")
    missing = [name for name in document["keys"] if name not in keys]
    if missing:
        raise SettingsError(f"the job needs {', '.join(missing)}")
    given = {
        name: Given(value, Origin(Place[place], source))
        for name, (value, place, source) in document["settings"].items()
    }
    origin = Origin(Place.OPTION, "the job")
    given |= {name: Given(keys[name], origin) for name in document["keys"]}
    return JobSpec(
        source=DestinationSource(document["dest"], document["texts"]),
        settings=given,
        selection=SelectionSpec(**{k: _tuple(v) for k, v in document["selection"].items()}),
        replay=ReplaySpec(**document["replay"]),
        at=document["at"],
    )


def _holds_key(given: Given) -> bool:
    if isinstance(given.value, str):
        return holds_credentials(given.value)
    return isinstance(given.value, Secret)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _policy(name: str | None) -> OlderPolicy:
    for policy in POLICIES:
        if name in (None, policy):
            return policy
    raise UsageError(f"older: there is no {name!r}", f"There are: {_listed(POLICIES)}")


def _type(name: str) -> str:
    if name not in TYPES:
        raise UsageError(f"there is no type {name!r}", f"There are: {_listed(TYPES)}")
    return name


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _filled(option: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return texts to select by. Raises UsageError for an empty one, which selects nothing."""
    if "" in texts:
        hint = f"Is a variable not set? Leave {option} out to select all."
        raise UsageError(f"a value of {option} is empty", hint)
    return texts


def _moment(name: str, text: str | None, at: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        return quantities.moment(text, at)
    except (ValueError, KeyError, OverflowError):
        hint = "Give for example 2026-02-03, 2026-02-03T10:00:00Z or 7d."
        raise UsageError(f"{name}: {text!r} is not a time", hint) from None


def _query(text: str | None) -> Any:
    if text is None:
        return None
    from segcli.fql import matcher  # noqa: PLC0415  # few jobs have a query

    try:
        return matcher(text, strict=True)
    except ValueError as error:
        raise UsageError(f"where: {error}") from None
