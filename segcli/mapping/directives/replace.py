"""The directive that replaces a literal pattern in a text: `@replace`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from segcli.mapping.javascript import (
    MAX_TEXT,
    TextTooLong,
    is_javascript_number,
    is_true,
    javascript_text,
    length,
)
from segcli.mapping.node import NOTHING, Context, MapFunction, Node, bounded

MAX_LENGTH = 10

Replacement = Callable[[str], str]
_MARK = re.compile(r"(\$[$&`'])")
# JavaScript's replacement marks: each maps (match start, match end, text length) to the span of
# the text that the mark inserts.
_SPANS: dict[str, Callable[[int, int, int], tuple[int, int]]] = {
    "$&": lambda begin, end, _: (begin, end),
    "$`": lambda begin, _, __: (0, begin),
    "$'": lambda _, end, whole: (end, whole),
}


@dataclass(frozen=True, slots=True)
class _ReplaceFlags:
    """The flags of `@replace`.

    every: replace all occurrences, not only the first.
    ignores_case: match without regard to case.
    """

    every: bool
    ignores_case: bool


def replace_(options: Any, context: Context) -> Node:
    """Compile `@replace`: a text, number or boolean as text, with a pattern replaced."""
    if not isinstance(options, dict):
        return context.refusal('@replace requires an object with a "pattern" key')
    if not is_true(options.get("pattern")):
        return context.refusal('@replace requires a "pattern" key')
    if not is_true(options.get("value")):
        return NOTHING
    value = context.part(options["value"], "@replace", "value")
    made = bounded(_run(value.run, options, context), context, "@replace makes too long a text")
    return Node(made, value.is_constant, is_total=True)


def _run(read: MapFunction, options: dict[str, Any], context: Context) -> MapFunction:
    changes = _changes(options)
    too_long = _too_long(changes)
    if too_long:
        context.warn(too_long)
    steps = [_change(pattern, new, _flags(options)) for pattern, new in changes]

    def run(data: Any) -> str:
        found = read(data)
        if isinstance(found, bool) or is_javascript_number(found):
            found = javascript_text(found)
        if not isinstance(found, str) or not steps:
            return ""
        if too_long:
            context.refuse(too_long)
        for step in steps:
            found = step(found)
        return found

    return run


def _flags(options: dict[str, Any]) -> _ReplaceFlags:
    every, ignores_case = options.get("global"), options.get("ignorecase")
    return _ReplaceFlags(every=every is None or every, ignores_case=bool(ignores_case))


def _changes(options: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the (pattern, replacement) pairs; none if an option has the wrong type."""
    pattern, new = options["pattern"], _new(options, "replacement")
    switches = [options.get("global"), options.get("ignorecase")]
    if not isinstance(pattern, str) or not isinstance(new, str):
        return []
    if not all(switch is None or isinstance(switch, bool) for switch in switches):
        return []
    second, second_new = options.get("pattern2"), _new(options, "replacement2")
    if isinstance(second, str) and second and isinstance(second_new, str):
        return [(pattern, new), (second, second_new)]
    return [(pattern, new)]


def _new(options: dict[str, Any], name: str) -> Any:
    new = options.get(name)
    return "" if new is None else new


def _too_long(changes: list[tuple[str, str]]) -> str:
    for pattern, new in changes:
        for name, text in (("pattern", pattern), ("replacement", new)):
            if length(text) > MAX_LENGTH:
                return f'@replace requires a "{name}" less than {MAX_LENGTH} characters'
    return ""


def _change(pattern: str, new: str, flags: _ReplaceFlags) -> Replacement:
    pieces = ["$" if piece == "$$" else piece for piece in _MARK.split(new) if piece]
    if not flags.ignores_case and not {"$`", "$'"} & set(pieces):
        # Every match equals the pattern, so the replacement is the same each time.
        known = "".join(pattern if piece == "$&" else piece for piece in pieces)
        return _plain(pattern, known, -1 if flags.every else 1)
    return lambda text: "".join(_replaced(text, pattern, pieces, flags))


def _plain(pattern: str, new: str, most: int) -> Replacement:
    longer = len(new) - len(pattern)

    def change(text: str) -> str:
        if longer > 0 and len(text) + longer * text.count(pattern) > MAX_TEXT:
            raise TextTooLong
        return text.replace(pattern, new, most)

    return change


def _replaced(text: str, pattern: str, pieces: list[str], flags: _ReplaceFlags) -> Iterator[str]:
    """Yield the pieces of a text with its matches replaced; raises TextTooLong."""
    start, written = 0, len(text)
    for begin in _matches(text, pattern, flags):
        end = begin + len(pattern)
        yield text[start:begin]
        for piece in pieces:
            span = _SPANS.get(piece)
            first, last = span(begin, end, len(text)) if span else (0, len(piece))
            written += last - first
            if written > MAX_TEXT:
                raise TextTooLong
            yield text[first:last] if span else piece
        start = end
    yield text[start:]


def _matches(text: str, pattern: str, flags: _ReplaceFlags) -> Iterator[int]:
    if flags.ignores_case:
        text, pattern = _folded(text), _folded(pattern)
    begin = text.find(pattern)
    while begin >= 0:
        yield begin
        begin = text.find(pattern, begin + len(pattern)) if flags.every else -1


def _folded(text: str) -> str:
    return text.upper() if text.isascii() else "".join(map(_folded_character, text))


def _folded_character(char: str) -> str:
    """Return the upper-case form by which JavaScript's regular expressions ignore case."""
    upper = char.upper()
    if char > "\uffff" or len(upper) != 1 or (char > "\x7f" and upper <= "\x7f"):
        return char
    return upper
