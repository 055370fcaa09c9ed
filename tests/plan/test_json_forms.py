"""The form of a JSON plan is recognized by its structure, and mistakes have their lines."""

import json
from typing import Any

import pytest
from support.plans import TEXT, differences, mistakes, plan_of, rule, whole
from support.tables import for_each

from segcli.core.line_error import LineError
from segcli.plan.plan import Plan
from segcli.plan.reading import read_plan

BARE = {"type": "object", "properties": {"size": TEXT}, "required": ["size"]}
WHOLE = whole(required=("size",), size=TEXT)
EVENT = {"name": "Tried", "rules": WHOLE, "version": 1}
KEYED = rule("Tried", WHOLE)
BARE_RULE = rule("Tried", BARE)


def read(document: object) -> Plan:
    return read_plan("plan.json", json.dumps(document))


@for_each(
    "document",
    [
        {"data": {"rules": [KEYED], "pagination": {"current": "MA=="}}},
        {"data": {"trackingPlan": {"id": "tp_1", "rules": [KEYED]}}},
        {"name": "Typewriter", "rules": [BARE_RULE]},
        {"rules": [KEYED | {"jsonSchema": json.dumps(WHOLE)}]},
        [KEYED],
        [BARE_RULE],
        {"display_name": "Config API", "rules": {"events": [EVENT], "global": {}}},
        {"tracking_plan": {"rules": {"events": [EVENT]}}},
        {"name": "Typewriter 6", "events": [EVENT]},
    ],
)
def test_form_of_a_plan_is_recognized_by_its_structure(document: object) -> None:
    plan = read(document)

    assert not plan.mistakes
    assert differences(plan, properties={"size": "s"}) == []
    assert differences(plan) == ['plan-violation: properties.size is required on "Tried"']
    assert differences(plan, properties={"size": "s", "hue": 1}) == [
        'unplanned-property: properties.hue is not in the plan for "Tried"'
    ]


def test_byte_order_mark_and_white_space_are_ignored() -> None:
    assert not read_plan("plan.json", f"\n {json.dumps([KEYED])}").mistakes


@pytest.mark.parametrize(
    "properties",
    [{"properties": TEXT, "hue": TEXT}, {"name": TEXT, "type": TEXT}, {"traits": TEXT}],
)
def test_properties_named_like_event_fields_are_properties(
    properties: dict[str, Any],
) -> None:
    other = rule("Other", {"properties": {"hue": TEXT}})

    plan = read({"rules": [rule("Tried", {"properties": properties}), other]})

    assert differences(plan, properties=dict.fromkeys(properties, "text")) == []


def test_schema_of_only_properties_is_recognized_among_event_schemas() -> None:
    plan = plan_of(rule("A", WHOLE), rule("B", WHOLE), rule("Tried", BARE))

    assert differences(plan, properties={}) == [
        'plan-violation: properties.size is required on "Tried"'
    ]


@for_each(
    "document",
    [{}, [], {"rules": 1}, {"data": {}}, {"data": []}, {"data": {"data": 1}}, [1, {"a": 2}]],
)
def test_other_document_is_not_a_plan(document: object) -> None:
    with pytest.raises(ValueError, match="is not a tracking plan in a known form"):
        read(document)


@for_each(
    ("text", "problem", "line"),
    [
        ("{", "not JSON: it ends too early", 1),
        ('[\n{"key": 1\n"type": 2}]', "not JSON: unexpected", 3),
        ('[\n\n{"key": NaN}]', "not JSON", 3),
        ('[\n{"key": -Infinity}]', "not JSON", 2),
        ('["\\n \\ud83d\\ude00",\n"\\ud800"]', "not JSON: an unpaired surrogate", 2),
        ('[\n"\\ud800", ' + "1" * 5000 + "\n}", "not JSON", 3),
        ("\n" + "[\n" * 2000 + "]\n" * 2000, "nested deeper than 400 levels", 402),
    ],
)
def test_text_that_is_not_json_is_an_error_with_its_line(
    text: str, problem: str, line: int
) -> None:
    with pytest.raises(LineError, match=problem) as raised:
        read_plan("plan.json", text)

    assert raised.value.line == line


def test_a_name_that_an_object_has_twice_is_a_mistake() -> None:
    text = json.dumps([KEYED, KEYED | {"key": "B"}], indent=1)
    text = text.replace('"key": "B",', '"key": "B", "a/b": 1,\n"k\\u0065y": "C",\n"a/b": 2,')
    line = text[: text.index('"k\\u0065y"')].count("\n") + 1

    assert mistakes(read_plan("plan.json", text)) == [
        (line, "/1/key is given a second time: remove one of them"),
        (line + 1, "/1/a~1b is given a second time: remove one of them"),
    ]


def test_mistakes_are_named_with_json_pointers_and_lines() -> None:
    rules = [
        7,
        rule("A", call="ALIAS"),
        rule(None),
        rule("B", 5),
        rule("C", version="two"),
        rule("D"),
        rule("D"),
        rule("E", version="2"),
    ]
    text = json.dumps({"data": {"rules": rules, "pagination": {"next": "Mg=="}}}, indent=0)
    lines = text.split("\n")
    # Each mistake stands on a line of its own.
    expected = [
        ("/data/pagination/next", "says that more rules follow: join all pages", '"next": "Mg=="'),
        ("/data/rules/0", "is not an object", "7,"),
        (
            "/data/rules/1/type",
            "is not one of COMMON, GROUP, IDENTIFY, PAGE, SCREEN, TRACK",
            '"type": "ALIAS",',
        ),
        ("/data/rules/2/key", "is not the name of an event", '"key": null,'),
        ("/data/rules/3/jsonSchema", "is not a JSON Schema", '"jsonSchema": 5'),
        ("/data/rules/4/version", "is not a whole number", '"version": "two",'),
    ]

    found = mistakes(read_plan("plan.json", text))

    of_d = [number for number, line in enumerate(lines, 1) if line == '"key": "D",']
    said = '/data/rules/6/jsonSchema plans "D" a second time in version 1'
    second = (lines.index('"jsonSchema": {', of_d[1]) + 1, said)
    named = [(lines.index(line) + 1, f"{at} {said}") for at, said, line in expected]
    assert found == sorted([*named, second])


@for_each(
    ("form", "entry", "said"),
    [
        ("rules", {"type": "TRACK"}, "has no key: add it, the name of an event"),
        (
            "rules",
            {"key": "B"},
            "has no type: add it, one of COMMON, GROUP, IDENTIFY, PAGE, SCREEN, TRACK",
        ),
        ("rules", {"key": "B", "type": "TRACK"}, "has no jsonSchema: add it, a JSON Schema"),
        ("events", {"rules": {}}, "has no name: add it, the name of an event"),
    ],
)
def test_missing_key_is_named_at_the_line_of_its_rule(
    form: str, entry: dict[str, Any], said: str
) -> None:
    first = KEYED if form == "rules" else EVENT
    if "key" not in entry or "type" not in entry:
        entry = {"jsonSchema": WHOLE} | entry
    text = json.dumps({form: [first, first | {"version": 2}, 7]}, indent=1)
    text = text.replace(" 7", f" {json.dumps(entry)}")

    [(line, found)] = mistakes(read_plan("plan.json", text))

    assert found == f"/{form}/2 {said}"
    assert text.split("\n")[line - 1].strip() == json.dumps(entry)


def test_mistake_in_a_schema_that_is_a_text_has_the_line_of_the_text() -> None:
    schema = json.dumps({"properties": {"size": {"type": "Date"}}})
    text = json.dumps([KEYED, rule("B", schema)], indent=1)

    [(line, _)] = mistakes(read_plan("plan.json", text))

    assert text.split("\n")[line - 1].strip().startswith('"jsonSchema": "')


def test_mistakes_in_the_events_form_are_named() -> None:
    rules = {
        "events": [None, {"name": ""}, {"name": "A", "rules": []}],
        "global": [],
        "identify": "x",
        "identify_traits": [{"name": "email"}, {"text": 1}],
    }

    assert [text for _, text in mistakes(read({"rules": rules}))] == [
        "/rules/events/0 is not an object",
        "/rules/events/1/name is not the name of an event",
        "/rules/events/2/rules is not a JSON Schema",
        "/rules/identify is not a JSON Schema",
        "/rules/identify_traits/1 is not a trait with a name",
    ]
    assert [text for _, text in mistakes(read({"rules": {"events": 1}}))] == [
        "/rules/events is not a list"
    ]


def test_trait_lists_are_planned_traits() -> None:
    plan = read({"rules": {"events": [], "group_traits": [{"name": "seats"}, "size"]}})

    found = differences(plan, type="group", traits={"seats": 1, "size": 2, "hue": 3})

    assert found == ["unplanned-property: traits.hue is not in the plan for group"]


def test_empty_plan_is_a_mistake() -> None:
    assert mistakes(read({"rules": []})) == [(1, "the file plans nothing")]
    assert mistakes(read({"rules": {}})) == [(1, "the file plans nothing")]


def test_number_of_mistakes_is_bounded() -> None:
    assert len(read([KEYED, *([0] * 5000)]).mistakes) == 1000
