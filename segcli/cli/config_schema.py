"""The JSON Schema of settings files, made from the commands and the destinations.

It is for editors and linters. segcli itself also reads the texts, such as rates and queries, and
knows whether a file was named.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import click

from segcli import catalog, destinations
from segcli.cli.config_options import kinds_of, option_name
from segcli.cli.option_sources import SOURCES, Source, commands_of
from segcli.cli.option_types import Quantity
from segcli.core.secret import Secret
from segcli.core.settings import Setting, describe
from segcli.settings_file import TABLES

_ID = "https://raw.githubusercontent.com/segcli/segcli/main/segcli.schema.json"
_TYPES: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    # Editors show dates of TOML as texts.
    date: "string",
    Secret: "string",
}


def config_schema(commands: Mapping[str, click.Command]) -> dict[str, Any]:
    """Return the schema; `commands` are all commands with options, by their whole name."""
    tables = {table: _options_schema(table, commands) for table in TABLES}
    own = (*destinations.BUILT_IN, *catalog.NAMES)
    vendors = {name: _settings_schema(name) for name in own}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": _ID,
        "title": "A settings file of segcli",
        "description": "segcli.toml: a table of options for each command, and a table of settings "
        "for each destination.",
        "type": "object",
        "properties": {"$schema": {"type": "string"}, **tables, **vendors},
        "additionalProperties": {
            "type": "object",
            "description": "The settings of a destination file or of a plug-in, by its name.",
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        },
    }


def _options_schema(table: str, commands: Mapping[str, click.Command]) -> dict[str, Any]:
    if not commands_of(table):
        return {"type": "object", "description": "Kept for a command to come."}
    names = " and ".join(f"`segcli {command}`" for command in commands_of(table))
    return {
        "type": "object",
        "description": f"Options of {names}.",
        "properties": dict(_options(table, commands)),
        "additionalProperties": False,
    }


def _options(table: str, commands: Mapping[str, click.Command]) -> Iterator[tuple[str, Any]]:
    """Yield the names of each option in both spellings, with its schema."""
    for command in commands_of(table):
        for param in commands[command].params:
            source = SOURCES[command].get(str(param.name), Source.TYPED)
            if isinstance(param, click.Option) and source is not Source.TYPED:
                schema = _option_schema(param, source)
                yield option_name(param), schema
                yield option_name(param).replace("-", "_"), schema


def _option_schema(param: click.Option, source: Source) -> dict[str, Any]:
    value = _value_schema(param)
    whole = {"type": "array", "items": value} if param.multiple else value
    note = " Only in a settings file that was named." if source is Source.NAMED else ""
    return {"description": f"{param.help or ''}{note}".strip(), **whole}


def _value_schema(param: click.Option) -> dict[str, Any]:
    types = list(dict.fromkeys(_TYPES[kind] for kind in kinds_of(param)))
    schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    if isinstance(param.type, click.Choice):
        schema["enum"] = list(param.type.choices)
    if isinstance(param.type, click.IntRange):
        bounds = {"minimum": param.type.min, "maximum": param.type.max}
        schema |= {name: bound for name, bound in bounds.items() if bound is not None}
    if isinstance(param.type, Quantity):
        schema["examples"] = re.split(", | or ", param.type.like)
    return schema


def _settings_schema(name: str) -> dict[str, Any]:
    rows = describe(name, destinations.named_destination(name).settings)
    return {
        "type": "object",
        "description": f"Settings of the destination {name}.",
        "properties": {row.name: _setting_schema(row) for row in rows},
        "additionalProperties": False,
    }


def _setting_schema(row: Setting) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": _TYPES[row.kind]}
    return schema | ({"description": row.help} if row.help else {})
