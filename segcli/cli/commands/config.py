"""`segcli config`: shows the values of options without the command line, and their sources."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click
import orjson

from segcli import destinations
from segcli.cli import output
from segcli.cli.config_options import configured_options, option_name
from segcli.cli.configured import config_file
from segcli.cli.help_format import unknown_command
from segcli.cli.option_sources import SOURCES, table_of, variable_of
from segcli.cli.options import CONFIG_OPTION
from segcli.cli.output import Column, say, show, show_table, write_data
from segcli.cli.variables import doubtful_variables
from segcli.core.redaction import MASK
from segcli.core.settings import SettingSources, read_settings
from segcli.settings_file import TABLES, ConfigFile, close_destination, config_of

_WIDTH_OFF_TERMINAL = 200
_DEFAULT = "default"
# click adds the range of a number.
_DEFAULT_IN_HELP = re.compile(r"\[default: (.*?)(?:; \d+ (?:or more|to \d+))?\]")
_COMMANDS = tuple(name for name in SOURCES if table_of(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """The value of an option without the command line.

    command: the whole name of the command
    option: the option, as in `--retry-for`
    value: as it would be typed; a list for a repeatable option; None for no value
    source: a variable, a place in the settings file, or `default`
    """

    command: str
    option: str
    value: Any
    source: str


def _complete_command(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    words = {name.split()[0] for name in _COMMANDS}
    return sorted(word for word in words if word.startswith(incomplete))


@click.command("config")
@click.argument("words", nargs=-1, metavar="[COMMAND]...", shell_complete=_complete_command)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of settings files.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the values.",
)
@CONFIG_OPTION
def command(words: tuple[str, ...], schema: bool, form: str, config: str | None) -> int:
    """Show where the values of options come from.

    Shows all that the environment and the settings file set, and checks the whole file. With a
    COMMAND, like `segcli config send`, it shows every option of that command with its value.
    For the settings of a destination, see `segcli destinations NAME`.
    """
    if schema:
        from segcli.cli.config_schema import config_schema

        _write_json(config_schema({name: _command(name) for name in _COMMANDS}))
        return 0
    file = config_file(config)
    _check_settings(file)
    wanted = _wanted(" ".join(words))
    rows = [row for name in _COMMANDS for row in _rows(name, file) if name in wanted]
    if not words:
        rows = [row for row in rows if row.source != _DEFAULT]
    if form == "json":
        _write_json(_document(file, rows))
    else:
        _show(file, rows, one_command=len(wanted) == 1)
    return 0


def _wanted(name: str) -> Sequence[str]:
    """Return the commands to show; raises UsageError for one without such options."""
    wanted = [one for one in _COMMANDS if not name or one == name or one.startswith(f"{name} ")]
    if not wanted:
        raise click.UsageError(unknown_command(name, _COMMANDS))
    return wanted


def _command(name: str) -> click.Command:
    """Return a command by its whole name."""
    group, *rest = name.split()
    found: click.Command = import_module(f"segcli.cli.commands.{group}").command
    for word in rest:
        assert isinstance(found, click.Group)
        found = found.commands[word]
    return found


def _rows(name: str, file: ConfigFile) -> Iterator[_Row]:
    """Yield every option of a command; raises SettingsError and BadParameter for wrong values."""
    found = _command(name)
    context = click.Context(found, info_name=name)
    context.default_map = configured_options(file, name, context)
    for param in found.params:
        variable = variable_of(name, str(param.name))
        if variable is None or not isinstance(param, click.Option):
            continue
        value, source = _value(param, variable, file, context)
        is_hidden = value is not None and param.name == "key" and name == "sandbox"
        yield _Row(
            command=name,
            option=f"--{option_name(param)}",
            value=MASK if is_hidden else value,
            source=source,
        )


def _value(
    param: click.Option, variable: str, file: ConfigFile, context: click.Context
) -> tuple[Any, str]:
    """Return the value of an option, and its source."""
    name = str(param.name)
    # click takes an empty variable for none.
    if text := os.environ.get(variable):
        return _checked_variable(param, variable, text, context), variable
    if context.default_map and name in context.default_map:
        table = str(table_of(str(context.info_name)))
        keys = (option_name(param), name)
        key = next(key for key in keys if key in file.tables[table])
        return context.default_map[name], file.place(table, key)
    return _default(param, context), _DEFAULT


def _checked_variable(param: click.Option, variable: str, text: str, context: click.Context) -> Any:
    """Return the value of a variable as it would be typed; raises BadParameter."""
    typed = list(param.type.split_envvar_value(text)) if param.multiple else text
    try:
        value = param.type_cast_value(context, typed)
    except click.BadParameter as error:
        error.param_hint = f"{param.get_error_hint(context)} (from {variable})"
        raise
    return value if param.is_flag else typed


def _default(param: click.Option, context: click.Context) -> str | bool | None:
    """Return the default as the help of the option says it."""
    if param.is_flag:
        return False
    help_record = param.get_help_record(context)
    found = _DEFAULT_IN_HELP.search(help_record[1] if help_record else "")
    return found[1] if found else None


def _document(file: ConfigFile, rows: Sequence[_Row]) -> dict[str, Any]:
    return {
        "file": file.path if file.text else None,
        "was_found": file.is_found if file.text else None,
        "options": [
            {
                "command": row.command,
                "option": row.option,
                "value": row.value,
                "source": row.source,
            }
            for row in rows
        ],
        "destinations": {name: sorted(table) for name, table in _destination_tables(file)},
    }


def _show(file: ConfigFile, rows: Sequence[_Row], *, one_command: bool) -> None:
    show(_described(file))
    if rows:
        titles = (*(() if one_command else ("command",)), "option", "value", "from")
        columns = [Column(title=title, fold=True) for title in titles]
        cells = [
            (*(() if one_command else (row.command,)), row.option, _shown(row.value), row.source)
            for row in rows
        ]
        show("")
        show_table(output.rendered_table(columns, cells), width=_WIDTH_OFF_TERMINAL)
    else:
        show("No option is set by it or by the environment.")
    for name, table in _destination_tables(file):
        names = ", ".join(table)
        close = close_destination(name)
        more = f"did you mean [{close}]?" if close else f"see segcli destinations {name}"
        show("", f"{file.place(name)}: [{name}] sets {names}; {more}")
    say(*doubtful_variables())


def _described(file: ConfigFile) -> str:
    if not file.text:
        return f"There is no settings file: {file.path} would be read."
    if not file.is_found:
        return f"The settings file is {file.path}, which was named: it may set every option."
    return (
        f"The settings file is {file.path}, found in the working folder: it may set quantities and "
        "selections only."
    )


def _check_settings(file: ConfigFile) -> None:
    """Raise SettingsError for a wrong setting of a destination that is built in or installed."""
    for name, _ in _destination_tables(file):
        if name in destinations.names():
            config = config_of(file, name)
            sources = SettingSources(
                given={}, env={}, table=config.table, config=config.path, lines=config.lines
            )
            read_settings(name, destinations.named_destination(name).settings, sources)


def _destination_tables(file: ConfigFile) -> Iterator[tuple[str, Any]]:
    for name, table in file.tables.items():
        if name not in TABLES and isinstance(table, dict):
            yield name, table


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(value) if isinstance(value, list) else value or ""


def _write_json(value: Any) -> None:
    write_data(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
