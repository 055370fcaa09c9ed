"""The error for an invalid query shows the position and what was expected there."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import good_events
from support.tables import for_each

from segcli.fql import FqlError, matcher, parse_query

A_FIELD = (
    "a field (type, event, name, userId, properties.…, traits.…, context.…), contains( or match("
)
OPERATOR = "an operator: =, !=, <, <=, > or >="
VALUE = 'a value: "text", 10, true, false or null'
JOINT = '"and", "or" or the end'
PATTERN = '"text*" or "*text": any other * is a plain character'

# The query, a mark under the position, and what was expected there.
UNREADABLE = [
    ("", "^", A_FIELD),
    ("typo", "^", A_FIELD),
    ("type", "    ^", OPERATOR),
    ('type * "x"', "     ^", "no * here: write \\* in a name, and a text in quotes"),
    ('type = "x', "       ^", 'a closing "'),
    ('type = "a" && event = "b"', "           ^", "the word and: FQL has no &&"),
    ('type = "a" || type = "b"', "           ^", "the word or: FQL has no ||"),
    ("type = 'x", "       ^", "a closing '"),
    ('(type = "x"', "           ^", "a closing )"),
    ('type = "x" and ()', "                ^", A_FIELD),
    ('event!="x"', "       ^", "a space after !="),
    ("properties.total>=5", "                ^", "a space after total"),
    ("properties.total = 1.2.3", "                   ^", "a number like 10, -3 or 1.5"),
    ("properties.total = 5.", "                   ^", "a number like 10, -3 or 1.5"),
    ("properties.total = -", "                   ^", "a number like 10, -3 or 1.5"),
    ("properties.$cost = 1", "           ^",
     "no $ here: write \\$ in a name, and a text in quotes"),
    ("properties.a\\", "            ^", "a character after \\"),
    ('contains "x"', "         ^", "( after contains"),
    ('match("x*", event)', "      ^", "a field"),
    ('contains(event "x")', "               ^", ", and a text after event"),
    ('contains(event.length, "e")', "         ^",
     "event alone: it has no nested fields"),
    ("contains(event, )", "                ^", 'a "text"'),
    ('length(properties.a) = 3', "^", A_FIELD),
    ('event = "a"b', "          ^", "a space after this quote"),
]  # fmt: skip

DOUBTFUL = [
    ("type = ", "       ^", VALUE),
    ('(type = ) or type = "x"', "        ^", VALUE),
    ('type == "track"', "      ^", "a value: FQL has a single =, not =="),
    ('type "track"', "     ^", OPERATOR),
    ('type in ["a", "b"]', "     ^", OPERATOR),
    ("event = Order Completed", "              ^", JOINT),
    ('type = "a", type = "b"', "          ^", JOINT),
    ('type = "a" type = "b"', "           ^", JOINT),
    ('type = "a")', "          ^", JOINT),
    ('type = "a" and', "              ^", A_FIELD),
    ('and type = "a"', "^", A_FIELD),
    ('not type = "a"', "^", A_FIELD),
    ('!(type = "a")', " ^", "contains( or match( after !"),
    ('type = "a" OR type = "b"', "           ^", "or in lower case: OR means and"),
    (
        'type = "a" and type = "b" or type = "c"',
        "                          ^",
        "parentheses: or would apply to the whole group",
    ),
    (
        "event = 'x'",
        "        ^",
        '"double quotes": other quotes are a part of the text',
    ),
    ("properties.a >=5", "             ^", "a space after >="),
    ('event = "a"or event = "b"', "          ^", "a space after this quote"),
    ("event != null", "         ^", 'another value: null means the text "null" here'),
    ("properties.a != true", "                ^",
     'another value: true means the text "true" here'),
    ('properties.a < "ten"', "               ^", "a number"),
    ('properties = "x"', "^", "a name below properties, as properties.price"),
    ('event.name = "x"', "^", "event alone: it has no nested fields"),
    ("properties.and = 1", "          ^",
     "a \\ before a digit, and, or, or null after a dot"),
    ("properties.list.0 = 1", "               ^",
     "a \\ before a digit, and, or, or null after a dot"),
    ('contains(event, "x"', "                   ^", "a closing )"),
    ("contains(properties.t, .5)", "                       ^",
     'a "text", or a number with a digit before the dot'),
    ('contains(type, "x") and name = "x"', "         ^",
     "a field that contains can search: event, name, … or properties.…"),
    ('match(event, "a*b")', "             ^", PATTERN),
    ('match(event, "a")', "             ^", PATTERN),
    ('match(event, "")', "             ^", PATTERN),
]  # fmt: skip


@for_each(("query", "mark", "expected"), UNREADABLE)
@for_each("strict", [False, True])
def test_error_marks_the_position_and_says_what_was_expected(
    query: str, mark: str, expected: str, strict: bool
) -> None:
    with pytest.raises(FqlError) as caught:
        parse_query(query, strict=strict)

    assert str(caught.value) == f"expected {expected}\n  {query}\n  {mark}"


@for_each(("query", "mark", "expected"), DOUBTFUL)
def test_text_that_segment_ignores_is_an_error_in_strict_mode(
    query: str, mark: str, expected: str
) -> None:
    with pytest.raises(FqlError) as caught:
        parse_query(query, strict=True)

    assert str(caught.value) == f"expected {expected}\n  {query}\n  {mark}"
    assert parse_query(query).children


@for_each(
    "query",
    [
        'type = "track"',
        "type=identify",
        'type = "track" AND event = "x"',
        "userId = 5",
        'properties.a < "10"',
        "properties.a != null",
        "properties.\\and = true",
        'match(event, "*")',
        'match(event, "x*") or !match(event, "*x")',
        '(type = "a" or type = "b") and (event = "c" or (event = "d" and name = null))',
    ],
)
def test_unambiguous_query_is_the_same_in_strict_mode(query: str) -> None:
    assert parse_query(query, strict=True) == parse_query(query)


def test_error_shows_the_relevant_position() -> None:
    with pytest.raises(FqlError) as caught:
        parse_query('type == "track" and event = "x')

    assert caught.value.position == 28
    with pytest.raises(FqlError) as caught:
        parse_query('type == "track" and event')

    assert caught.value.position == 6


def test_error_shows_only_the_line_with_the_position() -> None:
    with pytest.raises(FqlError) as caught:
        parse_query('type = "track"\n\tand event * "x"\n')

    assert str(caught.value).splitlines()[1:] == ['   and event * "x"', "             ^"]


def test_error_shows_the_part_of_a_long_line_around_the_position() -> None:
    start, rest = 'event = "' + "x" * 200 + '"', " and name = " + "y" * 200
    with pytest.raises(FqlError) as caught:
        parse_query(f"{start} * {rest}")

    _, line, mark = str(caught.value).splitlines()
    assert line.startswith("  …x")
    assert line.endswith("y…")
    assert line[mark.index("^")] == "*"
    assert len(line) < 130


PIECES = st.sampled_from(
    [
        *("(", ")", "[", "]", ".", ",", "!", "=", "<", ">", '"', "\\", " ", "null", "true", "5"),
        *("type", "event", "userId", "properties.a", "traits.b.c", "context", "name", "word"),
        *("!=", ">=", " and ", " or ", "-1.5", '"x"', '"x*"', "'y'", "contains(", "!match("),
        *('event = "x"', 'contains(event, "x")', "properties.a = 5"),
    ]
)
TEXTS = st.text() | st.lists(PIECES).map("".join) | st.lists(PIECES).map(" ".join)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c", "0"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(["type", "event", "name", "userId", "properties", "traits", "context"])
EVENTS = st.dictionaries(NAMES, VALUES)


def error_of(text: str, *, strict: bool) -> FqlError | None:
    try:
        parse_query(text, strict=strict)
    except FqlError as error:
        return error
    return None


@given(text=TEXTS, strict=st.booleans())
def test_any_text_is_parsed_or_raises_an_fql_error(text: str, strict: bool) -> None:
    error = error_of(text, strict=strict)

    if error:
        assert 0 <= error.position <= len(text)
        assert str(error).split("\n")[-1].strip() == "^"


FIELDS = st.sampled_from(
    ["type", "event", "userId", "properties.a", "properties.a.length", "traits.a.b", "context.\\0"]
)
CONDITIONS = st.one_of(
    st.builds(
        "{} {} {}".format,
        FIELDS,
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        st.sampled_from(['"x"', '""', "5", "-0.1", "1" * 40, '"1e999"', "true", "null", "word"]),
    ),
    st.builds(
        "{}({}, {})".format,
        st.sampled_from(["contains", "!contains", "match", "!match"]),
        FIELDS,
        st.sampled_from(['"x"', '"x*"', '"*x"', '""', "5"]),
    ),
)
QUERIES = st.lists(CONDITIONS, min_size=1, max_size=4).map(" or ".join)


@given(query=QUERIES, event=EVENTS | VALUES)
def test_any_query_on_any_json_gives_true_or_false(query: str, event: Any) -> None:
    try:
        matches = matcher(query)
    except FqlError:
        # A query whose only condition searches `type` has no condition.
        assert "(type" in query
        return
    assert matches(event) in (True, False)
    assert type(matches(event)) is bool


@given(query=QUERIES, number=st.integers(0, len(good_events()) - 1))
def test_query_does_not_change_the_event(query: str, number: int) -> None:
    event = good_events()[number].data
    before = repr(event)
    try:
        matcher(query)(event)
    except FqlError:
        assert "(type" in query
    assert repr(event) == before
