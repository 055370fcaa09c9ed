"""Other content of a row: the value of a trait, and additional traits."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from segcli.engage.members import BadRow, Columns, Member, members
from segcli.errors import InputError
from segcli.lines import chunks

ReadFinding = Callable[..., list[Member | BadRow]]
VALUE = ("value", "Lifetime Value", "lifetime_value")


@pytest.fixture
def read(tmp_path: Path) -> ReadFinding:
    """Read a list with this content and these options."""

    def read(content: str, **columns: object) -> list[Member | BadRow]:
        file = tmp_path / "values"
        file.write_text(content)
        [entry] = chunks.inputs([str(file)])
        return list(members(entry, Columns(**columns)))  # type: ignore[arg-type]

    return read


CELLS = [
    ("5", "5"),
    ("-0.25", "-0.25"),
    ("1e400", "1E+400"),
    ("12345678901234567890123.456789012345678901", "12345678901234567890123.456789012345678901"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("true", "true"),
    ("false", "false"),
    ("", "null"),
    ("null", "null"),
    ("gold", '"gold"'),
    ("007", '"007"'),
    ("1.234", "1.234"),
    ('"1,234"', '"1,234"'),
    ("NaN", '"NaN"'),
    ("[1]", '"[1]"'),
    ('"{""a"": 1}"', '"{\\"a\\": 1}"'),
    ("TRUE", '"TRUE"'),
    ("Zoë", '"Zoë"'),
]


@pytest.mark.parametrize(("cell", "value"), CELLS)
def test_csv_cell_is_a_number_boolean_or_null_if_it_reads_as_one(
    cell: str, value: str, read: ReadFinding
) -> None:
    [row] = read(f"userId,value\nu1,{cell}\n", value=VALUE)

    assert isinstance(row, Member)
    assert row.value == value


@pytest.mark.parametrize(
    "value",
    ["5", "12345678901234567890123.456789012345678901", "true", "null", '"5"', '{"a":[1]}', "[]"],
)
def test_ndjson_value_keeps_its_type_and_all_digits(value: str, read: ReadFinding) -> None:
    [row] = read(f'{{"userId": "u1", "value": {value}}}\n', value=VALUE)

    assert isinstance(row, Member)
    assert row.value == value


@pytest.mark.parametrize("name", ["value", "Value", "Lifetime Value", "lifetime_value"])
def test_value_column_is_named_value_or_like_the_trait(name: str, read: ReadFinding) -> None:
    [row] = read(f"plan,{name},userId\npro,5,u1\n", value=VALUE)
    [same] = read(json.dumps({"userId": "u1", name: 5}), value=VALUE)

    assert isinstance(row, Member)
    assert isinstance(same, Member)
    assert row.value == same.value == "5"


def test_header_without_a_value_column_is_an_error_with_a_hint(read: ReadFinding) -> None:
    with pytest.raises(
        InputError, match="the header has no column for the value: userId, ltv"
    ) as caught:
        read("userId,ltv\nu1,5\n", value=("value", "value"))

    assert caught.value.hint == "Name a column value."


@pytest.mark.parametrize("content", ["email,userId,value\nx,u1\n", '{"userId": "u1", "ltv": 5}\n'])
def test_row_without_the_value_is_bad_and_not_null(content: str, read: ReadFinding) -> None:
    [row] = read(content, value=VALUE)

    assert isinstance(row, BadRow)
    assert row.problem == "has no field for the value: value or Lifetime Value or lifetime_value"
    assert row.hides_user


def test_audience_member_always_has_the_value_true(read: ReadFinding) -> None:
    rows = read("userId,value\nu1,5\nu2,false\n")

    assert [row.value for row in rows if isinstance(row, Member)] == ["true", "true"]


def test_other_columns_are_traits_only_with_traits_option(read: ReadFinding) -> None:
    content = "userId,email,plan,seats\nu1,ada@example.com,pro,5\n"
    [without] = read(content)
    [row] = read(content, with_traits=True)

    assert isinstance(without, Member)
    assert isinstance(row, Member)
    assert without.traits == "{}"
    assert row.traits == '{"plan":"pro","seats":5}'


def test_traits_keep_their_names_and_nulls_are_dropped(read: ReadFinding) -> None:
    rows = read(
        '{"userId": 1, "value": 2, "First_Name": "Ada", "age": null, "address": {"city": "Ely"}}\n'
        '{"userId": 1, "value": 2, "total": 12345678901234567890.5}\n',
        value=VALUE,
        with_traits=True,
    )

    assert [row.traits for row in rows if isinstance(row, Member)] == [
        '{"First_Name":"Ada","address":{"city":"Ely"}}',
        '{"total":12345678901234567890.5}',
    ]


def test_empty_cells_and_unnamed_columns_are_not_traits(read: ReadFinding) -> None:
    [row] = read("userId,plan,,city\nu1,,surplus,Ely\n", with_traits=True)

    assert isinstance(row, Member)
    assert row.traits == '{"city":"Ely"}'


def test_rows_belong_to_a_user_by_user_id_else_anonymous_id(read: ReadFinding) -> None:
    rows = read("userId,anonymousId\nx,a1\nx,a2\n,x\n,x\n")

    assert [row.user for row in rows if isinstance(row, Member)] == ["u:x", "u:x", "a:x", "a:x"]
