"""Makes the job from the options: the destination, its settings, and the selection of events."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from segcli import destinations
from segcli.cli.configured import config_file
from segcli.cli.dest_option import typed_source
from segcli.cli.options import JobOptions, Target
from segcli.cli.variables import check_variables
from segcli.core import settings
from segcli.core.destination import Destination
from segcli.core.event_time import parse_time
from segcli.core.outcome import Job
from segcli.destination_source import DestinationSource
from segcli.errors import SettingsError, UsageError
from segcli.inputs.small_file import read_named
from segcli.job_spec import JobSpec, ReplaySpec, SelectionSpec
from segcli.settings_file import config_of

# No key is longer. A larger file was named by mistake.
_MAX_KEY_BYTES = 64 * 1024
_KEY_HINT = "Write the key into the first line of the file, or name another: --api-key-file PATH"


def job_of(
    options: Target, *, overrides: Callable[[Destination[Any]], Mapping[str, str]] | None = None
) -> Job:
    """Make the job from the options, as `spec_and_job`."""
    return spec_and_job(options, overrides=overrides)[1]


def spec_and_job(
    options: Target, *, overrides: Callable[[Destination[Any]], Mapping[str, str]] | None = None
) -> tuple[JobSpec, Job]:
    """Make the job from the options, first as texts.

    The settings that `overrides` returns win over all others. Raises UsageError, SettingsError and
    DestinationError.
    """
    if options.dest is None:
        raise UsageError(
            "no destination given; use --dest NAME",
            "NAME is the path of a destination file, like ./acme.toml, or one of these: "
            f"{', '.join(destinations.names())}",
        )
    source, destination = typed_source(options.dest)
    rows = settings.describe(destination.name, destination.settings)
    check_variables(destination.name, [row.name for row in rows])
    spec = spec_of(options, source, destination, overrides=overrides)
    return spec, spec.job(destination)


def spec_of(
    options: Target,
    source: DestinationSource,
    destination: Destination[Any],
    *,
    overrides: Callable[[Destination[Any]], Mapping[str, str]] | None = None,
) -> JobSpec:
    """Return the job of a destination as texts; `overrides` as in `spec_and_job`.

    Raises UsageError and SettingsError.
    """
    given, by_option = _given(options, destination)
    sources = replace(
        _environment(options.config, destination.name),
        given=given | dict(overrides(destination) if overrides else {}),
        options=by_option,
        dest=source.dest,
    )
    return JobSpec(
        source=source,
        settings=settings.given_by(destination.name, destination.settings, sources),
        selection=typed_selection(options) if isinstance(options, JobOptions) else SelectionSpec(),
        replay=_replay_of(options),
        at=now(),
    )


def typed_selection(options: JobOptions) -> SelectionSpec:
    """Return which events the options select."""
    return SelectionSpec(
        types=options.type,
        events=options.event,
        since=options.since,
        until=options.until,
        allowed_lateness=options.allowed_lateness,
        users=options.user,
        where=options.where,
        limit=options.limit,
        ignore_integrations=options.ignore_integrations,
    )


def _replay_of(options: Target) -> ReplaySpec:
    """Return what happens to old events; what is no replay sets no marks."""
    if not isinstance(options, JobOptions):
        return ReplaySpec(live=True)
    return ReplaySpec(older=options.older, now=options.now, live=options.live)


def now_of(options: JobOptions) -> datetime:
    """Return the time from which the options count: --now, or the time of the command."""
    at = parse_time(now())
    return ReplaySpec(now=options.now).options(at).now or at


def now() -> str:
    """Return the time of the command, for its job."""
    return datetime.now(UTC).isoformat()


def origins_of(destination: Destination[Any], config: str | None) -> Mapping[str, settings.Origin]:
    """Return where each setting of a destination comes from if no option sets it."""
    sources = _environment(config, destination.name)
    return settings.origins(destination.name, destination.settings, sources)


def _environment(named: str | None, destination: str) -> settings.SettingSources:
    """Return the settings from the environment and from the settings file."""
    config = config_of(config_file(named), destination)
    return settings.SettingSources(
        given={},
        env=os.environ,
        table=config.table,
        config=config.path,
        is_found=config.is_found,
        lines=config.lines,
    )


def _given(options: Target, destination: Destination[Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the settings that options set, and the option of each that is not `--set`."""
    given = dict(_key_and_value(text) for text in options.set)
    by_option: dict[str, str] = {}
    rows = settings.describe(destination.name, destination.settings)
    known = {row.name for row in rows}
    key = settings.key_name(destination.name, rows) if options.api_key_file else ""
    for name, option, value in (
        ("endpoint", "--endpoint", options.endpoint),
        (key, "--api-key-file", _first_line(options.api_key_file)),
    ):
        if value is not None and name not in known:
            raise UsageError(f"{option}: {destination.name} has no setting {name}")
        if value is not None:
            given[name], by_option[name] = value, option
    return given, by_option


def _key_and_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        # The text may be a key, so the message does not repeat it.
        raise UsageError("--set: a setting has no value", "Type --set KEY=VALUE")
    return key.strip(), value


def _first_line(path: Path | None) -> str | None:
    """Return the key in a file. It may be a pipe: `--api-key-file <(pass show key)`."""
    if path is None:
        return None
    try:
        key = read_named(path, max_bytes=_MAX_KEY_BYTES).partition("\n")[0].strip()
    except ValueError as problem:
        raise SettingsError(f"--api-key-file {path} {problem}", _KEY_HINT) from None
    if not key:
        raise SettingsError(f"--api-key-file {path}: the first line is empty", _KEY_HINT)
    return key
