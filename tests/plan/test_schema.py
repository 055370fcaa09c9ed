"""JSON Schema as Segment uses it: nothing is fetched, nothing crashes, mistakes have a path."""

import socket
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.plans import TEXT, differences, mistakes, plan_of, rule, whole
from support.tables import for_each

from segcli.plan.plan import Check
from segcli.plan.schema import SchemaCompiler

PATTERN = "is not a regular expression that Segment accepts"
AT = "/data/rules/0/jsonSchema"
DEEP: Any = {"type": "object"}
for _ in range(90):
    DEEP = {"properties": {"inner": DEEP}}


@for_each(
    ("schema", "where", "problem"),
    [
        ({"type": "Date"}, "type", "is not one of array, boolean, integer, null, number, object"),
        ({"type": 5}, "type", "is not one of array"),
        ({"required": True}, "required", "has an invalid type: expected array, given boolean"),
        ({"properties": []}, "properties", "has an invalid type: expected object, given array"),
        ({"minLength": -1}, "minLength", "must be greater than or equal to 0"),
        ({"enum": "a"}, "enum", "has an invalid type: expected array, given string"),
        ({"pattern": "("}, "pattern", f"{PATTERN}: missing ), unterminated subpattern, at char"),
        ({"pattern": r"\p{L}+["}, "pattern", f"{PATTERN}: unterminated character set, at char"),
        ({"pattern": r"[(?!]\(?!(?<!bot)"}, "pattern", f"{PATTERN}: it has look-around"),
        ({"pattern": "^(?!bot)"}, "pattern", f"{PATTERN}: it has look-around"),
        ({"pattern": r"(a)\1"}, "pattern", f"{PATTERN}: it refers back to a group"),
        ({"pattern": "(a{1000}){1000}"}, "pattern", f"{PATTERN}: it is too large, or uses"),
        ({"pattern": "[" * 100_000}, "pattern", f"{PATTERN}: it is too large, or uses"),
        ({"pattern": "(" * 9_000}, "pattern", PATTERN),
        ({"patternProperties": {"a/(": {}}}, "patternProperties/a~1(", f"{PATTERN}: missing )"),
        ({"$ref": "http://example.com/a.json"}, "$ref", "refers to something outside, which is"),
        ({"$ref": "file:///etc/passwd"}, "$ref", "refers to something outside, which is not read"),
        ({"$ref": "other.json#/a"}, "$ref", "refers to something outside, which is not read"),
        ({"$ref": "#/definitions/none"}, "$ref", "refers to nothing in this schema"),
        ({"$ref": 5}, "$ref", "refers to something outside"),
        ({"anyOf": [{}, {"items": [{"$ref": "x"}]}]}, "anyOf/1/items/0/$ref", "refers to some"),
    ],
)
def test_schema_mistake_is_named_with_its_path(schema: object, where: str, problem: str) -> None:
    found = mistakes(plan_of(rule("Tried", whole(hue=schema))))

    assert found[0][1].startswith(f"{AT}/properties/properties/properties/hue/{where} {problem}")


def test_event_with_a_mistaken_schema_is_still_planned() -> None:
    plan = plan_of(rule("Tried", whole(hue={"type": "Date"})))

    assert differences(plan, properties={"hue": 1}) == []
    assert differences(plan, properties={"size": 1}) == [
        'unplanned-property: properties.size is not in the plan for "Tried"'
    ]


def test_remote_references_are_not_fetched(tmp_path: Path) -> None:
    false = tmp_path / "false.json"
    false.write_text("false")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)  # the interface
        addresses = (f"http://127.0.0.1:{server.getsockname()[1]}/a.json", false.as_uri())
        plain = [whole(hue={"$ref": address}) for address in addresses]
        # Where no schema is expected nothing is looked for; it is refused when it is compiled.
        hidden = [{"x": {"$ref": address}, "$ref": "#/x"} for address in addresses]

        for schema in (*plain, *hidden):
            plan = plan_of(rule("Tried", schema))
            assert len(plan.mistakes) == 1
            assert differences(plan, properties={"hue": 1})[1:] == []

        with pytest.raises(BlockingIOError):
            server.accept()
    assert plan.mistakes[0].problem.startswith("cannot be compiled: ")


@for_each(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"definitions": {"a": {"$ref": "#/definitions/a"}}, "$ref": "#/definitions/a"},
        {"$id": "Command Error", "properties": {"properties": {"$id": "/properties"}}},
        {"$schema": "http://json-schema.org/draft-04/schema#"},
        {"$schema": "https://example.com/own", "id": "a b"},
        {"$id": "http://example.com/", "properties": {"properties": {"$ref": "#/definitions/x"}}}
        | {"definitions": {"x": {"type": "object"}}},
        {"labels": {}, "nullable": True, "unevaluatedProperties": False, "$defs": {}},
        {"if": {}, "then": True, "else": False, "not": False, "contains": True},
        {"dependencies": {"a": ["b"], "c": {"properties": {}}}, "propertyNames": True},
        {"items": [True, {}], "additionalItems": {}, "format": "unknown"},
        {"contentMediaType": "application/json", "contentEncoding": "base64"},
        {"properties": {"properties": DEEP}},
        {"properties": {"properties": True, "traits": False}},
    ],
)
def test_unusual_schema_raises_no_unexpected_error(schema: dict[str, Any]) -> None:
    plan = plan_of(rule("Tried", schema))

    assert mistakes(plan) == []
    differences(plan, properties={"a": 1, "inner": {"inner": {}}})


def test_local_references_are_followed() -> None:
    schema = whole(one={"$ref": "#/definitions/a~1b/properties/x"}, two={"$ref": "#/definitions/c"})
    schema["definitions"] = {
        "a/b": {"properties": {"x": {"type": "object", "properties": {"size": TEXT}}}},
        "c": {"properties": {"down": {"$ref": "#/definitions/c"}, "hue": TEXT}},
    }
    plan = plan_of(rule("Tried", schema))

    assert not plan.mistakes
    good = {"one": {"size": "s"}, "two": {"down": {"down": {"hue": "h"}}}}
    assert differences(plan, properties=good) == []
    bad = {"one": {"size": 1}, "two": {"down": {"down": {"hue": 2, "odd": 3}}}}
    assert differences(plan, properties=bad) == [
        "plan-violation: properties.one.size has an invalid type: expected string, given integer "
        'on "Tried"',
        "plan-violation: properties.two.down.down.hue has an invalid type: expected string, given "
        'integer on "Tried"',
        'unplanned-property: properties.two.down.down.odd is not in the plan for "Tried"',
    ]


@for_each(
    ("schema", "value", "problem"),
    [
        ({"type": ["string", "null"]}, 1, "has an invalid type: expected null or string, given"),
        ({"enum": list(range(20))}, 99, "must be one of the following: 0, 1, 2, 3, 4, 5, 6, 7, 8"),
        ({"const": "a"}, "b", 'must be "a"'),
        ({"pattern": "^a"}, "b", 'does not match pattern "^a"'),
        ({"format": "email"}, "b", 'does not match format "email"'),
        ({"format": "date-time"}, "b", 'does not match format "date-time"'),
        ({"minimum": 2}, 1, "must be greater than or equal to 2"),
        ({"exclusiveMinimum": 2}, 2, "must be greater than 2"),
        ({"maximum": 2.5}, 3, "must be less than or equal to 2.5"),
        ({"exclusiveMaximum": 2}, 2, "must be less than 2"),
        ({"multipleOf": 2}, 3, "must be a multiple of 2"),
        ({"minLength": 2}, "a", "must have at least 2 characters"),
        ({"maxLength": 2}, "abc", "must have at most 2 characters"),
        ({"minItems": 2}, [1], "must have at least 2 items"),
        ({"maxItems": 0}, [1], "must have at most 0 items"),
        ({"items": [{}], "additionalItems": False}, [1, 2], "has more items than planned"),
        ({"uniqueItems": True}, [1, 1], "has items that are not unique"),
        ({"contains": TEXT}, [1], "has no item of the kind that is planned"),
        ({"minProperties": 1}, {}, "must have at least 1 properties"),
        ({"maxProperties": 0, "properties": {"a": {}}}, {"a": 1}, "must have at most 0 properties"),
        ({"propertyNames": {"maxLength": 0}}, {"a": 1}, "has a property whose name is not allowed"),
        ({"anyOf": [TEXT, {"minimum": 2}]}, 1, "must match at least one schema of anyOf"),
        ({"oneOf": [TEXT, {"type": "null"}]}, 1, "must match exactly one schema of oneOf"),
        ({"oneOf": [{}, {}]}, 1, "must match exactly one schema of oneOf"),
        ({"not": TEXT}, "a", "must not match the schema of not"),
        (False, 1, "is not allowed"),
    ],
)
def test_violation_message_does_not_show_the_value(
    schema: object, value: object, problem: str
) -> None:
    plan = plan_of(rule("Tried", whole(hue=schema)))

    (found,) = differences(plan, properties={"hue": value})

    assert found.startswith(f"plan-violation: properties.hue {problem}")
    assert found.endswith(' on "Tried"')


SCHEMAS = st.recursive(
    st.sampled_from(
        [
            *({}, True, False, TEXT, {"type": "integer"}, {"type": ["null", "number"]}),
            *({"minimum": 2}, {"required": ["a"]}, {"enum": [1, "x", None]}, {"const": {"a": 1}}),
            *({"additionalProperties": False, "properties": {"a": {}}}, {"minItems": 1}),
            *({"additionalProperties": False}, {"maxLength": 1}),
        ]
    ),
    lambda inner: st.one_of(
        st.builds(lambda one: {"properties": {"a": one}}, inner),
        st.builds(lambda one: {"items": one}, inner),
        st.builds(lambda one: {"not": one}, inner),
        st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner),
        st.builds(lambda one, other: {"oneOf": [one, other]}, inner, inner),
        st.builds(lambda one, other: {"allOf": [one, other]}, inner, inner),
        st.builds(lambda one, other: {"if": one, "then": other}, inner, inner),
    ),
    max_leaves=6,
)
VALUES = st.recursive(
    st.sampled_from([None, True, 0, 1, 2.5, 3.0, "", "x", "long"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=6,
)


@given(SCHEMAS, SCHEMAS, VALUES)
def test_schema_check_agrees_with_the_jsonschema_package(
    schema: Any, other: Any, value: object
) -> None:
    root = {"properties": {"x": schema, "y": {"$ref": "#/definitions/d"}}}
    root["definitions"] = {"d": other}
    instance = {"x": value, "y": value}
    expected = jsonschema.Draft7Validator(root).is_valid(instance)

    check = SchemaCompiler().compile(root, "")

    assert isinstance(check, Check)
    assert check.is_valid(instance) == expected
    assert bool(list(check.violations(instance))) != expected
