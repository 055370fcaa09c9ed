"""Events compared with plans: three kinds of differences, versions, common rules, coverage."""

import json

import pytest
from support.plans import TEXT, differences, mistakes, plan_of, rule, unseen, whole
from support.samples import event_of
from support.tables import for_each

from segcli.plan.index import PlanIndex
from segcli.plan.judge import Judge, PlanSeen
from segcli.plan.plan import Plan
from segcli.plan.reading import read_plan

ORDER = whole(
    required=("products",),
    products={"type": "array", "items": {"type": "object", "properties": {"sku": TEXT}}},
    coupon=TEXT,
)
PLAN = plan_of(rule("Tried", ORDER))
NUMBER = {"type": "number"}


def test_all_three_kinds_of_differences_are_found() -> None:
    properties = {"coupon": 5, "hue": 1, "products": [{"sku": "a"}, {"size": 2}, {"size": 3}]}

    assert differences(PLAN, event="Sold") == ['unplanned-event: event "Sold" is not in the plan']
    assert differences(PLAN) == ['plan-violation: properties.products is required on "Tried"']
    assert differences(PLAN, properties=properties) == [
        "plan-violation: properties.coupon has an invalid type: expected string, given integer "
        'on "Tried"',
        'unplanned-property: properties.hue is not in the plan for "Tried"',
        'unplanned-property: properties.products[].size is not in the plan for "Tried"',
    ]


@pytest.mark.parametrize("properties", [None, {}, ...])
def test_missing_properties_count_as_empty(properties: object) -> None:
    assert differences(
        plan_of(rule("Tried", ORDER | {"required": ["properties"]})),
        **({} if properties is ... else {"properties": properties}),
    ) == ['plan-violation: properties.products is required on "Tried"']


def test_similar_planned_event_name_is_suggested() -> None:
    (found,) = differences(PLAN, event="tried ")

    assert found.endswith('event "tried " is not in the plan; did you mean "Tried"?')
    marks = plan_of(rule("!"))
    assert differences(marks, event="?") == ['unplanned-event: event "?" is not in the plan']


def test_every_property_is_unplanned_if_none_is_planned() -> None:
    plan = plan_of(rule("Tried", {"properties": {"properties": {"type": "object"}}}))

    assert len(differences(plan, properties={"a": 1, "b": {}})) == 2


@for_each(
    "schema",
    [
        {"additionalProperties": True},
        {"additionalProperties": TEXT},
        {"patternProperties": {"^h": {}}},
        {"allOf": [{"additionalProperties": {}}]},
        {"anyOf": [{"properties": {"a": {}}}, {"properties": {"hue": {}}}]},
        {"if": {"required": ["hue"]}},
        {"dependencies": {"a": {"properties": {"hue": {}}}}},
    ],
)
def test_property_may_be_planned_in_any_schema_form(schema: dict[str, object]) -> None:
    plan = plan_of(rule("Tried", {"properties": {"properties": schema}}))

    assert differences(plan, properties={"hue": "red"}) == []


def test_property_forbidden_by_additional_properties_is_reported_once() -> None:
    plan = plan_of(
        rule("Tried", {"properties": {"properties": {"additionalProperties": False}}}),
    )

    assert differences(plan, properties={"hue": 1}) == [
        'unplanned-property: properties.hue is not in the plan for "Tried"'
    ]


def test_object_without_planned_fields_may_have_any_field() -> None:
    plan = plan_of(rule("Tried", whole(one={"type": "object"}, two={"properties": {"a": {}}})))

    assert differences(plan, properties={"one": {"b": 1}, "two": {"b": 1}}) == [
        'unplanned-property: properties.two.b is not in the plan for "Tried"'
    ]


VERSIONS = plan_of(
    rule("Tried", whole(required=("c",), c={}), version=4),
    rule("Tried", whole(required=("a",), a={}), version=2),
    rule("Tried", whole(required=("b",), b={}), version=3),
)


@for_each(
    ("version", "wanted"),
    [
        *((2, "a"), (3, "b"), (4, "c"), (3.0, "b"), (4e0, "c"), (None, "a")),
    ],
)
def test_event_version_selects_the_rule_else_the_oldest(version: object, wanted: str) -> None:
    context = {"protocols": {"event_version": version}}

    assert differences(VERSIONS, context=context, properties={wanted: 1}) == []
    number = {"a": 2, "b": 3, "c": 4}[wanted]
    assert differences(VERSIONS, context=context) == [
        f'plan-violation: properties.{wanted} is required on "Tried" (version {number})'
    ]


@for_each(
    ("version", "problem"),
    [
        *((one, "is not in the plan") for one in (1, 5, 1e300)),
        *((one, "is not a whole number") for one in (3.2, "3", "", True, [], {})),
    ],
)
def test_a_version_that_the_plan_does_not_have_is_named(version: object, problem: str) -> None:
    context = {"protocols": {"event_version": version}}
    one = plan_of(rule("Tried", whole(required=("a",), a={}), version=2))

    for plan in (VERSIONS, one):
        assert differences(plan, context=context, properties={"a": 1}) == [
            f'other-version: context.protocols.event_version {problem} for "Tried"; it is '
            "compared with version 2"
        ]
    assert differences(VERSIONS, context=context, event="Other") == [
        'unplanned-event: event "Other" is not in the plan'
    ]


@for_each("context", [..., None, {}, {"protocols": None}, {"protocols": "2"}])
def test_event_without_a_version_uses_the_oldest_rule(context: object) -> None:
    assert differences(VERSIONS, context=context, properties={"a": 1}) == []


def test_common_rules_apply_to_every_event() -> None:
    common = {"properties": {"context": {"required": ["ip"]}, "properties": {}}}
    common["properties"]["properties"] = {"properties": {"brand": TEXT}}
    plan = plan_of(rule("Tried", ORDER), rule(None, common, call="COMMON"))

    assert differences(plan, context={"ip": "i"}, properties={"products": [], "brand": "b"}) == []
    assert differences(plan, context={}, properties={"products": [], "brand": 1}) == [
        'plan-violation: context.ip is required on "Tried"',
        "plan-violation: properties.brand has an invalid type: expected string, given integer "
        'on "Tried"',
    ]
    assert differences(plan, event="Other", context={}) == [
        'unplanned-event: event "Other" is not in the plan',
        "plan-violation: context.ip is required on track",
    ]
    for call in ("alias", "identify", "page"):
        assert differences(plan, type=call, context={}) == [
            f"plan-violation: context.ip is required on {call}"
        ]


def test_rules_apply_to_calls_other_than_track() -> None:
    plan = plan_of(
        rule(None, whole("traits", ("email",), email=TEXT), call="IDENTIFY"),
        rule("", whole("traits", seats=NUMBER), call="group"),
        rule("Home", whole(required=("tab",), tab=TEXT), call="Page"),
        rule(None, whole(required=("url",), url=TEXT), call="PAGE"),
    )

    assert mistakes(plan) == []
    assert differences(plan, type="identify", traits={"hue": 1}) == [
        "plan-violation: traits.email is required on identify",
        "unplanned-property: traits.hue is not in the plan for identify",
    ]
    assert differences(plan, type="group", traits={"seats": "2"}) == [
        "plan-violation: traits.seats has an invalid type: expected number, given string on group"
    ]
    # A page has fields that no plan knows of.
    assert differences(plan, type="page", name="Home", properties={"title": "t"}) == [
        'plan-violation: properties.tab is required on page "Home"'
    ]
    for name in ("Other", None, "", 5, ...):
        assert differences(plan, type="page", name=name) == [
            "plan-violation: properties.url is required on page"
        ]
    for call in ("screen", "alias"):
        assert differences(plan, type=call, name="Home") == []


def test_several_plans_are_merged() -> None:
    one = plan_of(rule("Tried", whole(required=("a",), a={})), rule("Only One"))
    two = plan_of(rule("Tried", whole(required=("b",), b={}), version=2), rule("Only Two"))

    for name in ("Only One", "Only Two"):
        assert differences([one, two], event=name) == []
    assert differences([one, two], properties={"a": 1, "b": 2}) == []
    assert differences([one, two], properties={"c": 3}) == [
        'plan-violation: properties.a is required on "Tried" (version 1)',
        'plan-violation: properties.b is required on "Tried" (version 1)',
        'unplanned-property: properties.c is not in the plan for "Tried" (version 1)',
    ]


def test_coverage_lists_planned_but_unseen_events_and_properties() -> None:
    plan = plan_of(
        rule("Tried", ORDER),
        rule("Never"),
        rule("Tried", ORDER, version=2),
        rule(None, whole("traits", email=TEXT, name=TEXT), call="IDENTIFY"),
        rule(None, {"properties": {"properties": {"properties": {"brand": {}}}}}, call="COMMON"),
    )
    one = {"properties": {"products": [{"size": 1}]}}
    two = {"type": "identify", "traits": {"email": "e"}}

    assert unseen(plan) == [
        '"Tried" (version 1)',
        '"Tried" (version 2)',
        '"Never"',
        "identify",
    ]
    assert unseen(plan, one, two, one) == [
        '"Tried" (version 1) properties.coupon',
        '"Tried" (version 1) properties.products[].sku',
        '"Tried" (version 2)',
        '"Never"',
        "identify traits.name",
    ]
    three = {"properties": {"products": [{}, {"sku": 1}], "coupon": "c"}}
    assert unseen(plan, two, three)[0] == '"Tried" (version 2)'


def test_numbers_beyond_a_double_are_compared_with_all_digits() -> None:
    plan = plan_of(rule("Tried", whole(n={"type": "integer", "maximum": 10**30})))

    assert differences(plan, properties={"n": 10**30}) == []
    assert differences(plan, properties={"n": 10**30 + 1}) != []


def test_long_names_are_cut() -> None:
    (event,) = differences(PLAN, event="x" * 5000)
    (field,) = differences(plan_of(rule("Tried")), properties={"y" * 5000: 1})

    assert len(event) < 200
    assert len(field) < 300


def test_judge_gives_the_same_result_for_a_known_shape() -> None:
    judge = Judge(PlanIndex([PLAN]))
    good = event_of(properties={"products": [{"sku": "s"}]}).data
    bad = event_of(properties={"products": [{"hue": "s"}]}).data

    for _ in range(3):
        seen = PlanSeen()
        assert judge.compare(good, seen, 1) == []
        assert [one.field for one in judge.compare(bad, seen, 2)] == ["properties.products[].hue"]
        assert seen.checked == 2


def test_a_long_path_is_cut_in_the_coverage_as_in_a_difference() -> None:
    plan = plan_of(rule("Tried", whole(**{"q" * 5000: {}})))

    (found,) = unseen(plan, {"properties": {}})

    assert found == f'"Tried" properties.{"q" * 189}…'


def test_a_violation_names_its_plan_if_the_event_has_rules_in_several() -> None:
    def titled(title: str, *rules: object) -> Plan:
        return read_plan(title, json.dumps({"rules": rules}))

    text, number = ({"properties": {"size": {"type": kind}}} for kind in ("string", "integer"))
    one = titled("a.json", rule("Tried", text))
    contrary = titled("b.json", rule("Tried", number), rule("Other", number))

    kinds = {1: ("string", "integer", "a"), "s": ("integer", "string", "b")}
    for value, (expected, given, name) in kinds.items():
        assert differences([one, contrary], properties={"size": value}) == [
            f"plan-violation: properties.size has an invalid type: expected {expected}, "
            f'given {given} on "Tried" in {name}.json'
        ]
    assert differences([one, contrary], event="Other", properties={"size": "s"}) == [
        "plan-violation: properties.size has an invalid type: expected integer, given string "
        'on "Other"'
    ]
    # The same file, named twice, is one plan.
    assert len(differences([one, one], properties={"size": 1})) == 1
