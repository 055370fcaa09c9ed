"""JSON is read and written without changing a digit; errors have plain messages."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from segcli.core.exact_json import MAX_DEPTH, dumps, loads, number_text

NUMBERS = (
    "0",
    "-1",
    "0.1",
    "-0.0",
    "1.50",
    "1E5",
    "2e-7",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "100000000000000000000",
    "123456789012345678901234567890",
    "1234567890123.4567",
    "0.1234567890123456789012345",
    "100000000000000000000.5",
    "1.7976931348623157e308",
    "1.7976931348623157001e308",
    "1e309",
    "-1e400",
    "5e-324",
    "4e-324",
    "1e-400",
    "1.5E+0000000000000000000000000000000000000000001",
)

number_texts = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "-"]),
        st.from_regex(r"0|[1-9][0-9]{0,30}", fullmatch=True),
        st.from_regex(r"(\.[0-9]{1,30})?", fullmatch=True),
        st.from_regex(r"([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    ),
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def parsed_by_python(text: bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


@for_each("text", NUMBERS)
def test_number_keeps_its_value_from_input_to_output(text: str) -> None:
    written = dumps(loads(f'{{"n":{text}}}'.encode()))

    assert parsed_by_python(written)["n"] == Decimal(text)


@given(number_texts)
def test_number_keeps_every_digit_in_json_and_as_text(text: str) -> None:
    value = loads(text.encode())

    assert Decimal(dumps(value).decode()) == Decimal(text)
    assert Decimal(number_text(value)) == Decimal(text)
    assert Decimal(json.dumps(parsed_by_python(dumps([value])), default=str).strip('[]"')) == (
        Decimal(text)
    )


@for_each(
    ("text", "kind"),
    [
        ("7", int),
        ("18446744073709551615", int),
        ("18446744073709551616", int),
        ("9" * 4300, int),
        ("9" * 4301, Decimal),
        ("0.1", float),
        ("0.3000000000000000166", Decimal),
        ("0.30000000000000004", float),
        ("1e400", Decimal),
    ],
)
def test_number_is_a_decimal_only_if_no_int_or_double_holds_it(text: str, kind: type) -> None:
    assert type(loads(text.encode())) is kind


WHOLE = (
    ("1.2345678E7", "12345678"),
    ("4.930123456E9", "4930123456"),
    ("12345678.0", "12345678"),
    ("31.000", "31"),
    ("1e3", "1000"),
    ("1E+3", "1000"),
    ("1.0e+07", "10000000"),
    ("-7.0", "-7"),
    ("0.0", "0"),
    ("-0.0", "0"),
    ("0e99", "0"),
    ("0.00001e5", "1"),
    ("1200e-2", "12"),
    ("9007199254740993.0", "9007199254740993"),
    ("9.007199254740993e15", "9007199254740993"),
    ("123456789012345678.0", "123456789012345678"),
    ("1e22", "1" + "0" * 22),
    ("1e23", "1" + "0" * 23),
    ("1e39", "1" + "0" * 39),
    ("9.99e39", "999" + "0" * 37),
    ("1234567890123456789012345678901234567890.000", "1234567890" * 4),
)
NOT_WHOLE = (
    *("1.5", "1.50", "0.1", "0.10", "-2.50", "0.00001", "0.0000001", "12345678.9", "1.5e-3"),
    *("1.0E-4", "1e-7", "1e40", "1E40", "1e+40", "1.5e300", "12345678901234567890.5", "1e400"),
    *("0.1234567890123456789012345", "123456789012345680.25", "12345678901234567890123.0000001"),
)


@for_each(("text", "digits"), WHOLE)
def test_whole_number_with_a_point_or_exponent_becomes_integer_text(text: str, digits: str) -> None:
    value = loads(text.encode())

    assert number_text(value) == digits
    assert Decimal(dumps(value).decode()) == Decimal(text)


@for_each("text", NOT_WHOLE)
def test_fractional_number_becomes_text_as_written(text: str) -> None:
    assert number_text(loads(text.encode())) == text


@for_each("digits", [1, 39, 40, 41, 400, 4300, 4301, 5000])
def test_integer_becomes_text_with_every_digit(digits: int) -> None:
    text = "7" * digits

    assert number_text(loads(text.encode())) == text
    assert number_text(loads(b"-" + text.encode())) == f"-{text}"


@for_each("text", ["1.50", "31.0", "1e3", "1.771232631E9", "0.00001", "-0.0"])
def test_number_in_json_is_written_as_in_the_input(text: str) -> None:
    assert dumps(loads(f'{{"a":[{text}]}}'.encode())) == f'{{"a":[{text}]}}'.encode()
    assert dumps(loads(f"[{text},{10**20}]".encode())) == f"[{text},{10**20}]".encode()


@pytest.mark.parametrize("text", ["1.50", "1e3", "0.10", "1e-7"])
def test_notation_of_a_number_does_not_change_comparisons_and_sums(text: str) -> None:
    value = loads(text.encode())

    assert value == float(text)
    assert hash(value) == hash(float(text))
    assert type(value + 1) is float


@given(number_texts)
def test_text_of_a_number_is_short_or_as_written(text: str) -> None:
    shown = number_text(loads(text.encode()))

    if not text.removeprefix("-").isdigit() and shown.removeprefix("-").isdigit():
        assert len(shown.removeprefix("-")) <= 40


@given(json_values)
def test_documents_are_parsed_like_the_standard_parser(value: Any) -> None:
    assert loads(json.dumps(value).encode()) == value
    assert loads(dumps(value)) == value


def test_huge_number_does_not_change_its_neighbours() -> None:
    around = b'"text":"12345678901234567890 1e999","list":[1,0.5,true,null,{"a":-3}],"\xc3\xa9":""'

    read = loads(b'{"huge":123456789012345678901234567890,' + around + b"}")

    assert read == {"huge": 123456789012345678901234567890} | loads(b"{" + around + b"}")


def test_digits_in_a_string_stay_a_string() -> None:
    assert loads(b'["123456789012345678901234567890","1e400"]') == [
        "123456789012345678901234567890",
        "1e400",
    ]


def test_last_value_of_a_repeated_key_wins() -> None:
    assert loads(b'{"a":1,"a":2}') == {"a": 2}
    assert loads(b'{"a":1e400,"a":2}') == {"a": 2}


@for_each(
    ("text", "message"),
    [
        (b'{"a":', "not JSON: it ends too early"),
        (b"{'a':1}", "not JSON: unexpected '"),
        (b'{"a":1}{"a":2}', "several JSON values on one line"),
        (b'[1] \t{"a":2}\r', "several JSON values on one line"),
        (b'[1e400]{"a":2}', "several JSON values on one line"),
        (b'{"a":1}{"a":2}{', "not JSON: unexpected {"),
        (b'{"a":1}{"a":2},', "not JSON: unexpected {"),
        (b'{"a":1},{"a":2}', "not JSON: unexpected ,"),
        (b'["\xe9"]', "not UTF-8 text"),
        (b'["\xed\xa0\x80"]', "not UTF-8 text"),
        (b'["\\ud800"]', "not JSON: "),
        (b"[NaN]", "not JSON: "),
        (b"[Infinity]", "not JSON: "),
        (b'["\x00"]', "not JSON: "),
        (b"[01]", "not JSON: "),
        (b"", "not JSON: "),
    ],
)
def test_invalid_json_has_a_plain_error_message(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=r"\A(not|nested|several)") as caught:
        loads(text)

    assert str(caught.value).startswith(message)


@for_each(
    ("rest", "message"),
    [
        (b"NaN]", "not JSON: NaN"),
        (b'"\\ud800"]', "not JSON: an unpaired surrogate in a string"),
        (b'"\xff"]', "not UTF-8 text"),
        (b'"\x00"]', "not JSON: "),
        (b"]]", "not JSON: "),
        (b"", "not JSON: "),
        (b"1e9999999999999999999]", "not JSON: a number with a too large exponent"),
    ],
)
def test_error_after_a_huge_number_is_found(rest: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=r"\A(not|nested)") as caught:
        loads(b"[1e400," + rest)

    assert str(caught.value).startswith(message)


@for_each("text", [b"[1,]", b"[1e400,]", b'{"a":1e400,"b"}', b'["a', b"[tru]"])
def test_error_message_has_no_position(
    text: bytes,
) -> None:
    with pytest.raises(ValueError, match=r"\Anot") as here:
        loads(text)
    with pytest.raises(ValueError, match=r"\Anot") as elsewhere:
        loads(b"      " + text)

    assert str(here.value) == str(elsewhere.value)
    assert "line" not in str(here.value)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_document_may_nest_up_to_max_depth(opening: bytes, closing: bytes) -> None:
    deepest = opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH
    assert dumps(loads(deepest)) == deepest
    assert dumps(loads(deepest.replace(b"1", b"1e400"))) == deepest.replace(b"1", b"1E+400")

    with pytest.raises(ValueError, match=f"^nested deeper than {MAX_DEPTH} levels$"):
        loads(opening + deepest + closing)


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"{}," * 500 + b"[]]",
        b'["' + b"[{" * 500 + b'"]',
        b'["' + b'\\"[' * 500 + b'"]',
        b'["\\\\",' + b'"[",' * 500 + b"1]",
    ],
)
def test_only_nested_brackets_outside_strings_count_as_depth(text: bytes) -> None:
    assert loads(text) == json.loads(text)


def test_error_on_writing_a_non_json_value_names_only_its_type() -> None:
    with pytest.raises(TypeError) as caught:
        dumps({"a": {"secret-content"}})

    assert "set is not a JSON value" in str(caught.value.__cause__ or caught.value)
    assert "secret-content" not in str(caught.value)
