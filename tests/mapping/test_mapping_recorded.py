"""Mappings give the results that were recorded from Segment's own engine."""

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from support.mapping_keys import field_value_keys
from support.recorded import cases, each_recorded

from segcli.core.event import Rejected
from segcli.mapping import UNDEFINED, MappingError, compiled, problems
from segcli.mapping.directives.objects import flattened
from segcli.mapping.directives.template import render
from segcli.mapping.empty import without_empty
from segcli.mapping.json_path import get


def expected_of(case: dict[str, Any]) -> Any:
    return UNDEFINED if case.get("expected_undefined") else case["expected"]


def assert_same(found: Any, expected: Any) -> None:
    """Assert that two values are the same JSON: 1 is not true, and not 1.0."""
    if expected is UNDEFINED or found is UNDEFINED:
        assert found is expected
    else:
        assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)


@each_recorded("mapping_transform.jsonl")
def test_mapping_gives_the_recorded_value_or_error(
    case: dict[str, Any],
) -> None:
    if "throws" not in case:
        assert_same(compiled(case["mapping"])(case["payload"]), expected_of(case))
        return
    with pytest.raises((MappingError, Rejected)) as caught:
        compiled(case["mapping"])(case["payload"])
    error = caught.value
    said = error.problem if isinstance(error, Rejected) else str(error)
    # The only difference in words: the recorded ones say "a object".
    assert said == case["throws"].replace("should be a object", "should be an object")


@each_recorded("mapping_validate.jsonl")
def test_a_mapping_has_the_recorded_problems(case: dict[str, Any]) -> None:
    found = [problem.text for problem in problems(case["mapping"])]

    assert found == case.get("throws", "").splitlines()


@each_recorded("mapping_units.jsonl")
def test_a_function_returns_the_recorded_value(case: dict[str, Any]) -> None:
    call = FUNCTIONS[case["fn"]]
    if "throws" in case:
        with pytest.raises(TypeError) as caught:
            call(*case["args"])
        assert str(caught.value) == case["throws"]
    else:
        assert_same(call(*case["args"]), expected_of(case))


def flatten_object(
    value: Any, prefix: str | None = "", separator: str = ".", omit_arrays: bool = False
) -> Any:
    return flattened(value, prefix or "", separator=separator, omits_arrays=omit_arrays)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "get": get,
    "render": render,
    "flattenObject": flatten_object,
    "removeEmptyValues": lambda value, schema, root: without_empty(value, schema, is_root=root),
    "getFieldValueKeys": field_value_keys,
}


@cache
def real_mappings() -> dict[int, Callable[[Any], Any]]:
    return {one["id"]: compiled(one["mapping"]) for one in cases("real_mappings.jsonl")}


@cache
def recorded_events() -> dict[int, Any]:
    return {one["line"]: one["event"] for one in cases("events.jsonl")}


@each_recorded("real_mapping_cases.jsonl")
def test_published_mapping_gives_the_result_of_segment(
    case: dict[str, Any],
) -> None:
    event = recorded_events()[case["event_line"]]
    before = copy.deepcopy(event)

    found = real_mappings()[case["mapping_id"]](event)

    assert_same(found, expected_of(case))
    assert event == before
