"""The directive that replaces a part of a text, taken literally: `@replace`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from segcli.mapping.part import NOTHING, Part, Place, Run, bounded
from segcli.mapping.text import MAX_TEXT, TooLong, length, text_of
from segcli.mapping.value import is_number, is_true

MAX_LENGTH = 10

_SPECIAL = re.compile(r"\$[$&`']")

Change = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _How:
    """Whether every occurrence is replaced, and whether capitals count."""

    every: bool
    ignores_case: bool


def replace(options: Any, place: Place) -> Part:
    """Compile `@replace`: a text, number or boolean with other characters in place of some."""
    if not isinstance(options, dict):
        return place.refusal('@replace requires an object with a "pattern" key')
    if not is_true(options.get("pattern")):
        return place.refusal('@replace requires a "pattern" key')
    if not is_true(options.get("value")):
        return NOTHING
    value = place.part(options["value"], "@replace", "value")
    made = bounded(_run(value.run, options, place), place, "@replace makes too long a text")
    return Part(made, value.is_constant, is_total=True)


def _run(read: Run, options: dict[str, Any], place: Place) -> Run:
    changes = _changes(options)
    too_long = _too_long(changes)
    if too_long:
        place.doubt(too_long)
    steps = [_change(pattern, new, _how(options)) for pattern, new in changes]

    def run(data: Any) -> str:
        found = read(data)
        if isinstance(found, bool) or is_number(found):
            found = text_of(found)
        if not isinstance(found, str) or not steps:
            return ""
        if too_long:
            place.refuse(too_long)
        for step in steps:
            found = step(found)
        return found

    return run


def _how(options: dict[str, Any]) -> _How:
    every, ignores_case = options.get("global"), options.get("ignorecase")
    return _How(every=every is None or every, ignores_case=bool(ignores_case))


def _changes(options: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is replaced by what; nothing where the options are not of the right kinds."""
    pattern, new = options["pattern"], _new(options, "replacement")
    flags = [options.get("global"), options.get("ignorecase")]
    if not isinstance(pattern, str) or not isinstance(new, str):
        return []
    if not all(flag is None or isinstance(flag, bool) for flag in flags):
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


def _change(pattern: str, new: str, how: _How) -> Change:
    if not how.ignores_case and not _SPECIAL.search(new):
        return _plain(pattern, new, -1 if how.every else 1)

    def change(text: str) -> str:
        return "".join(_written(text, pattern, new, how))

    return change


def _plain(pattern: str, new: str, most: int) -> Change:
    longer = len(new) - len(pattern)

    def change(text: str) -> str:
        if longer > 0 and len(text) + longer * text.count(pattern) > MAX_TEXT:
            raise TooLong
        return text.replace(pattern, new, most)

    return change


def _written(text: str, pattern: str, new: str, how: _How) -> Iterator[str]:
    """Yield the pieces of a text with its matches replaced; raises TooLong."""
    start, written = 0, 0
    for begin in _matches(text, pattern, how):
        end = begin + len(pattern)
        special = {
            "$$": "$",
            "$&": text[begin:end],
            "$`": text[:begin],
            "$'": text[end:],
        }
        piece = _SPECIAL.sub(lambda mark: special[mark[0]], new)  # noqa: B023  # used at once
        written += begin - start + len(piece)
        if written > MAX_TEXT:
            raise TooLong
        yield text[start:begin]
        yield piece
        start = end
    yield text[start:]


def _matches(text: str, pattern: str, how: _How) -> Iterator[int]:
    if how.ignores_case:
        text, pattern = _folded(text), _folded(pattern)
    begin = text.find(pattern)
    while begin >= 0:
        yield begin
        begin = text.find(pattern, begin + len(pattern)) if how.every else -1


def _folded(text: str) -> str:
    return text.upper() if text.isascii() else "".join(map(_folded_character, text))


def _folded_character(char: str) -> str:
    """Return what JavaScript compares where case does not count: one unit, in capitals."""
    upper = char.upper()
    if char > "\uffff" or len(upper) != 1 or (char > "\x7f" and upper <= "\x7f"):
        return char
    return upper
