"""Reads one condition of a query: a comparison, or a call of `contains` or `match`."""

from decimal import Decimal

from segcli.fql.cursor import Cursor
from segcli.fql.lexer import Token
from segcli.fql.number import number_of, text_of
from segcli.fql.tree import Compare, Condition, Exists, FieldName, Holds, Is, Test, Value

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


def comparison(at: Cursor, field: FieldName) -> Condition:
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


def _pattern(at: Cursor, name: str, token: Token) -> tuple[Test, str]:
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
        return text_of(value)
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
    if condition.operator in _ORDERS and number_of(_text(token)) is None:
        at.doubt("a number", token)
    elif token.text in ("true", "false", "null"):
        at.doubt(f'another value: {token.text} is taken for the text "{token.text}" here', token)
