"""The destination that `--dest` names: by its name, or by the path of its file."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from segcli import destinations
from segcli.core.destination import Destination
from segcli.errors import DestinationError, UsageError
from segcli.inputs.small_file import read_below, read_regular


def find_destination(dest: str) -> Destination[Any]:
    """Return the destination; raises UsageError and DestinationError."""
    if is_path(dest):
        return read_destination(dest)
    try:
        return destinations.named_destination(dest)
    except UsageError as error:
        beside = next((name for name in _files(dest) if Path(name).is_file()), None)
        if beside:
            error.hint = f"Did you mean the file? Type {beside}"
        raise


def destination_name(dest: str) -> str:
    """Return the name of a destination, which its file says; raises DestinationError."""
    return find_destination(dest).name if is_path(dest) else dest


def _files(dest: str) -> list[str]:
    return [f"./{dest}{ending}" for ending in (".toml", ".json")]


_ENDINGS = (".toml", ".json")
# A file of this size is no description of anything.
_MAX_BYTES = 4 * 1024 * 1024


def is_path(name: str) -> bool:
    """Tell whether a destination is named by a file: with a slash, or an ending of such a file."""
    return "/" in name or name.endswith(_ENDINGS)


def read_destination(name: str) -> Destination[Any]:
    """Return the destination that a file describes; raises DestinationError."""
    from segcli.destination_file import destination_from_text  # nobody else needs a compiler

    path = Path(name)
    try:
        text = read_regular(path, max_bytes=_MAX_BYTES)
    except ValueError as problem:
        raise DestinationError(f"{name} {problem}", _nearby(path)) from None
    if not name.endswith(_ENDINGS):
        raise DestinationError(f"{name}: the file of a destination ends in .toml or .json")

    def load(other: str) -> str:
        try:
            return read_below(path.parent, other, max_bytes=_MAX_BYTES)
        except ValueError as problem:
            raise ValueError(f"{path.parent / other} {problem}") from None

    return destination_from_text(text, name, load, taken=destinations.names())


def files_described(name: str) -> list[Path]:
    """Return the file that describes a destination, and the mapping files that it names.

    A file that cannot be read names none; `read_destination` says what is wrong with it.
    """
    from segcli.destination_file.parse import parse_document

    path = Path(name)
    document: dict[str, Any] = {}
    with suppress(OSError, ValueError, DestinationError):
        if path.is_file():
            document = parse_document(read_regular(path, max_bytes=_MAX_BYTES), name)
    actions = document.get("actions")
    named = [
        action.get("mapping_file")
        for action in (actions if isinstance(actions, list) else [])
        if isinstance(action, dict)
    ]
    # No file has a zero byte in its name.
    texts = [other for other in named if isinstance(other, str) and "\0" not in other]
    return [path, *(path.parent / other for other in texts)]


def _nearby(path: Path) -> str:
    """Return which files may have been meant, where it is none."""
    try:
        if path.is_file():
            return ""
        folder = path if path.is_dir() else path.parent
        found = sorted(f"{folder}/{one.name}" for one in folder.glob("*.toml"))
    except OSError:
        return ""
    # Nobody means a file whose name holds control characters; others may have put it there.
    found = [name for name in found if name.isprintable() and not name.endswith("/segcli.toml")][:5]
    return f"There are: {', '.join(found)}" if found else ""
