"""The job that the options ask for: the destination, its settings, and which events."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from segcli import destinations
from segcli.cli import dest_option
from segcli.cli.config import read_config
from segcli.cli.options import JobOptions, Target
from segcli.core import settings
from segcli.core.destination import Destination
from segcli.core.outcome import Job
from segcli.core.secret import Secret
from segcli.core.selection import Selection
from segcli.errors import SettingsError, UsageError
from segcli.inputs.small_file import read_named

# Nobody's key is longer, and most files are not meant.
_MAX_KEY_BYTES = 64 * 1024


def job_of(
    asked: Target, *, overrides: Callable[[Destination[Any]], Mapping[str, str]] | None = None
) -> Job:
    """Make the job that the options ask for; `overrides` are settings that win over all others.

    Raises UsageError and SettingsError.
    """
    if asked.dest is None:
        raise UsageError(
            "no destination is named",
            f"Type --dest NAME, or the path of a file as ./acme.toml. "
            f"There are: {', '.join(destinations.names())}",
        )
    destination = dest_option.find_destination(asked.dest)
    given, options = _given(asked, destination)
    sources = replace(
        _surroundings(asked.config, destination.name),
        given=given | dict(overrides(destination) if overrides else {}),
        options=options,
        dest=asked.dest,
    )
    values = settings.read_settings(destination.name, destination.settings, sources)
    if check_settings := destination.check_settings(values):
        raise SettingsError(f"{destination.name}: {check_settings}")
    selection = selection_of(asked) if isinstance(asked, JobOptions) else Selection()
    origins = settings.origins(destination.name, destination.settings, sources)
    return Job(destination=destination, settings=values, selection=selection, origins=origins)


def selection_of(asked: JobOptions) -> Selection:
    """Return which events the options ask for."""
    return Selection(
        types=frozenset(asked.type),
        events=asked.event,
        since=asked.since.time if asked.since else None,
        until=asked.until.time if asked.until else None,
        users=frozenset(asked.user),
        where=asked.where.matches if asked.where else None,
        limit=asked.limit,
        ignore_integrations=asked.ignore_integrations,
    )


def origins_of(destination: Destination[Any], config: str | None) -> Mapping[str, settings.Origin]:
    """Return where each setting of a destination comes from where no option gives any."""
    sources = _surroundings(config, destination.name)
    return settings.origins(destination.name, destination.settings, sources)


def _surroundings(named: str | None, destination: str) -> settings.Sources:
    """Return the settings that the environment and the file of settings give."""
    config = read_config(named, destination)
    return settings.Sources(
        given={},
        env=os.environ,
        table=config.table,
        config=config.path,
        is_found=config.is_found,
    )


def _given(asked: Target, destination: Destination[Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the settings that are given by options, and which of them not by `--set`."""
    given = dict(_key_and_value(text) for text in asked.set)
    options: dict[str, str] = {}
    rows = settings.describe(destination.name, destination.settings)
    known = {row.name for row in rows}
    key = _key_in(destination.name, rows) if asked.api_key_file else ""
    for name, option, value in (
        ("endpoint", "--endpoint", asked.endpoint),
        (key, "--api-key-file", _first_line(asked.api_key_file)),
    ):
        if value is not None and name not in known:
            raise UsageError(f"{option}: {destination.name} has no setting {name}")
        if value is not None:
            given[name], options[name] = value, option
    return given, options


def _key_in(name: str, rows: Sequence[settings.Setting]) -> str:
    """Return the setting that a key file fills: api_key, or the only one that is a secret."""
    secrets = [row.name for row in rows if row.kind is Secret]
    if "api_key" in {row.name for row in rows} or not secrets:
        return "api_key"
    if len(secrets) > 1:
        hints = "\n".join(settings.how_to_set(name, secret) for secret in secrets)
        message = f"--api-key-file: {name} has several keys: {', '.join(secrets)}"
        raise UsageError(message, hints)
    return secrets[0]


def _key_and_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        # What was typed may be a key, so it is not repeated.
        raise UsageError("--set: a setting without a value is given", "Type --set KEY=VALUE")
    return key.strip(), value


def _first_line(path: Path | None) -> str | None:
    """Return the key in a file, which may be a pipe: `--api-key-file <(pass show key)`."""
    if path is None:
        return None
    try:
        key = read_named(path, max_bytes=_MAX_KEY_BYTES).partition("\n")[0].strip()
    except ValueError as problem:
        raise SettingsError(f"the key file {path} {problem}") from None
    if not key:
        raise SettingsError(f"the first line of the key file {path} is empty")
    return key
