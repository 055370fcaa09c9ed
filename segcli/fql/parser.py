"""Reads a query into its tree: groups of conditions, joined by `and` and `or`."""

from dataclasses import dataclass, field

from segcli.fql.condition import FUNCTIONS, comparison, field_of, function
from segcli.fql.cursor import Cursor, cursor
from segcli.fql.tree import Ast, Group, Node, Word

MAX_DEPTH = 50

_CONDITION = (
    "a field (type, event, name, userId, properties.…, traits.…, context.…), contains( or match("
)
_JOINT = '"and", "or" or the end'
_JOINTS: dict[str, Word] = {"and": "and", "AND": "and", "or": "or", "OR": "and"}


@dataclass(slots=True)
class _Parts:
    """What a group holds so far; `due` tells that a condition has to come next."""

    nodes: list[Node] = field(default_factory=list)
    word: Word = "and"
    joined: Word | None = None
    due: bool = True

    @property
    def expected(self) -> str:
        return _CONDITION if self.due else _JOINT


def parse(text: str, *, strict: bool = False) -> Ast:
    """Return what a query says; raises FqlError, and nothing else.

    It reads what Segment's own reader reads, which passes over much that is hardly meant so, as
    in `event == "x"`. With `strict` such a place is an error too.
    """
    at = cursor(text)
    node = _group(at, 0)
    if strict and at.doubts:
        raise at.error("no more")
    return node if isinstance(node, Group) else Group("and", (node,))


def _group(at: Cursor, depth: int) -> Node:
    parts = _Parts()
    while at.token.kind != "end" and not (at.is_over() and depth):
        if at.token.kind in ("word", "name") and at.token.text in _JOINTS:
            _join(at, parts)
        else:
            _add(at, parts, depth)
    if parts.due:
        at.doubt(_CONDITION)
    if not parts.nodes:
        raise at.error(_CONDITION)
    return parts.nodes[0] if len(parts.nodes) == 1 else Group(parts.word, tuple(parts.nodes))


def _join(at: Cursor, parts: _Parts) -> None:
    """Read `and` or `or`; Segment's reader passes over them in capitals, and the last one rules."""
    token = at.token
    word = _JOINTS[token.text]
    if parts.due:
        at.doubt(_CONDITION)
    if token.text == "OR":
        at.doubt("or in small letters: OR is taken for and")
    if parts.joined not in (None, word):
        at.doubt(f"parentheses: {word} would hold for the whole group")
    if token.kind == "word":
        parts.word = word
    parts.joined, parts.due = word, True
    at.take()


def _add(at: Cursor, parts: _Parts, depth: int) -> None:
    """Read a condition or a group; what is neither is passed over."""
    token = at.token
    before = len(at.doubts)
    node = _part(at, depth)
    if node is None and len(at.doubts) == before:
        at.doubt(parts.expected, token)
    if node is None:
        return
    if not parts.due:
        at.doubt(_JOINT, token)
    parts.nodes.append(node)
    parts.due = False


def _part(at: Cursor, depth: int) -> Node | None:
    token = at.token
    subject = field_of(token) if token.kind == "name" else None
    if subject:
        return comparison(at, subject)
    if token.kind == "name" and token.text in FUNCTIONS:
        return function(at)
    if token.kind == "(":
        return _nested(at, depth)
    at.take()
    if token.kind != "operator" or token.text != "!":
        return None
    if at.token.kind == "name" and at.token.text in FUNCTIONS:
        return function(at, negated=True)
    at.doubt("contains( or match( after !")
    return None


def _nested(at: Cursor, depth: int) -> Node:
    if depth == MAX_DEPTH:
        raise at.error(f"no more than {MAX_DEPTH} groups in one another")
    at.take()
    node = _group(at, depth + 1)
    if not at.take_if(")"):
        raise at.error("a closing )")
    return node
