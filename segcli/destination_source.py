"""Where a destination comes from: its name, or the texts of the files that describe it.

The texts are read once, and can be sent to another process, which has no such files.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segcli import destinations
from segcli.core.destination import Destination
from segcli.errors import DestinationError
from segcli.inputs.small_file import read_below, read_regular

SUFFIXES = (".toml", ".json")
# The most bytes of a destination file.
MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DestinationSource:
    """A destination as texts.

    dest: its name, or the path of its file, as given.
    texts: the text of its file by `dest`, and those of its mapping files by the names that the
        file gives them; none for a destination with a name.
    """

    dest: str
    texts: Mapping[str, str] = field(default_factory=dict)

    def destination(self) -> Destination[Any]:
        """Return the destination. Reads no file; raises UsageError and DestinationError."""
        if not self.texts:
            return destinations.named_destination(self.dest)
        return _described(self.dest, self.texts[self.dest], self._text_of)

    def _text_of(self, name: str) -> str:
        if name not in self.texts:
            raise ValueError(f"{name} did not come with {self.dest}")
        return self.texts[name]


def find_destination(dest: str) -> Destination[Any]:
    """Return the destination of a name or a path; raises UsageError and DestinationError."""
    return find_source(dest)[1]


def find_source(dest: str) -> tuple[DestinationSource, Destination[Any]]:
    """Return where a destination comes from, with the texts of its files, and the destination.

    Raises UsageError and DestinationError.
    """
    if not is_path(dest):
        return DestinationSource(dest), destinations.named_destination(dest)
    texts: dict[str, str] = {}
    found = _read(dest, texts)
    return DestinationSource(dest, texts), found


def edited_source(dest: str, text: str) -> tuple[DestinationSource, Destination[Any]]:
    """Return what `find_source` would if the destination file `dest` had this text.

    Raises DestinationError.
    """
    texts = {dest: text}
    found = _described(dest, text, _loader(dest, texts))
    return DestinationSource(dest, texts), found


def read_text(dest: str) -> str:
    """Return the text of a destination file; raises ValueError."""
    return read_regular(Path(dest), max_bytes=MAX_BYTES)


def files_described(name: str) -> list[Path]:
    """Return a destination file, and the files of mappings and fields that it names.

    If the file cannot be read, there are none; `find_destination` raises the error.
    """
    from segcli.destination_file.parse import parse_document  # noqa: PLC0415  # rarely needed

    path = Path(name)
    document: dict[str, Any] = {}
    with suppress(OSError, ValueError, DestinationError):
        if os.path.isfile(path):
            document = parse_document(read_regular(path, max_bytes=MAX_BYTES), name)
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


def is_path(name: str) -> bool:
    """Return whether this is the path of a destination file: by a slash, or by the suffix."""
    return "/" in name or name.endswith(SUFFIXES)


def _read(name: str, texts: dict[str, str]) -> Destination[Any]:
    """Return the destination that a file describes, and put the texts that are read into `texts`.

    Raises DestinationError.
    """
    path = Path(name)
    try:
        texts[name] = read_regular(path, max_bytes=MAX_BYTES)
    except ValueError as problem:
        raise DestinationError(f"{name} {problem}", _nearby(path)) from None
    if not name.endswith(SUFFIXES):
        raise DestinationError(f"{name}: the name of a destination file ends in .toml or .json")

    return _described(name, texts[name], _loader(name, texts))


def _loader(name: str, texts: dict[str, str]) -> Callable[[str], str]:
    """Return the function that reads the files that a destination file names into `texts`."""
    folder = Path(name).parent

    def load(other: str) -> str:
        try:
            texts[other] = read_below(folder, other, max_bytes=MAX_BYTES)
        except ValueError as problem:
            raise ValueError(f"{folder / other} {problem}") from None
        return texts[other]

    return load


def _described(name: str, text: str, load: Callable[[str], str]) -> Destination[Any]:
    from segcli.destination_file import destination_from_text  # noqa: PLC0415  # slow, rarely needed

    return destination_from_text(text, name, load, taken=destinations.names())


def _nearby(path: Path) -> str:
    """Return a hint on a path that is not a file: the destination files near it, or the guide."""
    try:
        if os.path.isfile(path):
            return ""
        folder = path if os.path.isdir(path) else path.parent
        found = sorted(f"{folder}/{one.name}" for one in folder.glob("*.toml"))
    except OSError:
        return ""
    # Do not suggest names with control characters: another person may have put the file there.
    found = [name for name in found if name.isprintable() and not name.endswith("/segcli.toml")][:5]
    if found:
        return f"There are: {', '.join(found)}"
    return "`segcli guide destination-files` shows how to write one."
