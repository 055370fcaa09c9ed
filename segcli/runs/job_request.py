"""What a program asks for, as a job: destination, settings, selection."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypedDict, Unpack

from segcli import destinations
from segcli.core import quantities, settings
from segcli.core.destination import Destination
from segcli.core.outcome import Job
from segcli.core.secret import Secret
from segcli.core.settings import SettingSources
from segcli.destination_source import DestinationSource, find_source
from segcli.environment import Environment
from segcli.errors import SegcliError, UsageError
from segcli.http.network import Network
from segcli.job_spec import JobSpec, ReplaySpec, SelectionSpec
from segcli.settings_file import Config, read_config

Dest: TypeAlias = str | os.PathLike[str] | Destination[Any]
ConfigLike: TypeAlias = str | os.PathLike[str] | Environment | None
Texts: TypeAlias = str | Iterable[str]
Time: TypeAlias = str | datetime | None


@dataclass(frozen=True, slots=True)
class RequestedJob:
    """A job that a program asked for.

    spec: the job as texts.
    job: the job.
    network: proxies and certificates.
    config: the settings file that it has read; None if it read none.
    """

    spec: JobSpec
    job: Job
    network: Network
    config: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What a program says about a job; see the functions of `segcli.api`."""

    dest: Dest
    settings: Mapping[str, Any] | None = field(default=None, repr=False)
    api_key: str | Secret | None = field(default=None, repr=False)
    config: ConfigLike = None
    selection: SelectionSpec = SelectionSpec()
    replay: ReplaySpec = ReplaySpec()

    def resolved(self) -> RequestedJob:
        """Return the job. Raises UsageError, SettingsError and DestinationError."""
        source, destination = _found(self.dest)
        config, environment = _config(self.config, destination.name)
        rows = settings.describe(destination.name, destination.settings)
        key = settings.key_name(destination.name, rows) if self.api_key else "api_key"
        sources = SettingSources(
            given=_given(self.settings, self.api_key, key),
            env=environment.variables if environment else {},
            table=config.table,
            options={key: "api_key"} if self.api_key else {},
            config=config.path,
            is_found=config.is_found,
            lines=config.lines,
            dest=source.dest,
            given_in="settings",
        )
        spec = JobSpec(
            source=source,
            settings=settings.given_by(destination.name, destination.settings, sources),
            selection=self.selection,
            replay=self.replay,
            at=datetime.now(UTC).isoformat(),
        )
        network = environment.network if environment else Network()
        read = None if self.config is None else config.path
        return RequestedJob(spec, spec.job(destination), network, read)


class Selecting(TypedDict, total=False):
    """The arguments that select events; see the functions of `segcli.api`."""

    types: Texts
    events: Texts
    since: Time
    until: Time
    allowed_lateness: float | None
    users: Texts
    where: str | None
    limit: int | None
    ignore_integrations: bool


def job_request(
    *,
    dest: Dest,
    settings: Mapping[str, Any] | None,
    config: ConfigLike,
    replay: ReplaySpec,
    api_key: str | Secret | None = None,
    **selecting: Unpack[Selecting],
) -> JobRequest:
    """Return what the arguments of a function ask for. Raises UsageError for a wrong selection."""
    return JobRequest(
        dest=dest,
        settings=settings,
        api_key=api_key,
        config=config,
        selection=_selection_of(**selecting),
        replay=replay,
    )


def replay_of(older: str | None, now: Time, *, live: bool) -> ReplaySpec:
    """Return how old events are treated, of the arguments of a function."""
    return ReplaySpec(older=older, now=time_of(now), live=live)


def texts_of(name: str, given: Texts) -> tuple[str, ...]:
    """Return one or several texts as a tuple; raises UsageError for anything else."""
    texts = (given,) if isinstance(given, str) else tuple(given)
    for text in texts:
        if not isinstance(text, str):
            raise UsageError(f"{name}: a text is expected, not {text!r}")
    return texts


def time_of(given: Time) -> str | None:
    """Return a time as a text. A datetime without a zone is in UTC."""
    if isinstance(given, datetime):
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).isoformat()
    return given


def _selection_of(**given: Unpack[Selecting]) -> SelectionSpec:
    """Return the selection; raises UsageError for a value that cannot be one."""
    values: dict[str, Any] = {**given}
    for name in {"types", "events", "users"} & values.keys():
        values[name] = texts_of(name, values[name])
    for name in {"since", "until"} & values.keys():
        values[name] = time_of(values[name])
    limit = given.get("limit")
    if limit is not None and limit < 0:
        raise UsageError(f"limit must be 0 or more, not {limit}")
    return SelectionSpec(**values)


def rate_of(given: float | str | None) -> float | None:
    """Return a rate, in requests a second; raises UsageError for a text that is none."""
    if given is None:
        return None
    try:
        return quantities.rate(str(given))
    except (ValueError, KeyError):
        raise UsageError(f"rate: {given!r} is not a rate", "Give 50 or 50/s.") from None


@contextmanager
def naming_arguments() -> Iterator[None]:
    """Let errors name the arguments of a program, instead of options and variables."""
    try:
        yield
    except SegcliError as error:
        lines = (
            _HOW_TO_SET if "export SEGCLI_" in line else with_argument_names(line)
            for line in error.hint.splitlines()
        )
        error.message = with_argument_names(error.message)
        error.hint = "\n".join(dict.fromkeys(lines))
        error.args = (error.message,)
        raise


def with_argument_names(text: str) -> str:
    """Return a text with the names of arguments in place of those of options."""
    return _OPTION.sub(lambda option: _ARGUMENTS[option[0]], text)


_HOW_TO_SET = (
    'Give it in settings={"name": value}, a key as api_key="…", or a settings file as '
    'config="segcli.toml".'
)
_ARGUMENTS = {
    "--resume": "resume=True",
    "--restart": "restart=True",
    "--no-first-look": "first_look=False",
    "--allow-http": "allow_http=True",
    "--live": "live=True",
    "--strict": "strict=True",
    "--type": "types",
    "--event": "events",
    "--user": "users",
    "--set": "settings",
    "--api-key-file": "api_key",
    **{
        f"--{name.replace('_', '-')}": name
        for name in (
            *("since", "until", "allowed_lateness", "where", "limit", "ignore_integrations"),
            *("journal", "rejects", "rate", "retry_for", "http_transport", "max_line", "dest"),
            *(
                "expect",
                "plan",
                "baseline",
                "select",
                "ignore",
                "fail_on_uncovered",
                "older",
                "now",
            ),
        )
    },
}
_OPTION = re.compile(rf"(?<![a-z-])(?:{'|'.join(_ARGUMENTS)})(?![a-z-])")


def _found(dest: Dest) -> tuple[DestinationSource, Destination[Any]]:
    if isinstance(dest, Destination):
        return DestinationSource(dest.name), dest
    if not dest:
        raise UsageError(
            "no destination given; give dest=…",
            "It is the path of a destination file, a Destination, or one of these names: "
            f"{', '.join(destinations.names())}",
        )
    return find_source(os.fspath(dest))


def _config(config: ConfigLike, destination: str) -> tuple[Config, Environment | None]:
    if config is None:
        return Config(), None
    if isinstance(config, Environment):
        return read_config(config.config, destination), config
    return read_config(os.fspath(config), destination), None


def _given(
    given: Mapping[str, Any] | None, api_key: str | Secret | None, key: str
) -> dict[str, Any]:
    """Return the settings, with the key by its name; raises UsageError if it is given twice."""
    values = {name: value for name, value in (given or {}).items() if value is not None}
    if api_key is None:
        return values
    if key in values:
        raise UsageError("the key is given as api_key=… and in settings=…", "Give it once.")
    return values | {key: api_key}
