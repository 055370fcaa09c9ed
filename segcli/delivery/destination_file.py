"""A destination's file on the disk."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from segcli.destination import Destination
from segcli.errors import DestinationError

_ENDINGS = (".toml", ".json")
# A file of this size is no description of anything.
_MOST_BYTES = 4 * 1024 * 1024


def is_path(name: str) -> bool:
    """Tell whether a destination is named by a file: with a slash, or an ending of such a file."""
    return "/" in name or name.endswith(_ENDINGS)


def read_destination(name: str) -> Destination[Any]:
    """Return the destination that a file describes; raises DestinationError."""
    from segcli.mapping_file import described  # noqa: PLC0415  # nobody else needs a compiler

    path = Path(name)
    try:
        text = _text(path)
    except ValueError as problem:
        raise DestinationError(f"{name} {problem}", _nearby(path)) from None
    if not name.endswith(_ENDINGS):
        raise DestinationError(f"{name}: the file of a destination ends in .toml or .json")

    def load(other: str) -> str:
        beside = path.parent / other
        try:
            return _text(beside)
        except ValueError as problem:
            raise ValueError(f"{beside} {problem}") from None

    return described(text, name, load)


def files_described(name: str) -> list[Path]:
    """Return the file that describes a destination, and the mapping files that it names.

    A file that cannot be read names none; `read_destination` says what is wrong with it.
    """
    from segcli.mapping_file.document import parsed  # noqa: PLC0415

    path = Path(name)
    document: dict[str, Any] = {}
    with suppress(OSError, ValueError, DestinationError):
        if path.is_file():
            document = parsed(_text(path), name)
    actions = document.get("actions")
    named = [
        action.get("mapping_file")
        for action in (actions if isinstance(actions, list) else [])
        if isinstance(action, dict)
    ]
    # No file has a zero byte in its name.
    texts = [other for other in named if isinstance(other, str) and "\0" not in other]
    return [path, *(path.parent / other for other in texts)]


def _text(path: Path) -> str:
    """Read a file of text; raises ValueError with what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise ValueError("does not exist") from None
    except IsADirectoryError:
        raise ValueError("is a folder, not the file of a destination") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise ValueError(f"is larger than {_MOST_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text: save it as UTF-8") from None


def _nearby(path: Path) -> str:
    """Return which files may have been meant, where it is none."""
    try:
        if path.is_file():
            return ""
        folder = path if path.is_dir() else path.parent
        found = sorted(f"{folder}/{one.name}" for one in folder.glob("*.toml"))
    except OSError:
        return ""
    found = [name for name in found if not name.endswith("/segcli.toml")][:5]
    return f"There are: {', '.join(found)}" if found else ""
