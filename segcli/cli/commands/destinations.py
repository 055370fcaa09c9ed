"""`segcli destinations`: lists the destinations, or describes one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING
from typing import Any

import click
import orjson

from segcli import destinations
from segcli.cli.completion import complete_dest
from segcli.cli.dest_option import typed_destination
from segcli.cli.destination_json import destination_document
from segcli.cli.job import origins_of
from segcli.cli.options import CONFIG_OPTION
from segcli.cli.output import Column, rendered_table, show, show_table, write_data
from segcli.core import settings
from segcli.core.destination import Action, Destination, Limits
from segcli.core.replay import Replay
from segcli.core.secret import Secret
from segcli.errors import UsageError
from segcli.replay.fact_rows import fact_rows, named_facts, one_line

_WIDTH_OFF_TERMINAL = 200


@click.command("destinations")
@click.argument("name", required=False, shell_complete=complete_dest)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of destination files.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print them.",
)
@CONFIG_OPTION
def command(name: str | None, schema: bool, form: str, config: str | None) -> int:
    """List the destinations, or describe one.

    NAME is one of them, or the path of a destination file, like ./acme.toml. Shows the calls that
    it takes, its settings with their environment variables and where they are set now, where each
    field goes, and its limits; or all mistakes in the file at once.
    """
    if schema:
        from segcli.destination_file import schema_text

        write_data(schema_text().encode())
    elif form == "json":
        write_data(_as_json(name, config))
    elif name is None:
        _list()
    else:
        destination = typed_destination(name)
        _describe(destination, origins_of(destination, config))
    return 0


def _as_json(name: str | None, config: str | None) -> bytes:
    """Return one destination as an object, or all as an array."""
    if name is not None:
        found: Any = _document(name, config)
    else:
        found = [_document_or_error(each, config) for each in destinations.names()]
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _document(name: str, config: str | None) -> dict[str, Any]:
    destination = typed_destination(name)
    return destination_document(destination, origins_of(destination, config))


def _document_or_error(name: str, config: str | None) -> dict[str, Any]:
    try:
        destinations.named_destination(name)
    except UsageError as broken:
        return {"name": name, "error": broken.message}
    return _document(name, config)


def _list() -> None:
    for place, (group, names) in enumerate(destinations.groups().items()):
        if place:
            show("")
        columns = [Column(title=title) for title in (group, "takes", "about")]
        _show_table(columns, [row for name in names for row in _rows(name)])


def _rows(name: str) -> list[tuple[str, str, str]]:
    """Return the row of a destination, and one about replays if anything is said of them."""
    try:
        destination = destinations.named_destination(name)
    except UsageError as broken:
        return [(name, "", broken.message)]
    said = one_line(destination.replay)
    row = (name, _kinds(destination), destination.about)
    return [row, ("", "", f"replay: {said}")] if said else [row]


def _describe(destination: Destination[Any], origins: Mapping[str, settings.Origin]) -> None:
    label = destination.label or "(set label)"
    show(f"{destination.name}: {destination.about}" if destination.about else destination.name)
    show(f"takes {_kinds(destination)}; in the integrations object it is {label}")
    if limits := _limits(destination):
        show(f"limits: {limits}")
    show("")
    _show_settings(destination, origins)
    show("")
    if destination.actions:
        _show_actions(destination)
        show("")
    _show_fields(destination)
    for action, facts in named_facts(destination):
        show("")
        _show_replay(action, facts)


def _show_replay(action: str, facts: Replay) -> None:
    of_action = f" of {action}" if action else ""
    checked = f", as of {facts.checked}" if facts.checked else ""
    titles = (f"replay{of_action}{checked}", "what is known", "source")
    _show_table([Column(title=title, fold=True) for title in titles], fact_rows(facts))


def _kinds(destination: Destination[Any]) -> str:
    return "all six" if len(destination.types) == 6 else ", ".join(sorted(destination.types))


def _limits(destination: Destination[Any]) -> str:
    limits = destination.limits
    parts = [] if destination.actions else [_request(limits, " of events")]
    return ", ".join([*parts, *_of_payload_and_rate(limits)])


def _of_payload_and_rate(limits: Limits) -> Iterator[str]:
    if limits.payload_bytes is not None:
        yield f"{limits.payload_bytes:,} bytes an event"
    if limits.rate is not None:
        yield f"{limits.rate:g} request{'s' if limits.rate != 1 else ''}/s"


def _request(limits: Limits, of_what: str = "") -> str:
    """Return what one request may hold, in words."""
    events = f"{limits.events:,} event{'s' if limits.events > 1 else ''} a request"
    size = f", {limits.bytes:,} bytes{of_what} a request" if limits.bytes is not None else ""
    return events + size


def _show_settings(destination: Destination[Any], origins: Mapping[str, settings.Origin]) -> None:
    """Show the settings. A column says where each is set, if any is."""
    set_in = {name: one.name for name, one in origins.items() if one != settings.BY_DEFAULT}
    set_now = ("set now by",) if set_in else ()
    titles = ("setting", "environment", "default", *set_now, "what it is")
    rows = [
        (
            row.name,
            row.env,
            _default(row),
            *((set_in.get(row.name, ""),) if set_in else ()),
            "; ".join(filter(None, ("required to send" if row.required else "", row.help))),
        )
        for row in settings.describe(destination.name, destination.settings)
    ]
    _show_table([Column(title=title, fold=True) for title in titles], rows)


def _default(row: settings.Setting) -> str:
    if row.default is MISSING or isinstance(row.default, Secret) or row.default == "":
        return ""
    return str(row.default).lower() if isinstance(row.default, bool) else str(row.default)


def _show_actions(destination: Destination[Any]) -> None:
    titles = ("action", "takes", "is posted as", "to")
    rows = [
        (action.name, action.events, _posted_as(action), action.posted)
        for action in destination.actions
    ]
    _show_table([Column(title=title, fold=True) for title in titles], rows)
    if len(rows) > 1:
        which = "every action" if destination.fans_out else "the first action"
        show(f"An event goes to {which} that takes it.")


def _posted_as(action: Action) -> str:
    limits = action.limits
    return ", ".join(filter(None, (_request(limits), *_of_payload_and_rate(limits), action.form)))


def _show_fields(destination: Destination[Any]) -> None:
    titles = ("Segment", destination.name, "on", "note")
    rows = [(entry.source, entry.target, entry.on, entry.note) for entry in destination.fields]
    _show_table([Column(title=title) for title in titles], rows)


def _show_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    show_table(rendered_table(columns, rows), width=_WIDTH_OFF_TERMINAL)
