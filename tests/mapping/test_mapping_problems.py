"""Mistakes in a mapping are found at compile time, each with its path."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from support.tables import for_each

from segcli.core.event import Rejected
from segcli.mapping import MappingError, compiled, lint, problems


def deep(levels: int, key: str = "a") -> Any:
    """Return an object in an object, some levels deep."""
    value: Any = 1
    for _ in range(levels):
        value = {key: value}
    return value


def nested(levels: int, inner: Any, *keys: str) -> Any:
    """Return a value in nested directives of one kind."""
    value = inner
    for _ in range(levels):
        for key in reversed(keys):
            value = {key: value}
    return value


def test_every_mistake_is_reported_with_its_path() -> None:
    mapping = {
        "a": {"@path": 5},
        "b": {"c": {"@oops": 1}},
        "d": {"@json": {"mode": "x", "value": 1}},
        "e": {"@if": {"exists": {"@template": []}, "then": {"@replace": {"value": "x"}}}},
    }

    assert [str(problem) for problem in problems(mapping)] == [
        "/a/@path should be a string or a mapping directive but it is a number",
        "/b/c has an invalid directive: @oops",
        '/d/@json/mode should be one of encode, decode but it is "x"',
        "/e/@if/exists/@template should be a string or a mapping directive but it is an array",
        '/e/@if/then/@replace should have field "pattern" but it doesn\'t',
    ]


def test_error_lists_all_mistakes_with_the_messages_of_mapping_kit() -> None:
    with pytest.raises(MappingError) as caught:
        compiled({"a": {"@path": 5}, "b": {"@oops": 1}})

    assert str(caught.value).splitlines() == [
        "/a/@path should be a string or a mapping directive but it is a number.",
        "/b has an invalid directive: @oops.",
    ]
    assert [problem.path for problem in caught.value.problems] == ["/a/@path", "/b"]


def test_a_mistyped_directive_gets_a_suggestion_that_mapping_kit_does_not_have() -> None:
    [found] = problems({"a": {"@tmplate": "x"}})

    assert found.message == "has an invalid directive: @tmplate. Did you mean @template?"
    assert found.text == "/a has an invalid directive: @tmplate."


@pytest.mark.parametrize(
    ("mapping", "path", "told"),
    [
        ({"x": {"@merge": {"objects": [{}, 5]}}}, "/x/@merge/objects/1", "/"),
        ({"x": {"@arrayPath": ["$.a", {"b": {"@oops": 1}}]}}, "/x/@arrayPath/1/b",
         "/x/@arrayPath/b"),
        ({"x": {"@arrayPath": [5]}}, "/x/@arrayPath/0", "/x/@arrayPath"),
        ({"__segment_internal_directive": {"@flatten": {}}},
         "/__segment_internal_directive/@flatten", "/@flatten"),
    ],
)  # fmt: skip
def test_path_of_a_mistake_is_more_exact_than_in_mapping_kit(
    mapping: Any, path: str, told: str
) -> None:
    (problem,) = problems(mapping)

    assert problem.path == path
    assert problem.text == f"{told} {problem.message}."


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ({"__segment_internal_directive": {"a": {}, "b": {}}},
         "The root mapping must only have a single directive object"),
        ({"__segment_internal_directive": {"@merge": "x"}},
         "The root directive must be an object"),
        ({"__segment_internal_directive": {}}, "The root directive must be an object"),
        (None, "Cannot convert undefined or null to object"),
    ],
)  # fmt: skip
def test_invalid_root_is_a_mistake(mapping: Any, text: str) -> None:
    assert [problem.text for problem in problems(mapping)] == [text]


@for_each(
    ("value", "kind"),
    [
        (date(2026, 2, 3), "a date"),
        (float("nan"), "not a finite number"),
        (float("-inf"), "not a finite number"),
        (Decimal("Infinity"), "not a finite number"),
        ("\ud800", "a string with an unpaired surrogate"),
        ({1: "x"}, "an object with keys that are not text"),
        ((1, 2), "a tuple"),
    ],
)
def test_value_that_is_not_json_is_a_mistake(value: Any, kind: str) -> None:
    (problem,) = problems({"a": [1, {"b": value}]})

    assert str(problem) == f"/a/1/b should be a JSON value but it is {kind}"


def test_mapping_may_nest_up_to_100_levels() -> None:
    assert problems(deep(100)) == []
    assert [str(one) for one in problems(deep(101))] == ["/ is nested deeper than 100 levels"]
    assert [str(one) for one in problems(deep(100_000))] == ["/ is nested deeper than 100 levels"]
    assert compiled(deep(100))({}) == deep(100)


def test_deepest_mapping_maps_the_deepest_event() -> None:
    mapping = nested(49, {"@path": "$.x"}, "@literal", "a")
    event = {"x": deep(99)}

    assert problems(mapping) == []
    assert compiled(mapping)(event) == nested(49, deep(99), "a")


@for_each(
    "keys",
    [
        ("@if", "exists"),
        ("@if", "then"),
        ("@case", "value"),
        ("@flatten", "value"),
        ("@excludeWhenNull",),
        ("@path",),
    ],
)
def test_nested_directives_are_checked_once_each(keys: tuple[str, ...]) -> None:
    levels = 100 // len(keys) - 1
    mapping = nested(levels, {"@oops": 1}, *keys)

    (problem,) = problems(mapping)

    assert problem.path == f"/{'/'.join(keys)}" * levels


def test_result_deeper_than_100_levels_is_a_mistake() -> None:
    mapping: Any = {"@path": "$.a"}
    for _ in range(12):
        mapping = {"@transform": {"apply": {"a": nested(10, {"@path": "$.a"}, "b")},
                                  "mapping": mapping}}  # fmt: skip

    assert [str(one) for one in problems(mapping)] == ["/ nests its results deeper than 100 levels"]


@pytest.mark.parametrize("beside", [{"0": 1}, {"z": 1}, {"0": {"b": 1}, "z": [1]}], ids=str)
def test_too_deep_result_is_found_next_to_other_fields(
    beside: dict[str, Any],
) -> None:
    mapping: Any = {"@path": "$.a"}
    for _ in range(12):
        mapping = {"@transform": {"apply": {"a": nested(10, {"@path": "$.a"}, "b")},
                                  "mapping": mapping}}  # fmt: skip
    before = {key: value for key, value in beside.items() if key < "a"}

    assert [str(one) for one in problems({**before, "a": mapping, **beside})] == [
        "/ nests its results deeper than 100 levels"
    ]


def doubled(mapping: Any) -> Any:
    twice = {"a": [{"@path": "$.a"}, {"@path": "$.a"}]}
    return {"@transform": {"apply": twice, "mapping": mapping}}


def listed(mapping: Any) -> Any:
    twice = [{"@path": ""}, {"@path": ""}]
    return {"@arrayPath": [{"@literal": twice}, mapping]}


@pytest.mark.parametrize("grow", [doubled, listed])
def test_mapping_that_copies_an_event_too_often_is_a_mistake(grow: Any) -> None:
    mapping: Any = {"@path": "$.a"}
    for _ in range(16):
        mapping = grow(mapping)

    assert problems(mapping) == []
    assert [str(one) for one in problems(grow(mapping))] == [
        "/ can copy an event more than 100,000 times"
    ]


@for_each(
    ("part", "path", "message"),
    [
        ([{"@oops": 1}], "/a/0", "@oops is not a valid directive, got undefined"),
        ({"@if": {"then": 1}}, "/a", '@if requires an "exists" key or a "blank" key'),
        ({"@case": {"value": "x"}}, "/a", '@case requires a "operator" key'),
        ({"@case": {"operator": "title", "value": "x"}}, "/a",
         'operator key should have a value of "lower" or "upper"'),
        ({"@flatten": {"value": 1}}, "/a", '@flatten requires a "separator" key'),
        ({"@merge": {"objects": []}}, "/a", '@merge requires a "direction" key'),
        ({"@merge": {"objects": [], "direction": "LEFT"}}, "/a",
         '@merge takes every direction but "left" for "right"'),
        ({"@json": {"mode": "Decode", "value": 1}}, "/a",
         '@json does nothing with mode "Decode": type encode or decode'),
        ({"@replace": {"pattern": "a", "value": "a", "pattern2": "too long for it"}}, "/a",
         '@replace requires a "pattern" less than 10 characters'),
        ({"@path": {"@literal": 5}}, "/a", "@path: expected string, got number"),
        ({"@template": {"@if": {"exists": 1}}}, "/a", "@template: expected string, got undefined"),
        ({"@liquid": "{% for x in y %}"}, "/a/@liquid", 'tag "for" is disabled, line:1, col:1'),
        ([{"@transform": {"apply": {"b": {"@path": 1}}, "mapping": {"c": 1}}}],
         "/a/0/@transform/apply",
         "/b/@path should be a string or a mapping directive but it is a number."),
    ],
)  # fmt: skip
def test_part_that_fails_for_every_event_is_a_lint_warning(
    part: Any, path: str, message: str
) -> None:
    assert problems({"a": part}) == []

    (doubt,) = lint({"a": part})

    assert (doubt.path, doubt.message) == (path, message)


def test_lint_finds_nothing_in_a_good_mapping() -> None:
    assert lint({"a": {"@path": "$.a"}, "b": [{"@if": {"exists": 1}}]}) == []
    with pytest.raises(MappingError):
        lint({"@oops": 1})


@pytest.mark.parametrize(
    ("mapping", "field", "problem"),
    [
        ({"a": {"b": {"@path": {"@path": "$.n"}}}}, "/a/b", "@path: expected string, got number"),
        ({"a": {"@template": {"@path": "$.x"}}}, "/a", "@template: expected string, got undefined"),
        ({"a": {"@arrayPath": ["$.l", {"b": {"@path": {"@path": "$.n"}}}]}}, "/a/@arrayPath/1/b",
         "@path: expected string, got undefined"),
        ({"@arrayPath": ["$.l", {"@transform": {"apply": {}, "mapping": {"a": 1}}}]},
         "/@arrayPath/1", "data must be an object, got string"),
    ],
    ids=["path", "template", "item", "data"],
)  # fmt: skip
def test_mistake_found_with_an_event_rejects_it_with_the_mapping_path(
    mapping: Any, field: str, problem: str
) -> None:
    with pytest.raises(Rejected) as caught:
        compiled(mapping)({"n": 5, "l": ["x"]})

    assert (caught.value.field, caught.value.problem) == (field, problem)


def test_failing_part_rejects_only_events_that_reach_it() -> None:
    mapped = compiled(
        {"a": {"@if": {"exists": {"@path": "$.a"}, "then": {"@case": {"value": "x"}}}}}
    )

    assert mapped({}) == {}
    with pytest.raises(Rejected):
        mapped({"a": 1})


@for_each("event", [5, "x", None, [], True])
def test_event_that_is_not_an_object_is_rejected(event: Any) -> None:
    with pytest.raises(Rejected, match="data must be an object, got"):
        compiled({})(event)
