"""The paths that a mapping reads, and the empty values that a schema excludes."""

from typing import Any

import pytest
from support.mapping_keys import field_value_keys

from segcli.mapping import UNDEFINED
from segcli.mapping.empty import without_empty

A, B, C = ({"@path": f"$.{name}"} for name in "abc")

KEYS: list[tuple[str, Any, list[Any]]] = [
    ("a directive's path", A, ["$.a"]),
    ("the paths of a template", {"@template": "{{a}} {{ b.c }}"}, ["a", " b.c "]),
    ("those of every field, numbers first", {"x": A, "1": B, "y": [C]}, ["$.b", "$.a", "$.c"]),
    ("what a condition may come to", {"@if": {"exists": A, "then": B, "else": {"x": C}}},
     ["$.a", "$.b", "$.c"]),
    ("no condition", {"@if": {"then": B}}, []),
    ("a list and its shape", {"@arrayPath": [A, {"x": B}]}, ["$.a", "$.b"]),
    ("a list by its path is not shown", {"@arrayPath": ["$.a", {"x": B}]}, ["$.b"]),
    ("what is changed", [{"@case": {"operator": "upper", "value": A}},
                         {"@replace": {"pattern": "x", "value": B}},
                         {"@flatten": {"separator": ".", "value": C}}], ["$.a", "$.b", "$.c"]),
    ("no case", {"@case": {"value": A}}, []),
    ("what mapping-kit does not look into",
     [{"@literal": A}, {"@excludeWhenNull": A}, {"@merge": {"objects": [A]}},
      {"@transform": {"apply": A, "mapping": B}}], []),
    ("a path that a directive makes", {"@path": A}, [A]),
    ("a template that a directive makes", {"@template": A}, []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mapping", "keys"), [pytest.param(*case, id=name) for name, *case in KEYS]
)
def test_mapping_reads_the_expected_paths(mapping: Any, keys: list[Any]) -> None:
    assert field_value_keys(mapping) == keys


EMPTY: list[tuple[str, Any, Any, Any]] = [
    ("a null that is not allowed goes", None, {"type": "string"}, UNDEFINED),
    ("one that is allowed stays", None, {"type": ["string", "null"]}, None),
    ("an empty text that is no text goes", "", {"type": "number"}, UNDEFINED),
    ("without a type everything stays", None, {}, None),
    ("with choices alone nothing empty stays", "", {"enum": ["a"]}, UNDEFINED),
    ("items go from lists", [1, None, ""], {"type": "array", "items": {"type": "number"}}, [1]),
    ("a list without a schema for items stays", [None], {"type": "array"}, [None]),
    ("fields go from objects", {"a": None, "b": None},
     {"type": "object", "properties": {"a": {"type": "string"}}}, {"b": None}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "schema", "kept"), [pytest.param(*case, id=name) for name, *case in EMPTY]
)
def test_empty_values_are_removed_by_the_schema(value: Any, schema: Any, kept: Any) -> None:
    assert without_empty(value, schema) == kept


def test_empty_text_is_removed_at_the_root_only() -> None:
    text = {"type": "string"}
    inner = {"type": "object", "properties": {"c": text}}
    schema = {"type": "object", "properties": {"a": text, "b": inner}}

    kept = without_empty({"a": "", "b": {"c": ""}}, schema, is_root=True)

    assert kept == {"b": {"c": ""}}
