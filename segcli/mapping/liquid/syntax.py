"""What Segment's engine reads in expressions and python-liquid does not, rewritten for it."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from liquid import Token
from liquid.token import TOKEN_EXPRESSION, TOKEN_OUTPUT

_TEXT = r"\"[^\"]*\"|'[^']*'"
_PATH = r"[A-Za-z_][\w-]*\??(?:\.[\w-]+\??|\[[^\[\]]*\])*"
_VALUE = rf"(?:{_TEXT}|{_PATH}|-?\d+(?:\.\d+)?)"
# A text, which stays; or a name or a bracket with indexes after it, `products.0`.
_INDEXED = re.compile(rf"({_TEXT})|([A-Za-z_][\w-]*\??|\])((?:\.\d+)+)(?![\w-])")
# Values with nothing between them: `traits.Test Audience`.
_SURPLUS = re.compile(rf"(\s*{_VALUE})((?:\s+{_VALUE})+)\s*(?=\||$)")
_PIECE = re.compile(rf"{_VALUE}|[=!<>]=|[<>]|\S")
_IS_VALUE = re.compile(_VALUE)
_WORDS = frozenset({"and", "or", "not", "contains"})
# Conditions with these are left as they are.
_OTHER = frozenset({"not", "|", "(", ")"})


def in_segments_syntax(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield the tokens of a template with its expressions rewritten.

    An index after a dot becomes one in brackets. If several values follow each other, the first
    counts; in a condition it decides alone, and a comparison after it is ignored.
    """
    tag = ""
    for token in tokens:
        if token.kind != TOKEN_EXPRESSION:
            tag = "echo" if token.kind == TOKEN_OUTPUT else token.value
            yield token
            continue
        yield token._replace(value=_rewritten(token.value, tag))


def _rewritten(text: str, tag: str) -> str:
    text = _INDEXED.sub(_with_brackets, text)
    if tag == "echo":
        return _without_surplus(text)
    if tag == "assign":
        name, sign, value = text.partition("=")
        return name + sign + _without_surplus(value)
    return _condition(text) if tag in ("if", "elsif", "unless") else text


def _with_brackets(found: re.Match[str]) -> str:
    if found[1] is not None:
        return found[0]
    return found[2] + "".join(f"[{place}]" for place in found[3][1:].split("."))


def _condition(text: str) -> str:
    pieces = _PIECE.findall(text)
    are_values = [bool(_IS_VALUE.fullmatch(one)) and one not in _WORDS for one in pieces]
    has_surplus = any(first and second for first, second in pairwise(are_values))
    return pieces[0] if has_surplus and are_values[0] and _OTHER.isdisjoint(pieces) else text


def _without_surplus(text: str) -> str:
    found = _SURPLUS.match(text)
    if not found or not _WORDS.isdisjoint(found[0].split()):
        return text
    return found[1] + " " + text[found.end() :]
