"""Where the parser is in a query, and what it has found odd so far."""

from dataclasses import dataclass

from segcli.fql.error import Doubt, FqlError
from segcli.fql.lexer import Token, tokens


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
