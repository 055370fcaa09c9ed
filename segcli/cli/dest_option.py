"""The option `--dest`: its default, and the destination that it names."""

import os
from typing import Any

import click
from click.core import ParameterSource

from segcli.core.destination import Destination
from segcli.destination_source import (
    SUFFIXES,
    DestinationSource,
    find_source,
    is_path,
)
from segcli.errors import UsageError


def typed_source(dest: str) -> tuple[DestinationSource, Destination[Any]]:
    """Return where the destination of `--dest` comes from, and the destination.

    Raises UsageError, with a hint at a file of that name in the working folder, and
    DestinationError.
    """
    try:
        return find_source(dest)
    except UsageError as error:
        files = (f"./{dest}{suffix}" for suffix in SUFFIXES)
        beside = next((name for name in files if os.path.isfile(name)), None)
        if beside and not is_path(dest):
            error.hint = f"Did you mean the file? Give its path: {beside}"
        raise


def typed_destination(dest: str) -> Destination[Any]:
    """Return the destination of `--dest`; raises what `typed_source` raises."""
    return typed_source(dest)[1]


def destination_name(dest: str) -> str:
    """Return the name of a destination, read from its file if it has one.

    Raises DestinationError.
    """
    return typed_destination(dest).name if is_path(dest) else dest


def is_default() -> bool:
    """Return whether the command takes its default destination, because none was given."""
    source = click.get_current_context().get_parameter_source("dest")
    return source is ParameterSource.DEFAULT


def default_named(destination: str) -> str:
    """Return the line that says which destination a command takes if none is named."""
    return f"{destination} is the default destination; --dest NAME takes another"
