"""JSON pointers: write them, follow a reference in a schema, and find their lines in a text."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any
from urllib.parse import unquote

from segcli.core.exact_json import with_replaced_surrogates

# Python reads these, and they are not JSON.
_CONSTANTS = frozenset({"NaN", "Infinity"})
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
    for token, line, place in _walk(text):
        if place.is_value(token) and (pointer := pointer_of("", place.path)) in pointers:
            found.setdefault(pointer, line)
    return found


def repeated_names(text: str) -> Iterator[tuple[str, int]]:
    """Yield the pointer and the line of each field that its object has before; as `lines_at`."""
    seen: list[set[str]] = []
    for token, line, place in _walk(text):
        if token in "{[":
            seen.append(set())
        elif token in "}]":
            seen.pop()
        elif token == ":":
            name = place.next_name()
            if name in seen[-1]:
                yield pointer_of("", [*place.path[:-1], name]), line
            seen[-1].add(name)


def wrong_line(text: str, levels: int) -> int:
    """Return the line at which a text is not JSON, or is nested deeper; 0 if it is neither."""
    try:
        json.loads(text, parse_int=str)
    except json.JSONDecodeError as error:
        return error.lineno
    except RecursionError:
        pass
    depth = 0
    for token, line, _ in _walk(text):
        depth += (token in "{[") - (token in "}]")
        if depth > levels or token.lstrip("-") in _CONSTANTS or _has_half(token):
            return line
    return 0


def _has_half(token: str) -> bool:
    """Return whether a string has half of a character, which is not JSON."""
    written = token.encode()
    return "\\u" in token and with_replaced_surrogates(written) != written


def _walk(text: str) -> Iterator[tuple[str, int, "_Place"]]:
    """Yield each token of a JSON text with its line and its place."""
    place = _Place()
    line = 1
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "\n":
            line += 1
            continue
        yield token, line, place
        place.advance(token)


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
        return token not in "}]:,"

    def next_name(self) -> str:
        """Return the name of the field whose colon comes next."""
        name: str = json.loads(self._name)
        return name

    def advance(self, token: str) -> None:
        """Move past a token."""
        if token in "{[":
            self.path.append("" if token == "{" else 0)
        elif token in "}]":
            self.path.pop()
        elif token == ":":
            self.path[-1] = self.next_name()
        elif token == ",":
            last = self.path[-1]
            self.path[-1] = last + 1 if isinstance(last, int) else last
        else:
            self._name = token
