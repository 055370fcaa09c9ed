"""The options that commands share, packed into one value, and the job they ask for."""

import dataclasses
import functools
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from segcli import destinations, settings
from segcli.cli.quantities import MOMENT, SIZE, Moment
from segcli.delivery.source import MAX_LINE
from segcli.destination import Destination
from segcli.errors import SettingsError, UsageError
from segcli.event import TYPES
from segcli.outcome import Job
from segcli.selection import Selection

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_CONFIG = "segcli.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """What to read, for whom to map it, and which events; the options of every such command."""

    files: tuple[str, ...]
    dest: str | None
    set: tuple[str, ...]
    config: str | None
    api_key_file: Path | None
    endpoint: str | None
    type: tuple[str, ...]
    event: tuple[str, ...]
    since: Moment | None
    until: Moment | None
    user: tuple[str, ...]
    limit: int | None
    ignore_integrations: bool
    max_line: int
    rejects: Path | None
    report: Path | None
    quiet: bool


def packed(
    into: type[Any], name: str, *options: Callable[[Any], Any]
) -> Callable[[Command], Command]:
    """Give a command all these options as one argument: a value of the dataclass `into`."""
    names = [entry.name for entry in dataclasses.fields(into)]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**values: Any) -> Any:
            value = into(**{key: values.pop(key) for key in names})
            return command(**{name: value}, **values)

        for option in reversed(options):
            run = option(run)
        return run  # type: ignore[return-value]  # click calls it by keywords, whatever its type

    return decorate


def job_options(default_dest: str | None = None) -> Callable[[Command], Command]:
    """The arguments and options of every command that maps events."""
    return packed(JobOptions, "asked", *_which(default_dest), *_SELECTION, *_FILES)


def job_of(
    asked: JobOptions, *, overrides: Callable[[Destination[Any]], Mapping[str, str]] | None = None
) -> Job:
    """Make the job that the options ask for; `overrides` are settings that win over all others.

    Raises UsageError and SettingsError.
    """
    if asked.dest is None:
        raise UsageError(
            "no destination is named",
            f"Type --dest NAME. There are: {', '.join(destinations.names())}",
        )
    destination = destinations.find(asked.dest)
    sources = settings.Sources(
        given=_given(asked, destination) | dict(overrides(destination) if overrides else {}),
        env=os.environ,
        table=_table(asked.config, destination.name),
        config=asked.config or DEFAULT_CONFIG,
    )
    values = settings.read(destination.name, destination.settings, sources)
    return Job(destination=destination, settings=values, selection=_selection(asked))


def _which(default_dest: str | None) -> tuple[Callable[[Any], Any], ...]:
    return (
        click.argument("files", nargs=-1, metavar="[FILES]..."),
        click.option(
            "--dest",
            "-d",
            metavar="NAME",
            envvar="SEGCLI_DEST",
            default=default_dest,
            show_default=default_dest is not None,
            help="The destination; `segcli destinations` lists them. Env: SEGCLI_DEST.",
        ),
        click.option(
            "--set",
            metavar="KEY=VALUE",
            multiple=True,
            help="A setting of the destination. Others on this machine can see what is typed "
            "here, so give keys by the environment or --api-key-file.",
        ),
        click.option(
            "--config",
            metavar="PATH",
            help=f"Settings, a table for each destination.  [default: {DEFAULT_CONFIG}, if there]",
        ),
        click.option(
            "--api-key-file",
            metavar="PATH",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Read the key from the first line of a file.",
        ),
        click.option("--endpoint", metavar="URL", help="The same as --set endpoint=URL."),
    )


_SELECTION = (
    click.option(
        "--type",
        type=click.Choice(sorted(TYPES)),
        multiple=True,
        help="Only calls of this type (repeatable).",
    ),
    click.option(
        "--event",
        metavar="PATTERN",
        multiple=True,
        help="Only track events of this name; a shell pattern like 'Order *' (repeatable).",
    ),
    click.option(
        "--since", type=MOMENT, metavar="TIME", help="Only from this time on: ISO-8601, or 7d."
    ),
    click.option("--until", type=MOMENT, metavar="TIME", help="Only before this time."),
    click.option(
        "--user",
        metavar="ID",
        multiple=True,
        help="Only events of this userId or anonymousId (repeatable).",
    ),
    click.option(
        "--limit",
        metavar="N",
        type=click.IntRange(min=0),
        help="Only the first N of the events that are left.",
    ),
    click.option(
        "--ignore-integrations",
        is_flag=True,
        help="Take events whose integrations object switches the destination off.",
    ),
)

_FILES = (
    click.option(
        "--max-line",
        type=SIZE,
        metavar="SIZE",
        default=MAX_LINE,
        help="Reject longer lines.  [default: 1MiB]",
    ),
    click.option(
        "--rejects",
        metavar="PATH",
        type=click.Path(path_type=Path),
        help="Append rejected and refused events to this file.",
    ),
    click.option(
        "--report",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the summary to this file, as JSON.",
    ),
    click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors."),
)


def _given(asked: JobOptions, destination: Destination[Any]) -> dict[str, str]:
    given = dict(_key_and_value(text) for text in asked.set)
    known = {row.name for row in settings.describe(destination.name, destination.settings)}
    for name, option, value in (
        ("endpoint", "--endpoint", asked.endpoint),
        ("api_key", "--api-key-file", _first_line(asked.api_key_file)),
    ):
        if value is not None and name not in known:
            raise UsageError(f"{option}: {destination.name} has no setting {name}")
        if value is not None:
            given[name] = value
    return given


def _key_and_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"--set {key}: no value is given", f"Type --set {key or 'KEY'}=VALUE")
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
    try:
        content = tomllib.loads(path.read_text())
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: {name} is not a table", f"Write it as [{name}]")
    return table


def _selection(asked: JobOptions) -> Selection:
    return Selection(
        types=frozenset(asked.type),
        events=asked.event,
        since=asked.since.time if asked.since else None,
        until=asked.until.time if asked.until else None,
        users=frozenset(asked.user),
        limit=asked.limit,
        ignore_integrations=asked.ignore_integrations,
    )
