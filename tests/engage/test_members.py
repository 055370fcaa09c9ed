"""A list of members is CSV with a header or NDJSON; every row is a member or a bad row."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from segcli.engage.members import BadRow, Columns, Member, members
from segcli.errors import InputError
from segcli.lines import chunks

Rows = list[Member | BadRow]
ReadFinding = Callable[..., Rows]
NO_USER = "has no userId or anonymousId"


@pytest.fixture
def read(tmp_path: Path) -> ReadFinding:
    """Read a list with this content and these options."""

    def read(content: bytes, *, max_line: int = chunks.MAX_LINE, **columns: object) -> Rows:
        file = tmp_path / "members"
        file.write_bytes(content)
        [entry] = chunks.inputs([str(file)])
        return list(members(entry, Columns(**columns), max_line=max_line))  # type: ignore[arg-type]

    return read


def ids(rows: Rows) -> list[tuple[str, str, str]]:
    assert all(isinstance(row, Member) for row in rows), rows
    return [(row.user_id, row.anonymous_id, row.email) for row in rows if isinstance(row, Member)]


def bad(rows: Rows) -> list[tuple[int, bytes, str]]:
    return [(row.line, row.text, row.problem) for row in rows if isinstance(row, BadRow)]


# --- CSV


@pytest.mark.parametrize(
    "content",
    [
        b"userId,anonymousId,email\nu1,a1,ada@example.com\n",
        b"email,plan,anonymousId,userId\nada@example.com,pro,a1,u1\n",
        b"user_id,anonymous_id,EMAIL\r\nu1,a1,ada@example.com\r\n",
        b"id,AnonymousID,Email\nu1,a1,ada@example.com",
        b"\xef\xbb\xbfuserId,anonymousId,email\nu1,a1,ada@example.com\n",
        b'\xef\xbb\xbf"userId","anonymousId","email"\r\n"u1","a1","ada@example.com"\r\n',
        b"userId;anonymousId;email\nu1;a1;ada@example.com\n",
        b"userId\tanonymousId\temail\nu1\ta1\tada@example.com\n",
        b" userId , anonymousId , email \nu1,a1,ada@example.com\n",
        b"\n\r\nuserId,anonymousId,email\n\nu1,a1,ada@example.com\n\r\n\n",
    ],
)
def test_csv_is_read_with_any_column_order_names_delimiter_and_line_ends(
    content: bytes, read: ReadFinding
) -> None:
    assert ids(read(content)) == [("u1", "a1", "ada@example.com")]


def test_quoted_fields_may_contain_delimiters_quotes_and_line_breaks(read: ReadFinding) -> None:
    content = b'userId,note\n"u,""1""","a\r\nb"\nu2,"\n\n"\nu3,x\n'
    rows = read(content, with_traits=True)

    assert ids(rows) == [('u,"1"', "", ""), ("u2", "", ""), ("u3", "", "")]
    notes = [json.loads(row.traits) for row in rows if isinstance(row, Member)]
    assert notes == [{"note": "a\r\nb"}, {"note": "\n\n"}, {"note": "x"}]
    assert [row.line for row in rows] == [2, 4, 7]


def test_ids_and_emails_are_always_text(read: ReadFinding) -> None:
    rows = read(b"userId,anonymousId,email\n007,1e3,true\n0.50,false,5\n")

    assert ids(rows) == [("007", "1e3", "true"), ("0.50", "false", "5")]


def test_empty_and_missing_cells_are_absent(read: ReadFinding) -> None:
    assert ids(read(b"userId,anonymousId,email\nu1,,\nu2\n,a3\n")) == [
        ("u1", "", ""),
        ("u2", "", ""),
        ("", "a3", ""),
    ]


def test_user_id_column_wins_over_id_column(read: ReadFinding) -> None:
    assert ids(read(b"id,userId\nrow1,u1\n")) == [("u1", "", "")]
    assert bad(read(b"id,userId\nrow1,\n")) == [(2, b"row1,", NO_USER)]


def test_header_without_a_user_id_is_an_error_that_shows_it(read: ReadFinding) -> None:
    with pytest.raises(
        InputError, match=r"members:1: the header has no userId or anonymousId: name, email$"
    ):
        read(b"name,email\nAda,ada@example.com\n")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"user\xffId,email\n", "the header is not UTF-8 text"),
        (b'"userId,email\nu1,x\n', "the header is not CSV: unexpected end of data"),
        (b"userId,email\ru1,x\r", "the header is not CSV: new-line character"),
    ],
)
def test_unreadable_header_is_an_error(content: bytes, problem: str, read: ReadFinding) -> None:
    with pytest.raises(InputError, match=problem):
        read(content)


def test_row_without_an_id_is_bad_and_hides_no_user(read: ReadFinding) -> None:
    rows = read(b"userId,email\nu1,x\n,y@example.com\nu3,z\n")

    assert bad(rows) == [(3, b",y@example.com", NO_USER)]
    assert [row.hides_user for row in rows if isinstance(row, BadRow)] == [False]
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (b"u\xff2,x", "not UTF-8 text"),
        (b"u2,x,surplus", "has more fields than the header"),
        (b'"u2"2,x', "not CSV: ',' expected after '\"'"),
    ],
)
def test_unreadable_row_is_bad_and_the_next_is_read(
    row: bytes, problem: str, read: ReadFinding
) -> None:
    first, second, third = read(b"userId,email\nu1,a\n" + row + b"\nu3,c\n")

    assert second == BadRow(line=3, text=row, problem=problem, hides_user=True)
    assert ids([first, third]) == [("u1", "", "a"), ("u3", "", "c")]


def test_unclosed_quote_makes_the_rest_one_bad_row(read: ReadFinding) -> None:
    rows = read(b'userId,email\nu1,a\n"u2,b\nu3,c\n')

    assert bad(rows) == [(3, b'"u2,b\nu3,c', "not CSV: unexpected end of data")]
    assert ids(rows[:1]) == [("u1", "", "a")]


def test_unclosed_quote_does_not_load_the_whole_file(
    read: ReadFinding,
) -> None:
    rows = read(b'userId,email\n"u1,a\n' + b"u2,b\n" * 50_000)
    [row] = [row for row in rows if isinstance(row, BadRow)]

    assert row.problem.startswith("not CSV: field larger than field limit")
    assert len(row.text) < 200_000
    assert ids(rows[-1:]) == [("u2", "", "b")]


def test_an_empty_file_has_no_members_and_needs_no_header(read: ReadFinding) -> None:
    assert read(b"") == read(b"\n\n") == read(b"userId\n") == []
    assert read(b"\xef\xbb\xbf") == read(b"\xef\xbb\xbf\r\n") == []


def test_line_longer_than_max_line_is_an_error_with_a_hint(read: ReadFinding) -> None:
    with pytest.raises(InputError, match=r"members:3: the line has 40 bytes") as caught:
        read(b"userId\nu1\n" + b"x" * 40 + b"\n", max_line=39)

    assert caught.value.hint == "If that is right, type --max-line 40"
    assert len(read(b"userId\nu1\n" + b"x" * 40 + b"\n", max_line=40)) == 2


# --- NDJSON


def test_ndjson_accepts_the_same_names_and_keeps_digits_of_number_ids(read: ReadFinding) -> None:
    rows = read(
        b'\xef\xbb\xbf{"userId": 42, "email": "ada@example.com"}\r\n'
        b'{"user_id": 123456789012345678901234567890}\n'
        b'{"id": "007", "anonymous_id": 5}\n'
        b'{"anonymousId": "a4", "email": null}'
    )

    assert ids(rows) == [
        ("42", "", "ada@example.com"),
        ("123456789012345678901234567890", "", ""),
        ("007", "5", ""),
        ("", "a4", ""),
    ]


def test_blank_ndjson_lines_are_skipped_but_numbered(read: ReadFinding) -> None:
    rows = read(b'\n  \n{"userId": "u1"}\n\n\t\n{"userId": "u2"}\n\n')

    assert [row.line for row in rows] == [3, 6]


@pytest.mark.parametrize(
    ("row", "problem", "hides"),
    [
        (b'{"email": "x@example.com"}', NO_USER, False),
        (b'{"userId": ""}', NO_USER, False),
        (b'{"userId": true}', "userId is neither a string nor a number", True),
        (b'{"id": 9, "userId": null}', NO_USER, False),
        (b'["u2"]', "not a JSON object", True),
        (b'{"userId": "u2"', "not JSON: ", True),
        (b'{"userId": "u\xff2"}', "not UTF-8 text", True),
        (b"u2,x", "not JSON: ", True),
    ],
)
def test_bad_ndjson_row_has_a_problem_and_the_next_is_read(
    row: bytes, problem: str, hides: bool, read: ReadFinding
) -> None:
    first, second, third = read(b'{"userId": "u1"}\n' + row + b'\n{"userId": "u3"}\n')

    assert isinstance(second, BadRow)
    assert (second.line, second.text, second.hides_user) == (2, row, hides)
    assert second.problem.startswith(problem)
    assert ids([first, third]) == [("u1", "", ""), ("u3", "", "")]


# --- what somebody has to look at


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (b"userId,email,userId", "userId, userId"),
        (b"userId, userId ", "userId, userId"),
        (b"userId,user_id", "userId, user_id"),
        (b"\xef\xbb\xbfUSERID;x;user_ID", "USERID, user_ID"),
        (b"anonymousId,anonymous_id,userId", "anonymousId, anonymous_id"),
        (b"userId,email,Email", "email, Email"),
        (b"userId,plan,plan", "plan, plan"),
    ],
)
def test_header_with_a_repeated_column_is_an_error_that_names_the_line(
    header: bytes, names: str, read: ReadFinding
) -> None:
    with pytest.raises(InputError, match=rf"members:2: .* twice: {names}$") as caught:
        read(b"\n" + header + b"\n" + b"a,b,c\n".replace(b",", b";" if b";" in header else b","))
    assert "Rename or remove one" in caught.value.hint


def test_repeated_value_column_is_an_error(read: ReadFinding) -> None:
    with pytest.raises(InputError, match=r"members:1: .* twice: value, Value$"):
        read(b"userId,value,Value\nu1,1,2\n", value=("value",))


def test_different_names_and_unnamed_columns_are_accepted(read: ReadFinding) -> None:
    assert ids(read(b"userId,id,plan,Plan,,,_,__\nu1,7,a,b,c,d,e,f\n")) == [("u1", "", "")]


HOSTILE = [
    (" u1", "has white space around it"),
    ("u1\t", "has white space around it"),
    ("\u00a0u1", "has white space around it"),
    ("u1\u3000", "has white space around it"),
    (" ", "has white space around it"),
    ("u\0001", "contains a NUL character"),
    ("u1\0", "contains a NUL character"),
    ("u\x1b[2J1", "contains a control character"),
    ("u\x7f1", "contains a control character"),
    ("u\x851", "contains a control character"),
    ("u\u20281", "contains a control character"),
    ("u\u200b1", "contains an invisible character"),
    ("\ufeffu1", "contains an invisible character"),
    ("u\u00ad1", "contains an invisible character"),
    ("u\u202e1", "contains an invisible character"),
    ("\u200du1", "contains an invisible character"),
]


@pytest.mark.parametrize("name", ["userId", "anonymous_id", "Email"])
@pytest.mark.parametrize(("value", "problem"), HOSTILE)
def test_id_with_invisible_characters_is_a_bad_row(
    name: str, value: str, problem: str, read: ReadFinding
) -> None:
    names = [name, *{"userId", "anonymous_id", "Email"} - {name}]
    row = f'"{value}",x,x'.encode()
    assert bad(read(f"{','.join(names)}\nx,y,z\n".encode() + row + b"\n")) == [
        (3, row, f"{name} {problem}")
    ]
    line = json.dumps({"userId": "x", name: value}).encode()
    assert bad(read(b'{"userId": "y"}\n' + line + b"\n")) == [(2, line, f"{name} {problem}")]


@pytest.mark.parametrize("value", ["a b", "007", "می‌خ", "👩‍🚀", "é", "a@b.c"])
def test_id_of_visible_characters_is_a_member(value: str, read: ReadFinding) -> None:
    assert ids(read(f"userId\n{value}\n".encode())) == [(value, "", "")]
    assert ids(read(json.dumps({"userId": value}).encode())) == [(value, "", "")]


@pytest.mark.parametrize("value", ["true", "[1]", "{}"])
@pytest.mark.parametrize("name", ["userId", "email"])
def test_id_that_is_neither_text_nor_number_is_a_bad_row(
    name: str, value: str, read: ReadFinding
) -> None:
    line = f'{{"anonymousId":"a","{name}":{value}}}'.encode()
    assert bad(read(line)) == [(1, line, f"{name} is neither a string nor a number")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"userId":"a","userId":"b"}', "has a key twice"),
        (b'{"userId":"a","user\\u0049d":"b"}', "has a key twice"),
        (b'{"userId":"a","traits":{"x":1,"x":2}}', "has a key twice"),
        (b'{"userId":"a","user_id":"b"}', "has the same field twice: userId, user_id"),
    ],
)
def test_ndjson_row_with_a_repeated_key_is_a_bad_row(
    line: bytes, problem: str, read: ReadFinding
) -> None:
    assert [(row[0], row[2]) for row in bad(read(b'{"userId":"x"}\n' + line))] == [(2, problem)]


def test_colons_and_nested_objects_are_not_repeated_keys(read: ReadFinding) -> None:
    line = b'{"userId":"a:b","x":{"userId":"c","y":[{"y":1},{"y":2}]},"z":"\\":"}'
    assert ids(read(line)) == [("a:b", "", "")]
