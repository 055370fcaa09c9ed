"""The words of a query: text to tokens, each with its place."""

import re
from dataclasses import dataclass

from segcli.fql.error import Doubt, FqlError

_ENDS = r"(?=[ \t\n,\])]|\Z)"
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\n]+)
    | (?P<null>null{_ENDS})
    | (?P<word>(?:and|or){_ENDS})
    | (?P<name>(?:[A-Za-z_]|\\.)(?:[A-Za-z0-9_-]|\\.)*)
    | (?P<number>(?:[+-]?[0-9]+(?:\.[0-9]+)?|[+-]\.[0-9]+)(?![0-9.]))
    | (?P<string>"[^"]*"|'[^']*')
    | (?P<operator>(?:!=|<=|>=){_ENDS}|!(?=[A-Za-z(])|[=<>])
    | (?P<mark>[.,()\[\]])
    """,
    re.VERBOSE | re.DOTALL,
)
_AFTER_NAME = re.compile(r"[ \t\n,\]).(=!\\]|\Z")
_ENDED = re.compile(_ENDS)


@dataclass(frozen=True, slots=True)
class Token:
    """One word: `text` is what it says, of a string with its quotes; `position` where it begins.

    `kind` is name, number, string, null, word (and, or), operator or end; a mark is its own kind.
    """

    kind: str
    text: str
    position: int


def tokens(text: str) -> tuple[list[Token], list[Doubt]]:
    """Return the words of a query, an end last, dotted names as one; and what looks mistaken.

    Raises FqlError where no word begins.
    """
    found: list[Token] = []
    doubts: list[Doubt] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _no_word(text, position, doubts)
        position = match.end()
        if match.lastgroup == "string" and not _ENDED.match(text, position):
            # Segment's reader takes this quote for the beginning of another string too.
            doubts.append(Doubt(position - 1, "a space after this quote"))
            position -= 1
        if match.lastgroup != "space":
            found.append(_token(match, doubts))
    found.append(Token("end", "eos", len(text)))
    return _joined(found), doubts


def _token(match: re.Match[str], doubts: list[Doubt]) -> Token:
    kind, written, text = match.lastgroup or "", match[0], match.string
    if kind == "name":
        if not _AFTER_NAME.match(text, match.end()):
            raise FqlError(text, match.end(), f"a space after {written}")
        written = re.sub(r"\\(.)", r"\1", written, flags=re.DOTALL)
    if written[0] == "'":
        doubts.append(
            Doubt(match.start(), '"double quotes": others are taken for a part of the text')
        )
    if written in ("<", ">") and text.startswith("=", match.end()):
        doubts.append(Doubt(match.start(), f"a space after {written}="))
    return Token(written if kind == "mark" else kind, written, match.start())


def _no_word(text: str, position: int, doubts: list[Doubt]) -> FqlError:
    """Return the error for a place where no word begins; an earlier doubt tells the cause."""
    if doubts:
        return FqlError(text, doubts[0].position, doubts[0].expected)
    if text.startswith("!=", position):
        return FqlError(text, position + 2, "a space after !=")
    char = text[position]
    for begins, expected in (
        ("\"'", f"a closing {char}"),
        ("0123456789+-", "a number like 10, -3 or 1.5"),
        ("!", "contains( or match( after !"),
        ("\\", "a character after \\"),
    ):
        if char in begins:
            return FqlError(text, position, expected)
    return FqlError(text, position, f"no {char} here: a name has it as \\{char}, a text in quotes")


def _joined(found: list[Token]) -> list[Token]:
    """Return the tokens with names between dots as one name."""
    joined: list[Token] = []
    for token in found:
        if token.kind == "name" and [last.kind for last in joined[-2:]] == ["name", "."]:
            joined.pop()
            first = joined.pop()
            joined.append(Token("name", f"{first.text}.{token.text}", first.position))
        else:
            joined.append(token)
    return joined


@dataclass(slots=True)
class Cursor:
    """The tokens of a query, one after another; the last is always the end."""

    text: str
    tokens: list[Token]
    doubts: list[Doubt]
    at: int = 0

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    def is_over(self) -> bool:
        """Whether the group that is being read ends here, or the query."""
        return self.token.kind in ("end", ")")

    def take(self) -> Token:
        """Return the next token and go on behind it; the end stays the end."""
        token = self.token
        self.at += token.kind != "end"
        return token

    def take_if(self, mark: str) -> bool:
        """Go on behind a mark and say so, if it comes next."""
        found = self.token.kind == mark
        self.at += found
        return found

    def doubt(self, expected: str, at: Token | None = None) -> None:
        """Remember that something else was expected at a token, the next one if none is given."""
        self.doubts.append(Doubt((at or self.token).position, expected))

    def error(self, expected: str) -> FqlError:
        """Return the error that something else was expected here, or at an earlier doubt."""
        here = Doubt(self.token.position, expected)
        first = min([*self.doubts, here], key=lambda doubt: doubt.position)
        return FqlError(self.text, first.position, first.expected)


def cursor(text: str) -> Cursor:
    """Return the cursor at the beginning of a query; raises FqlError."""
    found, doubts = tokens(text)
    return Cursor(text, found, doubts)
