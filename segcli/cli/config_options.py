"""The options of a command in the settings file: their names, who may set them, their values."""

import difflib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import click

from segcli import destinations
from segcli.cli.option_sources import (
    SOURCES,
    Source,
    commands_of,
    table_of,
    variable_of,
)
from segcli.cli.option_types import Quantity
from segcli.cli.variables import is_one_edit
from segcli.errors import SettingsError
from segcli.settings_file import TABLES, ConfigFile

_WORDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    date: "a date",
    str: "a text in quotes",
}


def configured_options(file: ConfigFile, command: str, context: click.Context) -> dict[str, Any]:
    """Return what a settings file sets of a command's options, by the names of the parameters.

    The values are checked, and are texts as they would be typed, lists of those, or booleans.
    Raises SettingsError and ClickException with the place of the mistake in the file.
    """
    table = table_of(command)
    if table is None or not file.tables:
        return {}
    _check_tables(file)
    options = file.tables.get(table, {})
    names = _checked_names(file, table, options)
    params = {str(param.name): param for param in context.command.params}
    return {
        name: _value(file, (table, key), params[name], context)
        for key, name in names.items()
        if name in params
    }


def option_name(param: click.Parameter) -> str:
    """Return the name of an option in the settings file: `retry-for`."""
    return max(param.opts, key=len).lstrip("-")


def kinds_of(param: click.Parameter) -> tuple[type, ...]:
    """Return the types of TOML that a value of an option may have; `float` includes integers."""
    if isinstance(param, click.Option) and param.is_flag:
        return (bool,)
    if isinstance(param.type, type(click.INT)):
        return (int,)
    return param.type.toml if isinstance(param.type, Quantity) else (str,)


def _check_tables(file: ConfigFile) -> None:
    """Raise SettingsError for a key outside of all tables, and a misspelled table of options."""
    for name, value in file.tables.items():
        if not isinstance(value, dict):
            _check_outside(file, name)
        elif (close := _misspelled_table(name, value)) and name not in destinations.names():
            raise SettingsError(
                f"{file.place(name)}: there is no command {name!r}", f"Did you mean [{close}]?"
            )


def _check_outside(file: ConfigFile, name: str) -> None:
    """Raise SettingsError for a key outside of all tables, except that of editors."""
    if name in {*TABLES, *destinations.names()}:
        raise SettingsError(f"{file.place(name)}: {name} is not a table", f"Write it as [{name}]")
    if name != "$schema":
        raise SettingsError(
            f"{file.place(name)}: {name} is not in a table",
            "Options stand in the table of their command, like [send], and settings in that of "
            "their destination, like [gist].",
        )


def _misspelled_table(name: str, table: Mapping[str, Any]) -> str | None:
    """Return the table of options that is meant, if all that is in this one are its options."""
    for close in TABLES:
        known = _options_of(close)
        if is_one_edit(name, close) and table and all(_parameter(key) in known for key in table):
            return close
    return None


def _options_of(table: str) -> dict[str, Source]:
    """Return the options of all commands of a table. If they differ, the looser source counts."""
    found: dict[str, Source] = {}
    for command in commands_of(table):
        found |= {
            name: source
            for name, source in SOURCES[command].items()
            if found.get(name, Source.TYPED) is Source.TYPED
        }
    return found


def _parameter(key: str) -> str:
    return key.replace("-", "_")


def _checked_names(file: ConfigFile, table: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameter of each key; raise SettingsError for one that may not be there."""
    known = _options_of(table)
    names: dict[str, str] = {}
    for key in options:
        place, name = file.place(table, key), _parameter(key)
        if name not in known:
            raise SettingsError(f"{place}: {table} has no option {key!r}", _guess(name, known))
        if name in names.values():
            raise SettingsError(f"{place}: {key} is there twice", "- and _ are the same in names.")
        _check_source(file, table, key, known[name])
        names[key] = name
    return names


def _guess(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    if close:
        return f"Did you mean {_spelled(close[0])}?"
    return "`segcli config --schema` has all; a setting of a destination belongs in its own table."


def _spelled(name: str) -> str:
    return name.replace("_", "-")


def _check_source(file: ConfigFile, table: str, key: str, source: Source) -> None:
    """Raise SettingsError if an option may not be in this settings file."""
    place, name = file.place(table, key), _spelled(key)
    if source is Source.TYPED:
        raise SettingsError(f"{place}: {key} cannot be set for all of `{table}`", _instead(name))
    if source is Source.NAMED and file.is_found:
        command = next(one for one in commands_of(table) if _parameter(key) in SOURCES[one])
        raise SettingsError(
            f"{place}: {key} is not taken from {file.path}, which was found in the working folder, "
            "not named: such a file may set quantities and selections only",
            f"Type --{name}, or export {variable_of(command, _parameter(key))}. If you trust the "
            f"file, type --config {file.path}, or export SEGCLI_CONFIG={file.path}",
        )


def _instead(name: str) -> str:
    """Return what to do with an option that only the command line has."""
    if name in {"set", "endpoint", "api-key-file"}:
        return (
            "It belongs to one destination. Write its settings in the table of the destination, "
            f"like [gist], or type --{name}."
        )
    return f"Type --{name}."


def _value(
    file: ConfigFile, path: tuple[str, str], param: click.Parameter, ctx: click.Context
) -> Any:
    """Return a value as it would be typed; raise ClickException in the words of the option."""
    given = file.tables[path[0]][path[1]]
    try:
        typed = _as_typed(param, given)
        param.type_cast_value(ctx, typed)
    except click.BadParameter as error:
        problem = click.BadParameter(error.message, ctx=ctx, param=param)
        # Not a SettingsError: the message of a query has several lines.
        raise click.ClickException(f"{file.place(*path)}: {problem.format_message()}") from None
    return typed


def _as_typed(param: click.Parameter, given: Any) -> Any:
    """Return a boolean, the text of a value, or a list of texts; raises BadParameter."""
    kinds = kinds_of(param)
    if kinds == (bool,):
        if not isinstance(given, bool):
            raise click.BadParameter(f"it must be true or false, not {given!r}.")
        return given
    if not param.multiple:
        return _text(given, kinds)
    if not isinstance(given, list):
        raise click.BadParameter(f"it must be an array, like [{_quoted(given)}].")
    return [_text(one, kinds) for one in given]


def _text(given: Any, kinds: tuple[type, ...]) -> str:
    allowed = (*kinds, int) if float in kinds else kinds
    if isinstance(given, str):
        return given
    if isinstance(given, bool) or not isinstance(given, allowed):
        words = " or ".join(_WORDS[kind] for kind in kinds)
        raise click.BadParameter(f"it must be {words}, not {_shown(given)}.")
    return given.isoformat() if isinstance(given, date) else str(given)


def _shown(given: Any) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, list | dict):
        return "an array" if isinstance(given, list) else "a table"
    return str(given)


def _quoted(given: Any) -> str:
    return f'"{given}"' if isinstance(given, str) else _shown(given)
