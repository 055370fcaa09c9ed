"""`segcli destinations`: lists the destinations, or describes one."""

from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any

import click

from segcli import destinations, settings
from segcli.cli import target
from segcli.cli.job import origins_of
from segcli.cli.options import CONFIG_OPTION
from segcli.destination import Destination, Limits
from segcli.errors import UsageError
from segcli.secret import Secret


@click.command("destinations")
@click.argument("name", required=False)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a destination's file.")
@CONFIG_OPTION
def command(name: str | None, schema: bool, config: str | None) -> int:
    """List the destinations, or describe one.

    NAME is one of them, or the path of a file that describes one, as ./acme.toml: its mistakes are
    shown, all at once. Of one are shown the calls it takes, its settings with their environment
    names and where they are set now, what becomes of which field, and its limits.
    """
    if schema:
        from segcli.mapping_file import schema_text

        click.echo(schema_text(), nl=False)
    elif name is None:
        _list()
    else:
        destination = target.find(name)
        _describe(destination, origins_of(destination, config))
    return 0


def _list() -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 3, 0, 0))
    for title in ("name", "takes", "about"):
        table.add_column(title)
    for name in destinations.names():
        try:
            destination = destinations.find(name)
        except UsageError as broken:
            table.add_row(name, "", broken.message)
        else:
            table.add_row(name, _kinds(destination), destination.about)
    _print(table)


def _describe(destination: Destination[Any], origins: Mapping[str, settings.Origin]) -> None:
    label = destination.label or "(set label)"
    _print(f"{destination.name}: {destination.about}" if destination.about else destination.name)
    _print(f"takes {_kinds(destination)}; in the integrations object it is {label}")
    if limits := _limits(destination):
        _print(f"limits: {limits}")
    _print()
    _print(_settings_table(destination, origins))
    _print()
    if destination.actions:
        _print(_actions_table(destination))
        _print()
    _print(_fields_table(destination))


def _kinds(destination: Destination[Any]) -> str:
    return "all six" if len(destination.kinds) == 6 else ", ".join(sorted(destination.kinds))


def _limits(destination: Destination[Any]) -> str:
    limits = destination.limits
    parts = [] if destination.actions else [_request(limits, " of events")]
    if limits.payload_bytes is not None:
        parts.append(f"{limits.payload_bytes:,} bytes an event")
    if limits.rate is not None:
        parts.append(f"{limits.rate:g} request{'s' if limits.rate != 1 else ''}/s")
    return ", ".join(parts)


def _request(limits: Limits, of_what: str = "") -> str:
    """Say what one request may hold."""
    events = f"{limits.events:,} event{'s' if limits.events > 1 else ''} a request"
    size = f", {limits.bytes:,} bytes{of_what} a request" if limits.bytes is not None else ""
    return events + size


def _settings_table(destination: Destination[Any], origins: Mapping[str, settings.Origin]) -> Any:
    """Return the settings; where each is set stands there only if any is."""
    from rich.table import Table

    set_in = {name: one.name for name, one in origins.items() if one != settings.BY_DEFAULT}
    table = Table(box=None, padding=(0, 3, 0, 0))
    set_now = ("set now by",) if set_in else ()
    for title in ("setting", "environment", "default", *set_now, "what it is"):
        table.add_column(title, overflow="fold")
    for row in settings.describe(destination.name, destination.settings):
        required = "required to send; " if row.required else ""
        origin = (set_in.get(row.name, ""),) if set_in else ()
        table.add_row(row.name, row.env, _default(row), *origin, required + row.help)
    return table


def _default(row: settings.Setting) -> str:
    if row.default is MISSING or isinstance(row.default, Secret) or row.default == "":
        return ""
    return str(row.default).lower() if isinstance(row.default, bool) else str(row.default)


def _actions_table(destination: Destination[Any]) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 3, 0, 0))
    for title in ("action", "takes", "is posted as", "to"):
        table.add_column(title, overflow="fold")
    for action in destination.actions:
        table.add_row(action.name, action.events, _request(action.limits), action.posted)
    return table


def _fields_table(destination: Destination[Any]) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 3, 0, 0))
    for title in ("Segment", destination.name, "on", "note"):
        table.add_column(title)
    for entry in destination.fields:
        table.add_row(entry.source, entry.target, entry.on, entry.note)
    return table


def _print(what: Any = "") -> None:
    """Print to stdout; off a terminal as wide as it has to be."""
    import sys

    from rich.console import Console

    width = None if sys.stdout.isatty() else 200
    Console(highlight=False, markup=False, emoji=False, width=width).print(what)
