"""A mapping and its field types in one function give what both give one after the other."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.event_strategies import values
from support.field_types import FIELDS
from support.recorded import cases

from segcli.core.event import Rejected
from segcli.core.exact_json import dumps
from segcli.field_types import compiled_fields, compiled_with_fields, field_types
from segcli.mapping import compiled, problems

Way = Callable[[Any], Any]

_NAME = re.compile("[A-Za-z_]+")


def mapping_of(value: Any, path: str = "") -> Any:
    """Return a mapping that gives this value for itself, with an object for every object in it."""
    if isinstance(value, dict) and all(map(_NAME.fullmatch, value)):
        return {
            name: mapping_of(one, f"{path}.{name}" if path else name) for name, one in value.items()
        }
    is_list = isinstance(value, list) and value and all(isinstance(one, dict) for one in value)
    names = {name for one in value for name in one} if is_list else set()
    if names and all(map(_NAME.fullmatch, names)):
        return {"@arrayPath": [path, {name: {"@path": name} for name in sorted(names)}]}
    return {"@path": path}


def ways_of(mapping: Any, fields: Any) -> list[tuple[Way, Way]]:
    """Return mapping and field types one after the other, and in one; alone and in a batch."""
    types, mapped = field_types(fields), compiled(mapping)
    return [
        (
            one_after_the_other(mapped, compiled_fields(types, in_batch=in_batch)),
            compiled_with_fields(mapping, types, in_batch=in_batch),
        )
        for in_batch in (False, True)
    ]


def one_after_the_other(mapped: Way, conform: Way) -> Way:
    return lambda event: conform(mapped(event))


def outcome(way: Way, event: Any) -> bytes | str:
    """Return the payload, or why there is none."""
    try:
        return dumps(way(event))
    except Rejected as rejected:
        return str(rejected)


def is_the_same_by(ways: list[tuple[Way, Way]], event: Any) -> bool:
    return all(outcome(at_once, event) == outcome(in_turn, event) for in_turn, at_once in ways)


def is_the_same(mapping: Any, fields: Any, event: Any) -> bool:
    return is_the_same_by(ways_of(mapping, fields), event)


@given(FIELDS, st.dictionaries(st.sampled_from("abcd"), values, max_size=4))
def test_any_payload_is_the_same(fields: dict[str, Any], payload: dict[str, Any]) -> None:
    assert is_the_same(mapping_of(payload), fields, payload)
    assert is_the_same({name: {"@path": name} for name in payload}, fields, payload)
    if not problems(payload):
        assert is_the_same(payload, fields, {})


def test_a_recorded_payload_is_the_same() -> None:
    recorded = cases("field_types.jsonl")
    missed = [
        case["id"]
        for case in recorded
        if not is_the_same(mapping_of(case["mapped"]), case["fields"], case["mapped"])
    ]

    assert not missed
    if not recorded:
        pytest.skip("nothing is recorded here")


def test_the_payload_of_a_recorded_event_is_the_same() -> None:
    actions = {one["id"]: one for one in cases("action_definitions.jsonl")}
    ways: dict[str, list[tuple[Way, Way]]] = {}
    missed = []
    for case in cases("action_requests.jsonl"):
        action = actions[case["fields_ref"]]
        if action["id"] not in ways:
            ways[action["id"]] = ways_of(action["mapping"], action["fields"])
        if not is_the_same_by(ways[action["id"]], case["event"]):
            missed.append(case["id"])

    assert not missed


SHAPES = {"@arrayPath": ["rows", {"n": {"@path": "n"}}]}
IF_THERE_IS_N = {"a": {"@if": {"exists": {"@path": "n"}, "then": {"n": {"@path": "n"}}}}}
FIELD = {"a": {"type": "object", "properties": {"n": "number"}}}
ROWS = FIELD | {"a": FIELD["a"] | {"multiple": True}}


@pytest.mark.parametrize(
    ("mapping", "fields", "event"),
    [
        ({"a": SHAPES}, ROWS, {"rows": [{"n": "1"}, {"n": 2}, {}]}),
        ({"a": SHAPES}, ROWS, {"rows": [{"n": "x"}, 5]}),
        ({"a": SHAPES}, ROWS, {"rows": {"n": "1"}}),
        ({"a": SHAPES}, FIELD, {"rows": [{"n": "1"}]}),
        ({"a": {"n": {"@path": "n"}}}, ROWS, {"n": "1"}),
        (IF_THERE_IS_N, FIELD, {"n": "1"}),
        (
            {"a": {"@if": {"exists": {"@path": "n"}, "then": {"n": 1}, "else": {"@path": "o"}}}},
            FIELD,
            {"o": {"n": "1", "x": 2}},
        ),
        ({"@merge": {"direction": "right", "objects": [{"a": {"n": "1"}}, {}]}}, FIELD, {}),
        ({"a": {"n": [{"@path": "nowhere"}]}, "b": ""}, FIELD | {"b": "string"}, {}),
        ({"a": {"n": "1"}, "dynamicAuthSettings": {"x": None}}, FIELD, {}),
    ],
)  # fmt: skip
def test_an_object_is_the_same_wherever_it_is_made(mapping: Any, fields: Any, event: Any) -> None:
    assert is_the_same(mapping, fields, event)
