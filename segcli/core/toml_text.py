"""TOML from an untrusted author: parse it in bounded time, or refuse it with a message."""

import re
from collections.abc import Callable
from typing import Any

from segcli.core.pattern import possessive

# Low enough that a mapping can nest a value of an event, up to 100 levels deep, below all levels.
MAX_DOCUMENT_DEPTH = 50

# The time to parse a dotted key grows with the square of its parts. To find long keys in linear
# time, first remove strings and comments, also unclosed ones: then every dot is part of a key or a
# number.
_BASIC_LINES = possessive(r'[^"\\]++|\\.|"(?!"")')
_LITERAL_LINES = possessive(r"[^']++|'(?!'')")
_BASIC_LINE = possessive(r'[^"\\\n]++|\\.')
_STRING_OR_COMMENT = re.compile(
    rf'"""{_BASIC_LINES}(?:"{{3,5}})?'
    rf"|'''{_LITERAL_LINES}(?:'{{3,5}})?"
    rf'|"{_BASIC_LINE}"?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*+",
    re.DOTALL,
)
_LONG_KEY = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{MAX_DOCUMENT_DEPTH}}}", re.ASCII)

_KEY = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_KEYS = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_HEADER = re.compile(rf"[ \t]*\[{{1,2}}[ \t]*({_KEYS})[ \t]*\]")
_ASSIGNMENT = re.compile(rf"[ \t]*({_KEYS})[ \t]*=")

_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


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


def problem_and_place(error: ValueError) -> tuple[str, int, int]:
    """Return what is wrong with a TOML text, and line and column from 1; 0 if they are unknown."""
    text = str(error)
    place = _PLACE.search(text)
    line, column = map(int, place.groups()) if place else (0, 0)
    return _PLACE.sub("", text), line, column


def check_depth(value: Any, levels: int) -> None:
    """Raise TooDeep if tables and lists are nested deeper than `levels`."""
    if levels < 0:
        raise TooDeep
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        check_depth(one, levels - 1)


def line_numbers(text: str) -> dict[tuple[str, ...], int]:
    """Return the line of each table and key of a TOML text, counted from 1.

    A key inside an inline table is missing; its table is there.
    """
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(_STRING_OR_COMMENT.sub(_in_one_line, text).split("\n"), 1):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            found.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            whole = (*table, *_parts(assignment[1]))
            for length in range(len(table) + 1, len(whole) + 1):
                found.setdefault(whole[:length], number)
    return found


def _in_one_line(string: re.Match[str]) -> str:
    """Keep a string of one line, which may be a key; keep only the line breaks of others."""
    if "\n" in string[0]:
        return "\n" * string[0].count("\n")
    return "" if string[0].startswith("#") else string[0]


def _parts(keys: str) -> tuple[str, ...]:
    return tuple(key.strip("\"'") for key in re.findall(_KEY, keys))
