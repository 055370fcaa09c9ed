"""TOML that somebody else may have written: read in reasonable time, or refused in words."""

import re
import tomllib
from collections.abc import Callable
from typing import Any

# A mapping may put a value of an event, 100 levels deep itself, below all of these.
MAX_DOCUMENT_DEPTH = 50

# The time to read a dotted key grows with the square of its parts. Strings and comments are taken
# away first, unclosed ones too: then every character is looked at once, and a dot is part of a key.
_STRING_OR_COMMENT = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5})?'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5})?"
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*+",
    re.DOTALL,
)
_LONG_KEY = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{MAX_DOCUMENT_DEPTH}}}", re.ASCII)


class TooDeep(ValueError):
    """Tables or lists lie within each other more often than anybody writes."""

    def __init__(self) -> None:
        super().__init__(f"nested deeper than {MAX_DOCUMENT_DEPTH} levels")


def parse_toml(text: str, *, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """Read a TOML text; raises TOMLDecodeError, and TooDeep for what nests too deep."""
    if _LONG_KEY.search(_STRING_OR_COMMENT.sub("s", text)):
        raise TooDeep
    try:
        table = tomllib.loads(text, parse_float=parse_float)
    except RecursionError:
        raise TooDeep from None
    check_depth(table, MAX_DOCUMENT_DEPTH)
    return table


def check_depth(value: Any, levels: int) -> None:
    """Raise TooDeep where tables and lists nest deeper than so many levels."""
    if levels < 0:
        raise TooDeep
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        check_depth(one, levels - 1)
