"""The destination that `--dest` names: by its name, or by the path of its file."""

from pathlib import Path
from typing import Any

from segcli import destinations
from segcli.core.destination import Destination
from segcli.errors import UsageError


def find(dest: str) -> Destination[Any]:
    """Return the destination; raises UsageError and DestinationError."""
    from segcli.delivery.destination_file import is_path, read_destination

    if is_path(dest):
        return read_destination(dest)
    try:
        return destinations.find(dest)
    except UsageError as error:
        beside = next((name for name in _files(dest) if Path(name).is_file()), None)
        if beside:
            error.hint = f"Did you mean the file? Type {beside}"
        raise


def name_of(dest: str) -> str:
    """Return the name of a destination, which its file says; raises DestinationError."""
    from segcli.delivery.destination_file import is_path

    return find(dest).name if is_path(dest) else dest


def _files(dest: str) -> list[str]:
    return [f"./{dest}{ending}" for ending in (".toml", ".json")]
