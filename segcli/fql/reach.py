"""What stands in an event under a dotted name."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from segcli.fql.tree import FieldName

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")

Read = Callable[[Mapping[str, Any]], object]


def reader(field: FieldName) -> Read:
    """Return the function that finds what an event holds in a field, None where nothing is."""
    root, names = field.root, re.findall(r"[^\[.\]]+", field.name)
    if not field.name:
        return lambda event: event.get(root)
    if not names:
        return lambda event: None  # noqa: ARG005  # a name of dots alone names nothing
    if len(names) == 1:
        return _short(root, names[0])

    def read(event: Mapping[str, Any]) -> object:
        value = event.get(root)
        for name in names:
            value = value.get(name) if isinstance(value, dict) else _below(value, name)
        return value

    return read


def _short(root: str, name: str) -> Read:
    def read(event: Mapping[str, Any]) -> object:
        value = event.get(root)
        return value.get(name) if isinstance(value, dict) else _below(value, name)

    return read


def _below(value: Any, name: str) -> object:
    """Return what JavaScript finds under a name in what is no object."""
    if isinstance(value, bool | int | float | str) and not value:
        # Segment's reader goes no further than a value that is false, zero or empty.
        return value
    if name == "length" and isinstance(value, list):
        return len(value)
    if name == "length" and isinstance(value, str):
        return len(value.encode("utf-16-le", "surrogatepass")) // 2
    if isinstance(value, list | str) and _INDEX.fullmatch(name):
        return value[int(name)] if int(name) < len(value) else None
    return None
