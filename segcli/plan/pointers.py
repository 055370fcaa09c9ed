"""JSON pointers: write them, follow a reference in a schema, and find their lines in a text."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any
from urllib.parse import unquote

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:\n]|[^\s"{}\[\],:]+')


def pointer_of(base: str, path: Sequence[str | int]) -> str:
    """Return the JSON pointer of a path below another pointer."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "".join([base, *(f"/{part}" for part in parts)])


def schema_at(root: Any, reference: object) -> Any:
    """Return the schema that a reference such as `#/definitions/x` leads to; None without one."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found = root
    for part in unquote(reference[1:]).split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found if isinstance(found, dict | bool) else None


def lines_at(text: str, pointers: Collection[str]) -> dict[str, int]:
    """Return the line of each pointer that leads to a value, and of the values around it.

    `text` must be valid JSON.
    """
    found: dict[str, int] = {}
    if not pointers:
        return found
    pointers = {around for pointer in pointers for around in _around(pointer)}
    place = _Place()
    line = 1
    for token in _TOKEN.findall(text):
        if token == "\n":
            line += 1
        elif place.is_value(token) and (pointer := pointer_of("", place.path)) in pointers:
            found.setdefault(pointer, line)
        place.advance(token)
    return found


def _around(pointer: str) -> Iterator[str]:
    """Yield a pointer, and those of the values around it."""
    yield pointer
    while pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer


class _Place:
    """The current position in a JSON text, as names of fields and indexes, from the outside in."""

    def __init__(self) -> None:
        self.path: list[str | int] = []
        self._name = ""

    def is_value(self, token: str) -> bool:
        """Return whether a token begins a value, or is the name of a field."""
        return token not in "}]:,\n"

    def advance(self, token: str) -> None:
        """Move past a token."""
        if token in "{[":
            self.path.append("" if token == "{" else 0)
        elif token in "}]":
            self.path.pop()
        elif token == ":":
            self.path[-1] = json.loads(self._name)
        elif token == ",":
            last = self.path[-1]
            self.path[-1] = last + 1 if isinstance(last, int) else last
        else:
            self._name = token
