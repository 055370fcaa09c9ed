"""Split a query into tokens, read them one by one, and report errors with their position."""

import re
from dataclasses import dataclass

from segcli.fql.query_fields import OF_EVENTS, QueryFields

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
# How many characters of a line are shown on each side of a position.
_CONTEXT = 60
_WORD_FOR = {"&&": "and", "||": "or"}


@dataclass(frozen=True, slots=True)
class QueryToken:
    """A token.

    kind: name, number, string, null, word (and, or), operator or end; a mark is its own kind.
    text: the token as written, a string with its quotes; escapes in names are resolved.
    position: the index of its first character.
    """

    kind: str
    text: str
    position: int


class FqlError(ValueError):
    """A query cannot be read. The message shows the position and what was expected there.

    text: the query.
    position: the index of the character.
    expected: what was expected there.
    """

    def __init__(self, text: str, position: int, expected: str) -> None:
        super().__init__(f"expected {expected}\n{_pointed_at(text, position)}")
        self.text = text
        self.position = position
        self.expected = expected


@dataclass(frozen=True, slots=True)
class QueryWarning:
    """A part of a query that can be read, but probably not as intended; an error with `strict`.

    position: the index of the character.
    expected: what was expected there.
    """

    position: int
    expected: str


@dataclass(slots=True)
class Cursor:
    """A position in the tokens of a query.

    text: the query.
    tokens: its tokens; the last one is an end.
    warnings: the warnings so far.
    index: the index of the next token.
    fields: the fields that the query may name.
    """

    text: str
    tokens: list[QueryToken]
    warnings: list[QueryWarning]
    index: int = 0
    fields: QueryFields = OF_EVENTS

    @property
    def token(self) -> QueryToken:
        """The next token."""
        return self.tokens[self.index]

    def is_over(self) -> bool:
        """True if the current group or the query ends here."""
        return self.token.kind in ("end", ")")

    def take(self) -> QueryToken:
        """Return the next token and move past it. The cursor never moves past the end."""
        token = self.token
        self.index += token.kind != "end"
        return token

    def take_if(self, mark: str) -> bool:
        """Move past the next token if it is this mark; True if it was."""
        found = self.token.kind == mark
        self.index += found
        return found

    def warn(self, expected: str, at: QueryToken | None = None) -> None:
        """Add a warning that something else was expected at a token, by default the next one."""
        self.warnings.append(QueryWarning((at or self.token).position, expected))

    def error(self, expected: str) -> FqlError:
        """Return the error that something else was expected here, or at an earlier warning."""
        here = QueryWarning(self.token.position, expected)
        first = min([*self.warnings, here], key=lambda warning: warning.position)
        return FqlError(self.text, first.position, first.expected)


def start_cursor(text: str, fields: QueryFields) -> Cursor:
    """Return a cursor at the start of a query. Raises FqlError."""
    found, warnings = tokens(text)
    return Cursor(text, found, warnings, fields=fields)


def tokens(text: str) -> tuple[list[QueryToken], list[QueryWarning]]:
    """Return the tokens of a query and the warnings about them.

    A dotted name is one token. The last token is always an end. Raises FqlError where no token can
    begin.
    """
    found: list[QueryToken] = []
    warnings: list[QueryWarning] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _no_token_error(text, position, warnings)
        position = match.end()
        if match.lastgroup == "string" and not _ENDED.match(text, position):
            # Segment's reader takes this quote also as the start of the next string.
            warnings.append(QueryWarning(position - 1, "a space after this quote"))
            position -= 1
        if match.lastgroup != "space":
            found.append(_token(match, warnings))
    found.append(QueryToken("end", "eos", len(text)))
    return _joined(found), warnings


def _token(match: re.Match[str], warnings: list[QueryWarning]) -> QueryToken:
    kind, written, text = match.lastgroup or "", match[0], match.string
    if kind == "name":
        if not _AFTER_NAME.match(text, match.end()):
            raise FqlError(text, match.end(), f"a space after {written}")
        written = re.sub(r"\\(.)", r"\1", written, flags=re.DOTALL)
    if written[0] == "'":
        warnings.append(
            QueryWarning(match.start(), '"double quotes": other quotes are a part of the text')
        )
    if written in ("<", ">") and text.startswith("=", match.end()):
        warnings.append(QueryWarning(match.start(), f"a space after {written}="))
    return QueryToken(written if kind == "mark" else kind, written, match.start())


def _no_token_error(text: str, position: int, warnings: list[QueryWarning]) -> FqlError:
    """Return the error for a position where no token begins. An earlier warning is the cause."""
    if warnings:
        return FqlError(text, warnings[0].position, warnings[0].expected)
    if text.startswith("!=", position):
        return FqlError(text, position + 2, "a space after !=")
    if word := _WORD_FOR.get(text[position : position + 2]):
        return FqlError(text, position, f"the word {word}: FQL has no {text[position] * 2}")
    char = text[position]
    for begins, expected in (
        ("\"'", f"a closing {char}"),
        ("0123456789+-", "a number like 10, -3 or 1.5"),
        ("!", "contains( or match( after !"),
        ("\\", "a character after \\"),
    ):
        if char in begins:
            return FqlError(text, position, expected)
    return FqlError(
        text, position, f"no {char} here: write \\{char} in a name, and a text in quotes"
    )


def _joined(found: list[QueryToken]) -> list[QueryToken]:
    """Return the tokens with dotted names joined to one token."""
    joined: list[QueryToken] = []
    for token in found:
        if token.kind == "name" and [last.kind for last in joined[-2:]] == ["name", "."]:
            joined.pop()
            first = joined.pop()
            joined.append(QueryToken("name", f"{first.text}.{token.text}", first.position))
        else:
            joined.append(token)
    return joined


def _pointed_at(text: str, position: int) -> str:
    """Return the line of a position with a `^` under it. A long line is cut on both sides."""
    start = text.rfind("\n", 0, position) + 1
    line = text[start:].partition("\n")[0]
    column = position - start
    first = max(0, column - _CONTEXT)
    shown = line[first : column + _CONTEXT]
    before, after = "…" * (first > 0), "…" * (column + _CONTEXT < len(line))
    # A tab or a control character would move the `^`.
    plain = "".join(char if char.isprintable() else " " for char in shown)
    return f"  {before}{plain}{after}\n  {' ' * (len(before) + column - first)}^"
