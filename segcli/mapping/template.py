"""The directive that writes values into a text, `Hello {{traits.name}}`: `@template`."""

import re
from collections.abc import Sequence
from typing import Any

from segcli.mapping.part import Part, Place, Run, bounded, constant
from segcli.mapping.path import follow, keys_of
from segcli.mapping.text import MAX_TEXT, WHITE_SPACE, TooLong, text_of
from segcli.mapping.undefined import UNDEFINED
from segcli.mapping.value import kind_of

# A piece of a template: a text, or the names on the path to a value.
Piece = str | tuple[str, ...]

_TOO_LONG = "@template makes too long a text"
_CLOSING = re.compile(r"\}+")


def template(value: Any, place: Place) -> Part:
    """Compile `@template`: a text with values in it; a directive may make the template."""
    if isinstance(value, str):
        return Part(bounded(_written(value), place, _TOO_LONG), "{{" not in value, is_total=True)
    made = place.part(value, "@template").run

    def run(data: Any) -> Any:
        found = made(data)
        if not isinstance(found, str):
            place.refuse(f"@template: expected string, got {kind_of(found)}")
        return render(found, data)

    return Part(bounded(run, place, _TOO_LONG), is_total=True)


def render(template: Any, data: Any = UNDEFINED) -> str:
    """Return a template with values in its `{{path}}` and, before those, its `{{{path}}}`.

    Raises TooLong for a text longer than `MAX_TEXT`.
    """
    if not isinstance(template, str):
        kind = kind_of(template)
        raise TypeError(f'Invalid template! Template should be a "string" but {kind} was given.')
    return _text(pieces(_text(pieces(template, 3), data), 2), data)


def pieces(template: str, braces: int) -> list[Piece]:
    """Return what a template consists of; a path stands between so many braces.

    In time that grows with its length: a text of braces alone is soon read.
    """
    found: list[Piece] = []
    start = 0
    for closing in _CLOSING.finditer(template):
        if closing.end() - closing.start() < braces:
            continue
        # A path holds no closing brace.
        begin = max(start, template.rfind("}", start, closing.start()) + 1)
        opening = template.find("{" * braces, begin, closing.start())
        if opening < 0 or opening + braces == closing.start():
            continue
        path = template[opening + braces : closing.start()].strip(WHITE_SPACE)
        found += [template[start:opening], keys_of(path)]
        start = closing.start() + braces
    return [piece for piece in [*found, template[start:]] if piece != ""]


def _written(template: str) -> Run:
    first = pieces(template, 3)
    if all(isinstance(piece, str) for piece in first):
        return _filled(pieces(template, 2))
    # What the first values bring may hold braces too.
    return lambda data: _text(pieces(_text(first, data), 2), data)


def _filled(parts: Sequence[Piece]) -> Run:
    if not parts:
        return constant("").run
    if len(parts) == 1 and isinstance(parts[0], str):
        return constant(parts[0]).run
    return lambda data: _text(parts, data)


def _text(parts: Sequence[Piece], data: Any) -> str:
    data = {} if data is UNDEFINED else data
    texts = [part if isinstance(part, str) else _shown(follow(data, part)) for part in parts]
    if sum(map(len, texts)) > MAX_TEXT:
        raise TooLong
    return "".join(texts)


def _shown(value: Any) -> str:
    return "" if value is None or value is UNDEFINED else text_of(value)
