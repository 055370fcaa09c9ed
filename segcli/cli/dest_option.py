"""The destination of `--dest`: a name, or the path of a destination file."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from segcli import destinations
from segcli.core.destination import Destination
from segcli.errors import DestinationError, UsageError
from segcli.inputs.small_file import read_below, read_regular

_SUFFIXES = (".toml", ".json")
# A larger file is not a destination file.
_MAX_BYTES = 4 * 1024 * 1024


def find_destination(dest: str) -> Destination[Any]:
    """Return the destination; raises UsageError and DestinationError."""
    if is_path(dest):
        return read_destination(dest)
    try:
        return destinations.named_destination(dest)
    except UsageError as error:
        files = (f"./{dest}{suffix}" for suffix in _SUFFIXES)
        beside = next((name for name in files if Path(name).is_file()), None)
        if beside:
            error.hint = f"Did you mean the file? Type --dest {beside}"
        raise


def destination_name(dest: str) -> str:
    """Return the name of a destination, read from its file if it has one.

    Raises DestinationError.
    """
    return find_destination(dest).name if is_path(dest) else dest


def is_default() -> bool:
    """Return whether the command takes its default destination, because none was given."""
    source = click.get_current_context().get_parameter_source("dest")
    return source is ParameterSource.DEFAULT


def default_named(destination: str) -> str:
    """Return the line that says which destination a command takes if none is named."""
    return f"{destination} is the default destination; --dest NAME takes another"


def is_path(name: str) -> bool:
    """Return whether this is the path of a destination file: by a slash, or by the suffix."""
    return "/" in name or name.endswith(_SUFFIXES)


def read_destination(name: str) -> Destination[Any]:
    """Return the destination that a file describes; raises DestinationError."""
    from segcli.destination_file import destination_from_text  # slow to import, rarely needed

    path = Path(name)
    try:
        text = read_regular(path, max_bytes=_MAX_BYTES)
    except ValueError as problem:
        raise DestinationError(f"{name} {problem}", _nearby(path)) from None
    if not name.endswith(_SUFFIXES):
        raise DestinationError(f"{name}: the name of a destination file ends in .toml or .json")

    def load(other: str) -> str:
        try:
            return read_below(path.parent, other, max_bytes=_MAX_BYTES)
        except ValueError as problem:
            raise ValueError(f"{path.parent / other} {problem}") from None

    return destination_from_text(text, name, load, taken=destinations.names())


def files_described(name: str) -> list[Path]:
    """Return a destination file, and the files of mappings and fields that it names.

    If the file cannot be read, there are none; `read_destination` raises the error.
    """
    from segcli.destination_file.parse import parse_document

    path = Path(name)
    document: dict[str, Any] = {}
    with suppress(OSError, ValueError, DestinationError):
        if path.is_file():
            document = parse_document(read_regular(path, max_bytes=_MAX_BYTES), name)
    actions = document.get("actions")
    named = [
        action.get(key)
        for action in (actions if isinstance(actions, list) else [])
        for key in ("mapping_file", "fields_file")
        if isinstance(action, dict)
    ]
    # The name of a file cannot hold a zero byte.
    texts = [other for other in named if isinstance(other, str) and "\0" not in other]
    return [path, *(path.parent / other for other in texts)]


def _nearby(path: Path) -> str:
    """Return a hint that names the destination files near a path that is not a file."""
    try:
        if path.is_file():
            return ""
        folder = path if path.is_dir() else path.parent
        found = sorted(f"{folder}/{one.name}" for one in folder.glob("*.toml"))
    except OSError:
        return ""
    # Do not suggest names with control characters: another person may have put the file there.
    found = [name for name in found if name.isprintable() and not name.endswith("/segcli.toml")][:5]
    return f"There are: {', '.join(found)}" if found else ""
