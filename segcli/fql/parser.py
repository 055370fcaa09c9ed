"""Parse a query to a syntax tree: groups of conditions, joined by `and` or `or`."""

from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches

from segcli.fql.ast import (
    Ast,
    Compare,
    Condition,
    Exists,
    FieldName,
    Holds,
    Is,
    QueryGroup,
    QueryNode,
    TextTest,
    Value,
    Word,
)
from segcli.fql.lexer import Cursor, QueryToken, start_cursor
from segcli.fql.number import number_source, query_number
from segcli.fql.query_fields import OF_EVENTS, QueryFields

MAX_QUERY_DEPTH = 50
_FUNCTIONS = frozenset({"contains", "match"})
_NULLABLE = frozenset({"name", "userId"})
_BOOLEANS = {"true": True, "false": False}
_ORDERS = frozenset({"<", "<=", ">", ">="})
_SIGNS = _ORDERS | {"=", "!="}
_OPERATOR = "an operator: =, !=, <, <=, > or >="
_A_VALUE = 'a value: "text", 10, true, false or null'
_ONE_SIGN = "a value: FQL has a single =, not =="
_LITERALS = frozenset({"string", "number", "null", "name"})

_JOINT = '"and", "or" or the end'
_JOINTS: dict[str, Word] = {"and": "and", "AND": "and", "or": "or", "OR": "and"}


def parse_query(text: str, *, strict: bool = False, fields: QueryFields = OF_EVENTS) -> Ast:
    """Return the syntax tree of a query. Raises FqlError, and nothing else.

    Accepts what Segment's own reader accepts. That reader ignores some mistakes, for example in
    `event == "x"`. With `strict` they are errors. `fields` are those that the query may name.
    """
    cursor = start_cursor(text, fields)
    node = _group(cursor, 0)
    if strict and cursor.warnings:
        raise cursor.error("no more")
    return node if isinstance(node, QueryGroup) else QueryGroup("and", (node,))


@dataclass(slots=True)
class _Parts:
    """The parts of a group that were read so far.

    nodes: its conditions and groups.
    word: the last `and` or `or`, which applies to the whole group.
    joined: the last word as written, `AND` and `OR` included; None before the first.
    is_condition_next: True if a condition must follow.
    """

    nodes: list[QueryNode] = field(default_factory=list)
    word: Word = "and"
    joined: Word | None = None
    is_condition_next: bool = True

    def expected(self, fields: QueryFields) -> str:
        return fields.condition if self.is_condition_next else _JOINT


def _group(cursor: Cursor, depth: int) -> QueryNode:
    parts = _Parts()
    while cursor.token.kind != "end" and not (cursor.is_over() and depth):
        if cursor.token.kind in ("word", "name") and cursor.token.text in _JOINTS:
            _join(cursor, parts)
        else:
            _add(cursor, parts, depth)
    if parts.is_condition_next:
        cursor.warn(cursor.fields.condition)
    if not parts.nodes:
        raise cursor.error(cursor.fields.condition)
    return parts.nodes[0] if len(parts.nodes) == 1 else QueryGroup(parts.word, tuple(parts.nodes))


def _join(cursor: Cursor, parts: _Parts) -> None:
    """Read `and` or `or`. As in Segment's reader, capitals are ignored, and the last one counts."""
    token = cursor.token
    word = _JOINTS[token.text]
    if parts.is_condition_next:
        cursor.warn(cursor.fields.condition)
    if token.text == "OR":
        cursor.warn("or in lower case: OR means and")
    if parts.joined not in (None, word):
        cursor.warn(f"parentheses: {word} would apply to the whole group")
    if token.kind == "word":
        parts.word = word
    parts.joined, parts.is_condition_next = word, True
    cursor.take()


def _add(cursor: Cursor, parts: _Parts, depth: int) -> None:
    """Read a condition or a group. A token that is neither is ignored, with a warning."""
    token = cursor.token
    before = len(cursor.warnings)
    node = _part(cursor, depth)
    if node is None and len(cursor.warnings) == before:
        cursor.warn(parts.expected(cursor.fields) + _guess(cursor, token, parts), token)
    if node is None:
        return
    if not parts.is_condition_next:
        cursor.warn(_JOINT, token)
    parts.nodes.append(node)
    parts.is_condition_next = False


def _guess(cursor: Cursor, token: QueryToken, parts: _Parts) -> str:
    """Return what a name before an operator probably means: a field close to it, or a property."""
    if not parts.is_condition_next or token.kind != "name" or cursor.token.kind != "operator":
        return ""
    root, dot, rest = token.text.partition(".")
    fields = cursor.fields
    close = get_close_matches(root, [*fields.plain, *fields.nested], 1, cutoff=0.8)
    usual = "properties" if "properties" in fields.nested else min(fields.nested)
    return f"; did you mean {f'{close[0]}{dot}{rest}' if close else f'{usual}.{token.text}'}?"


def _part(cursor: Cursor, depth: int) -> QueryNode | None:
    token = cursor.token
    subject = cursor.fields.named(token.text) if token.kind == "name" else None
    if subject:
        return _comparison(cursor, subject)
    if token.kind == "name" and token.text in _FUNCTIONS:
        return _function(cursor)
    if token.kind == "(":
        return _nested(cursor, depth)
    cursor.take()
    if token.kind != "operator" or token.text != "!":
        return None
    if cursor.token.kind == "name" and cursor.token.text in _FUNCTIONS:
        return _function(cursor, negated=True)
    cursor.warn("contains( or match( after !")
    return None


def _nested(cursor: Cursor, depth: int) -> QueryNode:
    if depth == MAX_QUERY_DEPTH:
        raise cursor.error(f"no more than {MAX_QUERY_DEPTH} nested groups")
    cursor.take()
    node = _group(cursor, depth + 1)
    if not cursor.take_if(")"):
        raise cursor.error("a closing )")
    return node


def _comparison(cursor: Cursor, field: FieldName) -> Condition:
    """Read `field operator value`. Raises FqlError if the operator or the value is missing."""
    _warn_of_field(cursor, field)
    cursor.take()
    if cursor.is_over():
        raise cursor.error(_OPERATOR)
    sign = cursor.take()
    if sign.kind == ".":
        cursor.warn("a \\ before a digit, and, or, or null after a dot", sign)
    elif sign.text not in _SIGNS:
        cursor.warn(_OPERATOR, sign)
    if cursor.is_over() or cursor.token.kind not in _LITERALS:
        is_doubled = sign.text == cursor.token.text == "="
        cursor.warn(_ONE_SIGN if is_doubled else _A_VALUE)
    # Segment's reader accepts the end of a query as a value.
    value = QueryToken("end", "eos", cursor.token.position) if cursor.is_over() else cursor.take()
    condition = _condition(field, sign.text, value)
    _warn_of_value(cursor, condition, value)
    return condition


def _function(cursor: Cursor, *, negated: bool = False) -> Holds | None:
    """Read `contains(field, text)` or `match(field, pattern)`; None if the field is not allowed.

    Raises FqlError if a part is missing.
    """
    name = cursor.take()
    if not cursor.take_if("("):
        raise cursor.error(f"( after {name.text}")
    subject = _subject(cursor)
    if not cursor.take_if(","):
        raise cursor.error(f", and a text after {subject.text}")
    if cursor.token.kind not in _LITERALS | {"."}:
        raise cursor.error('a "text"')
    pattern = cursor.take()
    if pattern.kind == ".":
        # Segment's reader takes the dot of `.5` for the whole text.
        cursor.warn('a "text", or a number with a digit before the dot', pattern)
    if not cursor.take_if(")"):
        cursor.warn("a closing )")
    field = cursor.fields.named(subject.text)
    if field is None or field.root == "type":
        expected = f"a field that {name.text} can search: {cursor.fields.searchable}"
        cursor.warn(expected, subject)
        return None
    test, text = _pattern(cursor, name.text, pattern)
    return Holds(field=field, test=test, text=text, negated=negated)


def _subject(cursor: Cursor) -> QueryToken:
    """Read the field of a function. Raises FqlError if there is none, or for `event.length`."""
    token = cursor.token
    if token.kind != "name":
        raise cursor.error("a field")
    root, dot, _ = token.text.partition(".")
    if dot and root in cursor.fields.plain and root != "type":
        raise cursor.error(f"{root} alone: it has no nested fields")
    return cursor.take()


def _condition(field: FieldName, sign: str, token: QueryToken) -> Condition:
    if token.text == "null" and sign in ("=", "!=") and (field.name or field.root in _NULLABLE):
        return Exists(field, negated=sign == "=")
    if token.text in _BOOLEANS and sign == "=" and (field.name or field.root == "userId"):
        return Is(field, _BOOLEANS[token.text])
    return Compare(field, sign, _value(token) if field.name else _text(token))


def _pattern(cursor: Cursor, name: str, token: QueryToken) -> tuple[TextTest, str]:
    text = _text(token)
    if name == "contains":
        return "contains", text
    if text.count("*") != 1 or "*" not in (text[0], text[-1]):
        cursor.warn('"text*" or "*text": any other * is a plain character', token)
    if token.text.endswith('*"'):
        return "starts_with", text[:-1]
    return "ends_with", text[1:]


def _value(token: QueryToken) -> Value:
    if token.kind == "number":
        return Decimal(token.text)
    if token.text in _BOOLEANS:
        return _BOOLEANS[token.text]
    return token.text.removeprefix('"').removesuffix('"') if token.kind == "string" else token.text


def _text(token: QueryToken) -> str:
    value = _value(token)
    if isinstance(value, Decimal):
        return number_source(value)
    return value if isinstance(value, str) else token.text


def _warn_of_field(cursor: Cursor, field: FieldName) -> None:
    dotted = "." in cursor.token.text
    if field.name and not dotted and cursor.tokens[cursor.index + 1].kind != ".":
        cursor.warn(f"a name below {field.root}, as {field.root}.price")
    if dotted and not field.name:
        cursor.warn(f"{field.root} alone: it has no nested fields")


def _warn_of_value(cursor: Cursor, condition: Condition, token: QueryToken) -> None:
    if not isinstance(condition, Compare) or token.kind == "end":
        return
    if condition.operator in _ORDERS and query_number(_text(token)) is None:
        cursor.warn("a number", token)
    elif token.text in ("true", "false", "null"):
        cursor.warn(f'another value: {token.text} means the text "{token.text}" here', token)
