"""The mistakes of a file: collected with the paths of their keys, and reported together."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from segcli.errors import DestinationError, FileMistake

KeyPath: TypeAlias = tuple[str | int, ...]

MAX_MISTAKES = 100

# Any name, in a path of `SECTIONS`.
_ANY = "*"
_BARE = re.compile(r"[A-Za-z0-9_$-]+")
_GUIDE = "`segcli guide destination-files` describes"
# The section of the guide for the keys below a path, without the numbers of lists.
SECTIONS: Mapping[tuple[str, ...], str] = {
    (): "The file",
    ("settings",): "settings.NAME",
    ("request",): "request",
    ("request", "auth", "oauth"): "OAuth",
    **{("request", name): "Bodies" for name in ("body", "form", "omit", "compression")},
    ("batch",): "batch",
    ("reply",): "reply",
    **{("reply", name): "FQL" for name in ("success", "retry_if", "wrong_key_if")},
    ("reply", "items"): "reply.items",
    ("limits",): "limits",
    ("replay",): "replay",
    ("actions",): "actions",
    ("actions", "subscribe"): "FQL",
    ("actions", "mapping"): "Mappings",
    ("actions", "mapping", _ANY): "Directives",
    ("actions", "mapping_file"): "Mappings",
    ("actions", "mapping_file", _ANY): "Directives",
    ("actions", "fields"): "Field types",
    ("actions", "fields_file"): "Field types",
    **{("actions", name): "Bodies" for name in ("body", "form", "omit", "compression")},
    **{("actions", name): name for name in ("batch", "limits", "replay")},
}


class Mistakes:
    """Collects the mistakes of one file; `title` is the name of the file in messages."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._found: dict[tuple[KeyPath, str], None] = {}
        self._written: dict[KeyPath, KeyPath] = {}

    def add(self, path: KeyPath, problem: str) -> None:
        """Note a mistake at a path, also of a key that is missing there.

        Raises DestinationError once there are `MAX_MISTAKES`.
        """
        self._found[self._as_written(path), problem] = None
        if len(self._found) >= MAX_MISTAKES:
            self.raise_any()

    def are_below(self, path: KeyPath) -> bool:
        """Return whether there is a mistake at or below a path.

        Then a missing key is not reported as well: it may be the one that is misspelled.
        """
        path = self._as_written(path)
        return any(found[: len(path)] == path for found, _ in self._found)

    def take_for(self, path: KeyPath, written: KeyPath) -> None:
        """From now on, name mistakes at or below a path at another one: its key is misspelled."""
        self._written[path] = written

    def _as_written(self, path: KeyPath) -> KeyPath:
        for length in range(1, len(path) + 1) if self._written else ():
            path = (*self._written.get(path[:length], path[:length]), *path[length:])
        return path

    def raise_any(self) -> None:
        """Raise DestinationError with all mistakes, if there are any."""
        if not self._found:
            return
        found = [self._line(path, problem) for path, problem in self._found]
        if len(found) > 1:
            more = " or more" if len(found) >= MAX_MISTAKES else ""
            found.insert(0, f"{self.title} has {len(found)}{more} mistakes:")
        error = DestinationError("\n".join(found), _hint(path for path, _ in self._found))
        error.mistakes = [FileMistake(path, problem) for path, problem in self._found]
        raise error

    def _line(self, path: KeyPath, problem: str) -> str:
        return ": ".join(filter(None, (self.title, dotted(path), problem)))


def _hint(paths: Iterable[KeyPath]) -> str:
    """Return where the guide describes the keys at these paths."""
    sections = {section_of(path) for path in paths}
    if len(sections) > 1:
        return f"{_GUIDE} every key."
    return f"{_GUIDE} it, in the section {sections.pop()}."


def section_of(path: KeyPath) -> str:
    """Return the section of the guide that describes the key at a path, or those around it."""
    names = tuple(part for part in path if isinstance(part, str))
    tried = (
        known
        for length in range(len(names), 0, -1)
        for known in (names[:length], (*names[: length - 1], _ANY))
    )
    return next((SECTIONS[known] for known in tried if known in SECTIONS), SECTIONS[()])


def dotted(path: KeyPath) -> str:
    """Return a path as text: `actions[1].mapping."a b"`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            # Quoted: a line break in a key must not start a new line of the message.
            name = part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False)
            text += f".{name}" if text else name
    return text


def indented(text: str) -> str:
    """Return a text with all lines but the first indented."""
    return text.replace("\n", "\n  ")


def listed(names: Sequence[Any]) -> str:
    """Return names as a list in a sentence: `a, b or c`."""
    *most, last = map(str, names)
    return f"{', '.join(most)} or {last}" if most else last
