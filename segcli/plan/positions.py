"""On which lines of a JSON text the values at some JSON pointers stand."""

import json
import re
from collections.abc import Collection

from segcli.plan.rule import pointer_of

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:\n]|[^\s"{}\[\],:]+')


def lines_of(text: str, pointers: Collection[str]) -> dict[str, int]:
    """Return the line of each pointer that leads to a value; the text has to be JSON."""
    found: dict[str, int] = {}
    if not pointers:
        return found
    place = _Place()
    line = 1
    for token in _TOKEN.findall(text):
        if token == "\n":
            line += 1
        elif place.is_value(token) and (pointer := pointer_of("", place.path)) in pointers:
            found.setdefault(pointer, line)
        place.go_on(token)
    return found


class _Place:
    """Where in a JSON text one is: names of fields, and places in arrays, from the outside in."""

    def __init__(self) -> None:
        self.path: list[str | int] = []
        self._name = ""

    def is_value(self, token: str) -> bool:
        """Return whether a token begins a value, or is the name of a field."""
        return token not in "}]:,\n"

    def go_on(self, token: str) -> None:
        """Go behind a token."""
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
