"""The settings file: one that is named, or `segcli.toml` in the working folder."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segcli import destinations
from segcli.core import toml_text
from segcli.errors import SettingsError
from segcli.inputs.small_file import read_found, read_named

DEFAULT_CONFIG = "segcli.toml"
# A larger file is not a settings file.
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one destination in a settings file.

    path: the file
    is_found: whether the file was found in the working folder instead of named; another person
        may have put it there, for example in a repository
    table: the settings by name
    """

    path: str = DEFAULT_CONFIG
    is_found: bool = False
    table: Mapping[str, Any] = field(default_factory=dict)


def read_config(named: str | None, destination: str) -> Config:
    """Return the settings of a destination; none if the file has no table for it.

    Raises SettingsError if a named file does not exist, or if the file is not TOML.
    """
    path = DEFAULT_CONFIG if named is None else named
    content = _content(path, is_found=named is None)
    if content and destination not in content:
        _check_tables(path, content, destination)
    table = content.get(destination, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: {destination} is not a table", f"Write it as [{destination}]")
    return Config(path=path, is_found=named is None, table=table)


def _content(path: str, *, is_found: bool) -> dict[str, Any]:
    read = read_found if is_found else read_named
    try:
        text = read(Path(path), max_bytes=_MAX_BYTES)
    except ValueError as problem:
        raise SettingsError(f"{path} {problem}") from None
    # Most runs have no such file, and start faster without a parser.
    if not text:
        return {}
    try:
        return toml_text.parse_toml(text)
    except toml_text.TooDeep as problem:
        raise SettingsError(f"{path}: {problem}") from None
    except ValueError as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None


def _check_tables(path: str, content: Mapping[str, Any], wanted: str) -> None:
    """Raise SettingsError if the name of a table looks like a misspelled destination."""
    known = {wanted, *destinations.names()}
    for name in content:
        if name not in known and difflib.get_close_matches(name, known, 1) == [wanted]:
            raise SettingsError(
                f"{path}: there is no destination {name!r}", f"Did you mean [{wanted}]?"
            )
