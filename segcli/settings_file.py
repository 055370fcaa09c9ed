"""The settings file: one that is named, or `segcli.toml` in the working folder."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from segcli import destinations
from segcli.core import toml_text
from segcli.errors import SettingsError
from segcli.inputs.small_file import read_found, read_named

DEFAULT_CONFIG = "segcli.toml"
# The tables that hold options of the command line.
TABLES = ("send", "transform", "check", "spark", "engage", "capture", "sandbox", "ui")
# A larger file is not a settings file.
_MAX_BYTES = 1024 * 1024
_CORRECT = "Correct it there; `segcli guide configuration` has an example."


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one destination in a settings file.

    path: the file
    is_found: whether the file was found in the working folder instead of named; another person
        may have put it there, for example in a repository
    table: the settings by name
    lines: the line of each setting in the file
    """

    path: str = DEFAULT_CONFIG
    is_found: bool = False
    table: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ConfigFile:
    """A settings file.

    path: the file
    is_found: whether it was found in the working folder instead of named
    text: its text; "" if there is no file
    tables: what it holds
    """

    path: str
    is_found: bool
    text: str
    tables: Mapping[str, Any]

    @cached_property
    def lines(self) -> Mapping[tuple[str, ...], int]:
        """The line of each table and key."""
        return toml_text.line_numbers(self.text)

    def place(self, *keys: str) -> str:
        """Return the file and the line of a table or a key: `segcli.toml:3`."""
        found = (self.lines.get(keys[:length]) for length in range(len(keys), 0, -1))
        line = next(filter(None, found), None)
        return f"{self.path}:{line}" if line else self.path


def read_config(named: str | None, destination: str) -> Config:
    """Return the settings of a destination, as `config_of` does; reads the file."""
    return config_of(read_file(named), destination)


def read_file(named: str | None) -> ConfigFile:
    """Return the settings file, empty if none is named and none is found.

    Raises SettingsError if a named file does not exist, or if the file is not TOML.
    """
    path = DEFAULT_CONFIG if named is None else named
    text = _text(path, is_found=named is None)
    # Most runs have no such file, and start faster without a parser.
    tables = _parsed(path, text) if text else {}
    return ConfigFile(path=path, is_found=named is None, text=text, tables=tables)


def config_of(file: ConfigFile, destination: str) -> Config:
    """Return the settings of a destination; none if the file has no table for it.

    Raises SettingsError if the destination has the name of a table of options, or if what the file
    has is not a table.
    """
    if destination in TABLES:
        raise SettingsError(
            f"{destination} cannot be the name of a destination: in a settings file, "
            f"[{destination}] holds options of `segcli {destination}`",
            "Give the destination another name.",
        )
    if file.tables and destination not in file.tables:
        _check_tables(file, destination)
    table = file.tables.get(destination, {})
    if not isinstance(table, dict):
        place = file.place(destination)
        raise SettingsError(
            f"{place}: {destination} is not a table", f"Write it as [{destination}]"
        )
    lines = {name: line for name in table if (line := file.lines.get((destination, name)))}
    return Config(path=file.path, is_found=file.is_found, table=table, lines=lines)


def close_destination(table: str) -> str | None:
    """Return the destination whose name the name of a table may be meant to be; else None.

    Also for the table of a destination file, if that has such a name: it is a question.
    """
    known = {*destinations.names(), *TABLES}
    close = [] if table in known else difflib.get_close_matches(table, known, 1)
    return close[0] if close else None


def _text(path: str, *, is_found: bool) -> str:
    read = read_found if is_found else read_named
    try:
        return read(Path(path), max_bytes=_MAX_BYTES) or ""
    except ValueError as problem:
        hint = "" if is_found else "--config takes a settings file. Name another one: --config PATH"
        raise SettingsError(f"{path} {problem}", hint) from None


def _parsed(path: str, text: str) -> dict[str, Any]:
    try:
        return toml_text.parse_toml(text)
    except toml_text.TooDeep as error:
        raise SettingsError(f"{path}: {error}", _CORRECT) from None
    except ValueError as error:
        problem, line, column = toml_text.problem_and_place(error)
        place = f"{path}:{line}:{column}" if line else path
        raise SettingsError(f"{place}: not TOML: {problem}", _CORRECT) from None


def _check_tables(file: ConfigFile, wanted: str) -> None:
    """Raise SettingsError if the name of a table looks like a misspelled destination."""
    known = {wanted, *destinations.names(), *TABLES}
    for name in file.tables:
        if name not in known and difflib.get_close_matches(name, known, 1) == [wanted]:
            raise SettingsError(
                f"{file.place(name)}: there is no destination {name!r}", f"Did you mean [{wanted}]?"
            )
