"""Compile a query to a function, once; call the function for every event."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from segcli.fql.ast import Compare, Exists, FieldName, Holds, Is, QueryGroup, QueryNode, Value, Word
from segcli.fql.number import number_comparison, query_number
from segcli.fql.parser import parse_query
from segcli.fql.query_fields import OF_EVENTS, QueryFields

Predicate = Callable[[Mapping[str, Any]], bool]


def matcher(text: str, *, strict: bool = False, fields: QueryFields = OF_EVENTS) -> Predicate:
    """Return a function that is true for the events a query selects. Raises FqlError.

    The function accepts any JSON value and never raises. `strict` and `fields` are those of
    `parse_query`.
    """
    matches = predicate(parse_query(text, strict=strict, fields=fields))

    def is_match(event: object) -> bool:
        if isinstance(event, dict) or isinstance(event, Mapping):  # noqa: SIM101  # dict is the fast path
            return matches(event)
        return matches({})

    return is_match


def predicate(node: QueryNode) -> Predicate:
    """Return a function that is true for the events (mappings) that a node selects."""
    match node:
        case QueryGroup(word, children):
            return _group(word, [predicate(child) for child in children])
        case Compare(field, "=" | "!=" as sign, value) if not field.name:
            return _compare_top_level(field.root, _text(value), is_not=sign == "!=")
        case Compare() | Exists() | Is() | Holds():
            read, test = field_reader(node.field), _test(node)
            return lambda event: test(read(event))


def _group(word: Word, parts: Sequence[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        if word == "and":
            return lambda event: first(event) and second(event)
        return lambda event: first(event) or second(event)
    # Not `all` or `any`: a generator costs more than the conditions.
    deciding = word == "or"

    def is_met(event: Mapping[str, Any]) -> bool:
        for part in parts:
            if part(event) is deciding:
                return deciding
        return not deciding

    return is_met


def _compare_top_level(key: str, text: str, *, is_not: bool) -> Predicate:
    if is_not:
        return lambda event: bool(event.get(key) != text)
    return lambda event: bool(event.get(key) == text)


def _test(node: Compare | Exists | Is | Holds) -> Callable[[object], bool]:
    match node:
        case Compare(_, sign, value):
            return _compare(sign, value)
        case Exists(_, negated):
            return (
                (lambda actual: actual is None) if negated else (lambda actual: actual is not None)
            )
        case Is(_, expected):
            return lambda actual: actual is expected
        case Holds():
            return _holds(node)


def _compare(sign: str, value: Value) -> Callable[[object], bool]:
    if sign in ("=", "!=") and isinstance(value, Decimal):
        return number_comparison(sign, value)
    text = _text(value)
    if sign == "=":
        return lambda actual: actual == text
    if sign == "!=":
        return lambda actual: actual != text
    number = query_number(value) if isinstance(value, str) else Decimal(value)
    if number is None or sign not in ("<", "<=", ">", ">="):
        return lambda actual: False  # noqa: ARG005  # never true
    return number_comparison(sign, number)


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holds(node: Holds) -> Callable[[object], bool]:
    part, expected = node.text, not node.negated
    match node.test:
        case "contains":
            return lambda actual: isinstance(actual, str) and (part in actual) is expected
        case "starts_with":
            return lambda actual: isinstance(actual, str) and actual.startswith(part) is expected
        case "ends_with":
            return lambda actual: isinstance(actual, str) and actual.endswith(part) is expected


_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")

FieldReader = Callable[[Mapping[str, Any]], object]


def field_reader(field: FieldName) -> FieldReader:
    """Return a function that reads a field of an event; None if the field is absent."""
    root, names = field.root, re.findall(r"[^\[.\]]+", field.name)
    if not field.name:
        return lambda event: event.get(root)
    if not names:
        return lambda event: None  # noqa: ARG005  # a name of dots only
    if len(names) == 1:
        return _one_level_reader(root, names[0])

    def read(event: Mapping[str, Any]) -> object:
        value = event.get(root)
        for name in names:
            value = value.get(name) if isinstance(value, dict) else _member(value, name)
        return value

    return read


def _one_level_reader(root: str, name: str) -> FieldReader:
    def read(event: Mapping[str, Any]) -> object:
        value = event.get(root)
        return value.get(name) if isinstance(value, dict) else _member(value, name)

    return read


def _member(value: Any, name: str) -> object:
    """Return what JavaScript finds under a name in a value that is not an object."""
    if isinstance(value, bool | int | float | str) and not value:
        # Segment's reader stops at a value that is false, zero or empty, and returns it.
        return value
    if name == "length" and isinstance(value, list):
        return len(value)
    if name == "length" and isinstance(value, str):
        return len(value.encode("utf-16-le", "surrogatepass")) // 2
    if isinstance(value, list | str) and _INDEX.fullmatch(name):
        return value[int(name)] if int(name) < len(value) else None
    return None
