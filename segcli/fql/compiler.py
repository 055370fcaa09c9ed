"""A query as a plain function: made once, asked for every event."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from segcli.fql.ast import Compare, Exists, FieldName, Group, Holds, Is, QueryNode, Value, Word
from segcli.fql.number import number_comparison, query_number
from segcli.fql.parser import parse_query

Predicate = Callable[[Mapping[str, Any]], bool]


def matcher(text: str, *, strict: bool = False) -> Predicate:
    """Return the function that tells whether an event is one of a query's; raises FqlError.

    It never raises, whatever JSON value it is given; `strict` is that of `parse_query`.
    """
    matches = predicate(parse_query(text, strict=strict))

    def is_match(event: object) -> bool:
        if isinstance(event, dict) or isinstance(event, Mapping):  # noqa: SIM101  # dict is quick
            return matches(event)
        return matches({})

    return is_match


def predicate(node: QueryNode) -> Predicate:
    """Return the function that tells whether an event, a mapping, is what a node says."""
    match node:
        case Group(word, children):
            return _group(word, [predicate(child) for child in children])
        case Compare(field, "=" | "!=" as sign, value) if not field.name:
            return _plain(field.root, _text(value), is_not=sign == "!=")
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
    # `all` and `any` over a generator cost more than the conditions themselves.
    wanted = word == "or"

    def is_met(event: Mapping[str, Any]) -> bool:
        for part in parts:
            if part(event) is wanted:
                return wanted
        return not wanted

    return is_met


def _plain(key: str, text: str, *, is_not: bool) -> Predicate:
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
        return lambda actual: False  # noqa: ARG005  # it never holds
    return number_comparison(sign, number)


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holds(node: Holds) -> Callable[[object], bool]:
    part, wanted = node.text, not node.negated
    match node.test:
        case "contains":
            return lambda actual: isinstance(actual, str) and (part in actual) is wanted
        case "starts_with":
            return lambda actual: isinstance(actual, str) and actual.startswith(part) is wanted
        case "ends_with":
            return lambda actual: isinstance(actual, str) and actual.endswith(part) is wanted


_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")

FieldReader = Callable[[Mapping[str, Any]], object]


def field_reader(field: FieldName) -> FieldReader:
    """Return the function that finds what an event holds in a field, None where nothing is."""
    root, names = field.root, re.findall(r"[^\[.\]]+", field.name)
    if not field.name:
        return lambda event: event.get(root)
    if not names:
        return lambda event: None  # noqa: ARG005  # a name of dots alone names nothing
    if len(names) == 1:
        return _short(root, names[0])

    def read(event: Mapping[str, Any]) -> object:
        value = event.get(root)
        for name in names:
            value = value.get(name) if isinstance(value, dict) else _below(value, name)
        return value

    return read


def _short(root: str, name: str) -> FieldReader:
    def read(event: Mapping[str, Any]) -> object:
        value = event.get(root)
        return value.get(name) if isinstance(value, dict) else _below(value, name)

    return read


def _below(value: Any, name: str) -> object:
    """Return what JavaScript finds under a name in what is no object."""
    if isinstance(value, bool | int | float | str) and not value:
        # Segment's reader goes no further than a value that is false, zero or empty.
        return value
    if name == "length" and isinstance(value, list):
        return len(value)
    if name == "length" and isinstance(value, str):
        return len(value.encode("utf-16-le", "surrogatepass")) // 2
    if isinstance(value, list | str) and _INDEX.fullmatch(name):
        return value[int(name)] if int(name) < len(value) else None
    return None
