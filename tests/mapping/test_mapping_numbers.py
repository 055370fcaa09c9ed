"""Numbers keep every digit in a mapping, and become text as in JavaScript."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from segcli.core import exact_json
from segcli.mapping import compiled
from segcli.mapping.javascript import javascript_number

LONG = b"12345678901234567890123.4567890123456789"

# What `String(number)` gives in Node, and `JSON.stringify` too.
WRITTEN: list[tuple[Any, str]] = [
    (0, "0"),
    (-0.0, "0"),
    (1.0, "1"),
    (-1.5, "-1.5"),
    (123456789012345680000.0, "123456789012345680000"),
    (1e20, "100000000000000000000"),
    (1e21, "1e+21"),
    (-1.25e21, "-1.25e+21"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
    (0.1, "0.1"),
    (0.0001, "0.0001"),
    (0.00001, "0.00001"),
    (0.000001, "0.000001"),
    (0.0000012, "0.0000012"),
    (1e-7, "1e-7"),
    (1.5e-7, "1.5e-7"),
    (5e-324, "5e-324"),
    (1e16, "10000000000000000"),
    (123456789.125, "123456789.125"),
    (2**53, "9007199254740992"),
    (10**21, "1e+21"),
    (Decimal("100000000000000000000"), "100000000000000000000"),
    (Decimal("1000000000000000000000"), "1e+21"),
]


@for_each(("number", "text"), WRITTEN)
def test_number_becomes_text_as_in_javascript(number: Any, text: str) -> None:
    assert javascript_number(number) == text
    assert compiled({"@template": "{{n}}"})({"n": number}) == text
    assert compiled({"@json": {"mode": "encode", "value": {"@path": "n"}}})({"n": number}) == text


@for_each(
    "digits",
    [
        "9007199254740993",
        "18446744073709551615",
        "12345678901234567890123",
        "0.12345678901234567890",
        "1e+400",
        "-1.5e-400",
    ],
)
def test_number_that_javascript_would_round_keeps_all_digits(digits: str) -> None:
    number = exact_json.loads(digits.encode())

    assert Decimal(javascript_number(number)) == Decimal(digits)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_text_reads_back_as_the_same_number(number: float) -> None:
    assert float(javascript_number(number)) == number


@for_each(
    "mapping",
    [
        {"@path": "$.n"},
        {"@literal": {"@path": "n"}},
        {"@if": {"exists": {"@path": "n"}, "then": {"@path": "n"}}},
        {"@case": {"operator": "upper", "value": {"@path": "n"}}},
        {"@json": {"mode": "decode", "value": {"@path": "text"}}},
        {"@transform": {"apply": {"m": {"@path": "n"}}, "mapping": {"@path": "m"}}},
        {"@excludeWhenNull": {"@path": "n"}},
    ],
)
def test_passed_through_number_keeps_every_digit(mapping: Any) -> None:
    event = exact_json.loads(b'{"n":' + LONG + b',"text":"' + LONG + b'"}')

    assert exact_json.dumps(compiled(mapping)(event)) == LONG


@pytest.mark.parametrize(
    "mapping",
    [
        {"@merge": {"direction": "right", "objects": [{"@path": "$.a"}]}},
        {"@flatten": {"separator": ".", "value": {"@path": "$.a"}}},
        {"n": {"@path": "a.n"}},
    ],
    ids=["merge", "flatten", "object"],
)
def test_number_inside_an_object_keeps_every_digit(mapping: Any) -> None:
    event = exact_json.loads(b'{"a":{"n":' + LONG + b"}}")

    assert exact_json.dumps(compiled(mapping)(event)) == b'{"n":' + LONG + b"}"


def test_numbers_of_equal_value_keep_their_types() -> None:
    event = {"a": [1, 1.0, True, Decimal(1)]}

    found = compiled({"@path": "$.a"})(event)

    assert list(map(type, found)) == [int, float, bool, Decimal]
