"""What JavaScript makes of a JSON value: its type, whether it counts as true, its parts."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from segcli.mapping.text import units
from segcli.mapping.undefined import UNDEFINED

_KINDS: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    Decimal: "number",
    type(None): "null",
    type(UNDEFINED): "undefined",
}
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


def kind_of(value: object) -> str:
    """Return the type of a value in mapping-kit's words, as `array` or `undefined`."""
    return _KINDS.get(type(value)) or type(value).__name__.lower()


def is_true(value: object) -> bool:
    """Tell whether JavaScript takes a value for true; every object and list is."""
    return bool(value) or isinstance(value, dict | list)


def is_number(value: object) -> bool:
    """Tell whether a value is a number; true and false are not."""
    return kind_of(value) == "number"


def is_index(name: str) -> bool:
    """Tell whether a name is one by which lists and texts are read."""
    return _INDEX.fullmatch(name) is not None


def entries(value: Any) -> Iterable[tuple[str, Any]]:
    """Return the names and values of an object, list or text; nothing for anything else.

    Names that are whole numbers come first, in their order, as JavaScript has them.
    """
    if isinstance(value, dict):
        if any(map(is_index, value)):
            return sorted(value.items(), key=_place)
        return value.items()
    if isinstance(value, list):
        return ((str(place), item) for place, item in enumerate(value))
    if isinstance(value, str):
        return ((str(place), unit) for place, unit in enumerate(units(value)))
    return ()


def _place(entry: tuple[str, Any]) -> int:
    return int(entry[0]) if is_index(entry[0]) else 10**9
