"""`@each` picks, changes and names every field of an object, or item of a list."""

from typing import Any

import pytest
from hypothesis import given
from support.event_strategies import values

from segcli.core.event import Rejected
from segcli.core.exact_json import dumps
from segcli.mapping import UNDEFINED, compiled, lint, problems

KEY, VALUE = {"@path": "$.key"}, {"@path": "$.value"}
TRAITS = {
    "name": "Ada",
    "seats": 5,
    "since": "2026-01-08T14:02:14.519Z",
    "born": "1990-05-17",
    "admin": True,
    "none": None,
    "company": {"founded": "2020-02-03T00:00:00Z", "size": 7},
    "tags": ["a", 1],
}


def made(value: Any, **options: Any) -> Any:
    mapping = {"x": {"@each": {"value": {"@path": "$.v"}, **options}}}
    assert problems(mapping) == []
    event = {"plan": "pro"} | ({"v": value} if value is not UNDEFINED else {})
    return compiled(mapping)(event).get("x", UNDEFINED)


def test_fields_are_picked_and_renamed() -> None:
    assert made(TRAITS, only=["name", "seats", "nowhere"]) == {"name": "Ada", "seats": 5}
    assert made({"a": 1, "b": 2}, omit=["b"]) == {"a": 1}
    assert made({"a": 1, "b": 2}, rename={"a": "c", "x": "y"}) == {"c": 1, "b": 2}
    assert made({"a": 1, "b": 2}, only=["a"], rename={"a": "b"}) == {"b": 1}


def test_flat_and_most_keep_the_first_plain_values() -> None:
    assert made(TRAITS, flat=True) == {
        name: value for name, value in TRAITS.items() if name not in {"company", "tags"}
    }
    assert made(TRAITS, only=["seats", "company", "admin", "none"], flat=True, most=2) == {
        "seats": 5, "admin": True,
    }  # fmt: skip
    assert made([1, [2], {"a": 3}, 4, 5], flat=True, most=2) == [1, 4]
    assert made({"a": 1}, most=1) == made({"a": 1}, most=2) == {"a": 1}


def test_most_must_be_a_number_of_fields() -> None:
    [problem] = lint({"x": {"@each": {"value": VALUE, "most": 0}}})

    assert problem.message == '@each requires a "most" of 1 or more'


@pytest.mark.parametrize(
    ("form", "since", "born"),
    [
        ("seconds", 1767880934, 642902400),
        ("milliseconds", 1767880934519, 642902400000),
        ("iso", "2026-01-08T14:02:14.519Z", "1990-05-17T00:00:00.000Z"),
        ("utc", "2026-01-08 14:02:14 +00:00", "1990-05-17 00:00:00 +00:00"),
    ],
)
def test_dates_are_written_in_one_form_and_nothing_else_is(
    form: str, since: Any, born: Any
) -> None:
    assert made(TRAITS, dates=form) == TRAITS | {"since": since, "born": born}


def test_with_deep_the_dates_in_objects_and_lists_are_written_so_too() -> None:
    found = made(TRAITS | {"days": ["2026-01-08"]}, dates="seconds", deep=True)

    assert found["company"] == {"founded": 1580688000, "size": 7}
    assert found["days"] == [1767830400]


@pytest.mark.parametrize(
    "text",
    ["2026", "order 7", "1767880934", "2026-13-01", "2026-01-08 10:00", "2026-01-08T10:00 x"],
)
def test_what_only_looks_like_a_date_stays(text: str) -> None:
    assert made([text], dates="seconds") == [text]


def test_values_become_text() -> None:
    assert made(TRAITS, **{"as": "text"}) == TRAITS | {
        "seats": "5",
        "admin": "true",
        "company": '{"founded":"2020-02-03T00:00:00Z","size":7}',
        "tags": '["a",1]',
    }
    assert made({"a": [1.0, {"b": 2}]}, **{"as": "text", "deep": True}) == {"a": ["1", {"b": "2"}]}
    assert made({"a": "2026-01-08"}, **{"as": "text", "dates": "seconds"}) == {"a": "1767830400"}


def test_each_value_is_wrapped() -> None:
    assert made({"a": 1, "b": None}, item={"value": VALUE, "of": KEY}) == {
        "a": {"value": 1, "of": "a"},
        "b": {"value": None, "of": "b"},
    }


def test_a_list_stays_in_order_and_an_item_that_gives_nothing_is_left_out() -> None:
    rows = [{"sku": "a", "n": 1}, {"n": 2}, {"sku": "c"}]

    assert made(rows, item={"@path": "$.value.sku"}) == ["a", "c"]
    assert made(["x", "y"], item=[KEY, VALUE]) == [[0, "x"], [1, "y"]]
    assert made(["", "abcd", None], item={"@tail": {"value": VALUE, "length": 2}}) == ["cd"]


def test_a_name_is_computed_from_the_field_and_from_what_is_around() -> None:
    assert made({"a": 1}, key={"@template": "{{outer.plan}}_{{key}}_{{value}}"}) == {"pro_a_1": 1}
    assert made({"a": 1, "b": 2}, rename={"a": "c"}, key={"@template": "{{key}}!"}) == {
        "c!": 1,
        "b!": 2,
    }
    assert made({"a": 1, "b": 2}, key={"@path": "$.nowhere"}) == {}


def test_with_a_name_a_list_becomes_an_object() -> None:
    rows = [{"sku": "a", "n": 1}, {"n": 2}, {"sku": 3, "n": 3}]
    count = {"@path": "$.value.n"}

    assert made(rows, key={"@path": "$.value.sku"}, item=count) == {"a": 1, "3": 3}


def test_an_object_becomes_a_list_of_its_fields() -> None:
    entry = {"name": KEY, "value": VALUE}

    assert made({"a": 1, "b": "x"}, rename={"a": "c"}, item=entry, list=True) == [
        {"name": "c", "value": 1},
        {"name": "b", "value": "x"},
    ]
    assert made([1, 2], list=True) == [1, 2]


@pytest.mark.parametrize("value", [None, "", "text", 5, True, UNDEFINED])
def test_what_is_no_object_and_no_list_gives_nothing(value: Any) -> None:
    assert made(value) is UNDEFINED


def test_one_each_may_stand_in_another() -> None:
    inner = {"@each": {"value": VALUE, "as": "text"}}

    assert made([{"a": 1}, "x", {"b": 2}], item=inner) == [{"a": "1"}, {"b": "2"}]


def test_absent_items_of_lists_become_null_as_everywhere() -> None:
    mapping = {"x": {"@each": {"value": {"a": [{"@path": "$.nowhere"}, 1]}, "item": {"v": VALUE}}}}

    assert compiled(mapping)({}) == {"x": {"a": {"v": [None, 1]}}}


@given(values)
def test_any_value_gives_json_or_nothing(value: Any) -> None:
    for options in (
        {"dates": "seconds", "as": "text", "deep": True},
        {"as": "text", "item": {"v": VALUE}, "key": VALUE},
        {"only": ["a", ""], "rename": {"a": "b"}, "dates": "iso"},
    ):
        dumps(found) if (found := made(value, **options)) is not UNDEFINED else None


def test_mistakes_are_told_with_their_places() -> None:
    options = {"value": {}, "only": ["a", 5], "rename": {"a": 1}, "dates": "days", "itm": 1}

    assert [str(one) for one in problems({"x": {"@each": options}})] == [
        "/x/@each/only/1 should be a string but it is a number",
        "/x/@each/rename/a should be a string but it is a number",
        '/x/@each/dates should be one of seconds, milliseconds, iso, utc but it is "days"',
        "/x/@each/itm is no option of this directive. Did you mean item?",
    ]


def test_names_are_for_objects_only() -> None:
    [problem] = problems({"x": {"@each": {"value": {}, "key": KEY, "list": True}}})

    assert str(problem) == "/x/@each/key has no effect with list: a list has no names"


def test_the_options_of_segclis_own_directives_are_checked_in_lists_too() -> None:
    wrong = {"@epoch": {"value": 1, "unit": "days"}}
    mapping = {"x": [1, wrong]}

    assert problems(mapping) == []
    [problem] = lint(mapping)
    assert str(problem) == (
        '/x/1/@epoch/unit should be one of seconds, milliseconds but it is "days"'
    )
    with pytest.raises(Rejected):
        compiled(mapping)({})


def test_names_that_together_are_too_long_reject_the_event() -> None:
    with pytest.raises(Rejected, match="/x @each makes too long a text: more than 1,000,000"):
        made(["x"] * 2000, key={"@template": "{{outer.v}}"})


def test_a_mapping_that_multiplies_the_event_is_refused() -> None:
    item: Any = VALUE
    for _ in range(18):
        item = {"@each": {"value": [VALUE, VALUE], "item": item}}

    [problem] = problems({"x": item})
    assert "can copy an event more than 100,000 times" in problem.message
