"""TOML from an untrusted author: parse it in bounded time, or refuse it with a message."""

import re
from collections.abc import Callable
from typing import Any

# Low enough that a mapping can nest a value of an event, up to 100 levels deep, below all levels.
MAX_DOCUMENT_DEPTH = 50

# The time to parse a dotted key grows with the square of its parts. To find long keys in linear
# time, first remove strings and comments, also unclosed ones: then every dot is part of a key or a
# number.
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
    """Tables or lists are nested too deep."""

    def __init__(self) -> None:
        super().__init__(f"nested deeper than {MAX_DOCUMENT_DEPTH} levels")


def parse_toml(text: str, *, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """Parse a TOML text. Raises TOMLDecodeError, and TooDeep for too deep nesting."""
    if _LONG_KEY.search(_STRING_OR_COMMENT.sub("s", text)):
        raise TooDeep
    # Imported here: a run without a configuration starts faster.
    import tomllib  # noqa: PLC0415

    try:
        table = tomllib.loads(text, parse_float=parse_float)
    except RecursionError:
        raise TooDeep from None
    check_depth(table, MAX_DOCUMENT_DEPTH)
    return table


def check_depth(value: Any, levels: int) -> None:
    """Raise TooDeep if tables and lists are nested deeper than `levels`."""
    if levels < 0:
        raise TooDeep
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        check_depth(one, levels - 1)
