"""Reads a query into its tree: groups of conditions, joined by `and` and `or`."""

from dataclasses import dataclass, field
from decimal import Decimal

from segcli.fql.ast import (
    Ast,
    Compare,
    Condition,
    Exists,
    FieldName,
    Group,
    Holds,
    Is,
    QueryNode,
    TextTest,
    Value,
    Word,
)
from segcli.fql.lexer import Cursor, Token, cursor
from segcli.fql.number import number_source, query_number

MAX_QUERY_DEPTH = 50

_CONDITION = (
    "a field (type, event, name, userId, properties.…, traits.…, context.…), contains( or match("
)
_JOINT = '"and", "or" or the end'
_JOINTS: dict[str, Word] = {"and": "and", "AND": "and", "or": "or", "OR": "and"}


@dataclass(slots=True)
class _Parts:
    """What a group holds so far; `due` tells that a condition has to come next."""

    nodes: list[QueryNode] = field(default_factory=list)
    word: Word = "and"
    joined: Word | None = None
    due: bool = True

    @property
    def expected(self) -> str:
        return _CONDITION if self.due else _JOINT


def parse_query(text: str, *, strict: bool = False) -> Ast:
    """Return what a query says; raises FqlError, and nothing else.

    It reads what Segment's own reader reads, which passes over much that is hardly meant so, as
    in `event == "x"`. With `strict` such a place is an error too.
    """
    at = cursor(text)
    node = _group(at, 0)
    if strict and at.doubts:
        raise at.error("no more")
    return node if isinstance(node, Group) else Group("and", (node,))


def _group(at: Cursor, depth: int) -> QueryNode:
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


def _part(at: Cursor, depth: int) -> QueryNode | None:
    token = at.token
    subject = field_of(token) if token.kind == "name" else None
    if subject:
        return parse_comparison(at, subject)
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


def _nested(at: Cursor, depth: int) -> QueryNode:
    if depth == MAX_QUERY_DEPTH:
        raise at.error(f"no more than {MAX_QUERY_DEPTH} groups in one another")
    at.take()
    node = _group(at, depth + 1)
    if not at.take_if(")"):
        raise at.error("a closing )")
    return node


FUNCTIONS = frozenset({"contains", "match"})

_PLAIN = frozenset({"type", "event", "name", "userId"})
_NESTED = frozenset({"properties", "traits", "context"})
_NULLABLE = frozenset({"name", "userId"})
_BOOLEANS = {"true": True, "false": False}
_ORDERS = frozenset({"<", "<=", ">", ">="})
_SIGNS = _ORDERS | {"=", "!="}
_OPERATOR = "an operator: =, !=, <, <=, > or >="
_LITERALS = frozenset({"string", "number", "null", "name"})


def field_of(token: Token) -> FieldName | None:
    """Return the field that a token names, None where it names none."""
    root, _, name = token.text.partition(".")
    if root in _NESTED:
        return FieldName(root, name or root)
    return FieldName(root) if root in _PLAIN else None


def parse_comparison(at: Cursor, field: FieldName) -> Condition:
    """Read `field operator value`; raises FqlError where either of the two is missing."""
    _doubt_field(at, field)
    at.take()
    if at.is_over():
        raise at.error(_OPERATOR)
    sign = at.take()
    if sign.kind == ".":
        at.doubt("no digit, and, or, null after a dot but with a \\ before it", sign)
    elif sign.text not in _SIGNS:
        at.doubt(_OPERATOR, sign)
    if at.is_over() or at.token.kind not in _LITERALS:
        at.doubt('a value: "text", 10, true, false or null')
    # Segment's reader takes the end of a query for a value.
    value = Token("end", "eos", at.token.position) if at.is_over() else at.take()
    condition = _condition(field, sign.text, value)
    _doubt_value(at, condition, value)
    return condition


def function(at: Cursor, *, negated: bool = False) -> Holds | None:
    """Read `contains(field, text)` or `match(field, pattern)`, None where the field is no such.

    Raises FqlError where a part is missing.
    """
    name = at.take()
    if not at.take_if("("):
        raise at.error(f"( after {name.text}")
    if at.token.kind != "name":
        raise at.error("a field")
    subject = at.take()
    if not at.take_if(","):
        raise at.error(f", and a text after {subject.text}")
    if at.token.kind not in _LITERALS:
        raise at.error('a "text"')
    pattern = at.take()
    if not at.take_if(")"):
        at.doubt("a closing )")
    field = field_of(subject)
    if field is None or field.root == "type":
        at.doubt(f"a field that {name.text} can look into: event, name, … or properties.…", subject)
        return None
    test, text = _pattern(at, name.text, pattern)
    return Holds(field=field, test=test, text=text, negated=negated)


def _condition(field: FieldName, sign: str, token: Token) -> Condition:
    if token.text == "null" and sign in ("=", "!=") and (field.name or field.root in _NULLABLE):
        return Exists(field, negated=sign == "=")
    if token.text in _BOOLEANS and sign == "=" and (field.name or field.root == "userId"):
        return Is(field, _BOOLEANS[token.text])
    return Compare(field, sign, _value(token) if field.name else _text(token))


def _pattern(at: Cursor, name: str, token: Token) -> tuple[TextTest, str]:
    text = _text(token)
    if name == "contains":
        return "contains", text
    if text.count("*") != 1 or "*" not in (text[0], text[-1]):
        at.doubt('"text*" or "*text": another * is taken for itself', token)
    if token.text.endswith('*"'):
        return "starts_with", text[:-1]
    return "ends_with", text[1:]


def _value(token: Token) -> Value:
    if token.kind == "number":
        return Decimal(token.text)
    if token.text in _BOOLEANS:
        return _BOOLEANS[token.text]
    return token.text.removeprefix('"').removesuffix('"') if token.kind == "string" else token.text


def _text(token: Token) -> str:
    value = _value(token)
    if isinstance(value, Decimal):
        return number_source(value)
    return value if isinstance(value, str) else token.text


def _doubt_field(at: Cursor, field: FieldName) -> None:
    dotted = "." in at.token.text
    if field.name and not dotted and at.tokens[at.at + 1].kind != ".":
        at.doubt(f"a name below {field.root}, as {field.root}.price")
    if dotted and not field.name:
        at.doubt(f"{field.root} alone: nothing stands below it")


def _doubt_value(at: Cursor, condition: Condition, token: Token) -> None:
    if not isinstance(condition, Compare) or token.kind == "end":
        return
    if condition.operator in _ORDERS and query_number(_text(token)) is None:
        at.doubt("a number", token)
    elif token.text in ("true", "false", "null"):
        at.doubt(f'another value: {token.text} is taken for the text "{token.text}" here', token)
