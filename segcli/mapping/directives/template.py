"""The directive that inserts values into a text, `Hello {{traits.name}}`: `@template`."""

import re
from collections.abc import Sequence
from typing import Any

from segcli.mapping.javascript import (
    MAX_TEXT,
    UNDEFINED,
    WHITE_SPACE,
    TextTooLong,
    javascript_kind,
    javascript_text,
)
from segcli.mapping.json_path import follow, keys_of
from segcli.mapping.node import Context, Node, bounded, constant

# A piece of a template: literal text, or the keys of a path.
TemplatePiece = str | tuple[str, ...]

_NO_STRING = "@template: expected string, got {}"
_TOO_LONG = "@template makes too long a text"
_CLOSING = re.compile(r"\}+")


def template_directive(value: Any, context: Context) -> Node:
    """Compile `@template`: a text with values inserted; a directive may supply the template."""
    if isinstance(value, str):
        return _known(value, context)
    made = context.part(value, "@template")
    if made.is_constant:
        return _constant_template(made.run(None), context)
    read = made.run

    def run(data: Any) -> Any:
        found = read(data)
        if not isinstance(found, str):
            context.refuse(_NO_STRING.format(javascript_kind(found)))
        return render(found, data)

    return Node(bounded(run, context, _TOO_LONG), is_total=True)


def render(template: Any, data: Any = UNDEFINED) -> str:
    """Replace each `{{{path}}}` of a template with its value, then each `{{path}}`.

    Raises TextTooLong if the result would be longer than `MAX_TEXT`.
    """
    if not isinstance(template, str):
        kind = javascript_kind(template)
        raise TypeError(f'Invalid template! Template should be a "string" but {kind} was given.')
    return _text(pieces(_text(pieces(template, 3), data), 2), data)


def pieces(template: str, braces: int) -> list[TemplatePiece]:
    """Split a template into literal text and paths; `braces` is how many enclose a path.

    Takes time linear in the length of the template, even for a text of nothing but braces.
    """
    found: list[TemplatePiece] = []
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


def _constant_template(value: Any, context: Context) -> Node:
    if isinstance(value, str):
        return _known(value, context)
    return context.refusal(_NO_STRING.format(javascript_kind(value)))


def _known(template: str, context: Context) -> Node:
    first, second = pieces(template, 3), pieces(template, 2)
    if not any(isinstance(piece, tuple) for piece in [*first, *second]):
        return constant(template)

    def run(data: Any) -> str:
        return _text(second, data)

    def run_twice(data: Any) -> str:
        # The values inserted first may contain braces too.
        return _text(pieces(_text(first, data), 2), data)

    has_three = any(isinstance(piece, tuple) for piece in first)
    return Node(bounded(run_twice if has_three else run, context, _TOO_LONG), is_total=True)


def _text(parts: Sequence[TemplatePiece], data: Any) -> str:
    data = {} if data is UNDEFINED else data
    texts, written = [], 0
    for part in parts:
        text = part if isinstance(part, str) else _shown(follow(data, part))
        written += len(text)
        if written > MAX_TEXT:
            raise TextTooLong
        texts.append(text)
    return "".join(texts)


def _shown(value: Any) -> str:
    return "" if value is None or value is UNDEFINED else javascript_text(value)
