"""The mistakes of a file: collected with the paths of their keys, and reported together."""

import json
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from segcli.errors import DestinationError, FileMistake

KeyPath: TypeAlias = tuple[str | int, ...]

MAX_MISTAKES = 100

_BARE = re.compile(r"[A-Za-z0-9_$-]+")
_SEE = "To see every key that a file can have: segcli destinations --schema"


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
        error = DestinationError("\n".join(found), _SEE)
        error.mistakes = [FileMistake(path, problem) for path, problem in self._found]
        raise error

    def _line(self, path: KeyPath, problem: str) -> str:
        return ": ".join(filter(None, (self.title, dotted(path), problem)))


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
