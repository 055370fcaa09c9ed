"""The job that the options ask for: the destination, its settings, and which events."""

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from segcli import destinations, settings
from segcli.cli import target
from segcli.cli.options import DEFAULT_CONFIG, JobOptions, Target
from segcli.destination import Destination
from segcli.errors import SettingsError, UsageError
from segcli.outcome import Job
from segcli.secret import Secret
from segcli.selection import Selection


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
    destination = target.find(asked.dest)
    sources = settings.Sources(
        given=_given(asked, destination) | dict(overrides(destination) if overrides else {}),
        env=os.environ,
        table=_table(asked.config, destination.name),
        config=asked.config or DEFAULT_CONFIG,
        dest=asked.dest,
    )
    values = settings.read(destination.name, destination.settings, sources)
    if flaw := destination.flaw(values):
        raise SettingsError(f"{destination.name}: {flaw}")
    selection = _selection(asked) if isinstance(asked, JobOptions) else Selection()
    return Job(destination=destination, settings=values, selection=selection)


def _given(asked: Target, destination: Destination[Any]) -> dict[str, str]:
    given = dict(_key_and_value(text) for text in asked.set)
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
            given[name] = value
    return given


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
    if path is None:
        return None
    try:
        key = path.read_text().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the key file {path} cannot be read: {error}") from None
    if not key:
        raise SettingsError(f"the first line of the key file {path} is empty")
    return key


def _table(config: str | None, name: str) -> Mapping[str, Any]:
    """Return a destination's table of the TOML file; an empty one where there is none."""
    path = Path(config or DEFAULT_CONFIG)
    if config is None and not path.exists():
        return {}
    import tomllib

    try:
        content = tomllib.loads(path.read_text())
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    if name not in content:
        _check_tables(path, content, name)
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: {name} is not a table", f"Write it as [{name}]")
    return table


def _check_tables(path: Path, content: Mapping[str, Any], wanted: str) -> None:
    """Raise SettingsError where a table is nearly, but not quite, named after the destination."""
    known = {wanted, *destinations.names()}
    for name in content:
        if name not in known and difflib.get_close_matches(name, known, 1) == [wanted]:
            raise SettingsError(
                f"{path}: there is no destination {name!r}", f"Did you mean [{wanted}]?"
            )


def _selection(asked: JobOptions) -> Selection:
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
