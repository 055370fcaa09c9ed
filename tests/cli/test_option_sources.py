"""One table has the source of every option of every command."""

import re
from collections.abc import Iterator
from importlib import import_module

import click
import pytest
from support.documents import GUIDES
from support.tables import for_each

from segcli.cli import COMMANDS
from segcli.cli.configured import ConfiguredCommand
from segcli.cli.option_sources import (
    SOURCES,
    Source,
    option_variables,
    table_of,
    variable_of,
)
from segcli.core.settings import env_prefix
from segcli.destinations import BUILT_IN
from segcli.settings_file import TABLES


def commands() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command = import_module(f"segcli.cli.commands.{name}").command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())
        else:
            yield name, command


EVERY = dict(commands())


def options_of(command: click.Command) -> set[str]:
    return {str(one.name) for one in command.params if isinstance(one, click.Option)}


def test_every_command_is_in_the_table() -> None:
    assert set(SOURCES) == set(EVERY)


@for_each("name", EVERY)
def test_every_option_is_in_the_table(name: str) -> None:
    assert set(SOURCES[name]) == options_of(EVERY[name]), "give the option a source"


@for_each("name", [name for name in EVERY if table_of(name)])
def test_a_command_with_a_table_reads_it(name: str) -> None:
    command = EVERY[name]

    assert isinstance(command, ConfiguredCommand)
    assert command.full_name == name
    for param in command.params:
        if isinstance(param, click.Option) and param.name != "config":
            assert param.envvar == variable_of(name, str(param.name))


@for_each("name", [name for name in EVERY if table_of(name)])
def test_what_names_a_path_or_an_address_needs_a_file_that_was_named(name: str) -> None:
    for param in EVERY[name].params:
        words = (param.metavar or "") if isinstance(param, click.Option) else ""
        if isinstance(param.type, click.Path) or any(
            word in words for word in ("PATH", "URL", "FILE", "ORIGIN")
        ):
            assert SOURCES[name][str(param.name)] in {Source.NAMED, Source.TYPED}, param.name


@for_each("name", [name for name in EVERY if table_of(name)])
def test_a_file_that_was_found_turns_on_nothing_but_stricter_checks(name: str) -> None:
    flags = {
        str(param.name)
        for param in EVERY[name].params
        if isinstance(param, click.Option) and param.is_flag
    }
    free = {Source.QUANTITY, Source.SELECTION}

    assert {flag for flag in flags if SOURCES[name][flag] in free} <= {"strict", "every"}


@pytest.mark.parametrize("source", Source)
def test_the_guide_has_the_same_table(source: Source) -> None:
    (row,) = re.findall(
        rf"^\| {source.value} \| (.*) \|$", GUIDES["configuration"].read_text(), re.M
    )
    expected = {
        name.replace("_", "-")
        for command, sources in SOURCES.items()
        if table_of(command)
        for name, found in sources.items()
        if found is source
    }

    assert {name for name in re.findall("`([^`]+)`", row) if " " not in name} == expected


def test_a_key_and_an_address_never_apply_to_all_destinations() -> None:
    for sources in SOURCES.values():
        assert {
            sources.get(name, Source.TYPED) for name in ("set", "endpoint", "api_key_file")
        } == {Source.TYPED}


def test_no_variable_of_an_option_has_the_prefix_of_a_destination() -> None:
    prefixes = tuple(env_prefix(name) for name in BUILT_IN)

    assert not [name for name in option_variables() if name.startswith(prefixes)]
    assert not set(BUILT_IN) & set(TABLES)
    assert {table_of(name) for name in SOURCES} - {None} == set(TABLES)
