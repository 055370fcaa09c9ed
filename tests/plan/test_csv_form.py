"""The CSV of Segment's web app: other column names, and mistakes with their lines."""

import pytest
from support.plans import differences, mistakes
from support.tables import for_each

from segcli.core.line_error import LineError
from segcli.plan.plan import Plan
from segcli.plan.reading import read_plan

HEADER = "Event Name,Property Name,Type,Required,Permitted Values"


def read(*rows: str, header: str = HEADER, end: str = "\n") -> Plan:
    return read_plan("plan.csv", end.join([header, *rows]) + end)


@for_each(
    ("header", "rows"),
    [
        (HEADER, ["Tried,size,string,yes,"]),
        ("event_name;property_name;data_type;status", ["Tried;size;String;Required"]),
        ("Track Call\tProperty\tProperty Type\tIs Required?", ["Tried\tsize\tstring\tTRUE"]),
        ("Name,Description,Status,Data Type", ["Tried,What,,", "size,How large,required,string"]),
        ("Event Type,Event Name,Type,Trait Name,Required", ["Track,Tried,string,size,1"]),
        ("Event Name,Property Name,Property Type,Required", ["Tried,,,", ",size,string,x"]),
    ],
)
@for_each("end", ["\n", "\r\n", "\r"])
def test_columns_have_several_names(header: str, rows: list[str], end: str) -> None:
    plan = read(*rows, header=header, end=end)

    assert not plan.mistakes
    assert differences(plan, properties={"size": "s"}) == []
    assert differences(plan) == ['plan-violation: properties.size is required on "Tried"']
    assert differences(plan, properties={"size": 1}) == [
        "plan-violation: properties.size has an invalid type: expected string, given integer "
        'on "Tried"'
    ]


@for_each(
    ("written", "good", "bad"),
    [
        ("any", [1, "a", None], []),
        ("", [1, "a"], []),
        ("Date time", ["2026-01-05T10:00:00Z", "2026-01-05"], ["soon", 5]),
        ("integer", [1, 2.0], [1.5, "1"]),
        ("string | null", ["a", None], [1]),
        ("number, string", ["a", 1.5], [None]),
        ("boolean or string", [True, "x"], [3]),
    ],
)
def test_property_types_are_checked(written: str, good: list[object], bad: list[object]) -> None:
    plan = read(f'Tried,size,"{written}",yes,')

    assert not plan.mistakes
    assert [value for value in good if differences(plan, properties={"size": value})] == []
    assert [value for value in bad if not differences(plan, properties={"size": value})] == []


def test_permitted_values_are_checked_as_a_pattern() -> None:
    plan = read("Tried,season,string,no,fall|winter", "Tried,step,integer,no,1|2")

    assert differences(plan, properties={"season": "winter", "step": 7}) == []
    assert differences(plan, properties={"season": "May"}) == [
        'plan-violation: properties.season does not match pattern "fall|winter" on "Tried"'
    ]
    assert mistakes(plan) == [
        (3, "step has permitted values, which Segment compares with text only")
    ]
    assert plan.mistakes[0].is_harmless


def test_nested_properties_are_checked() -> None:
    plan = read(
        "Tried,products,array,yes,",
        ",products.sku,string,yes,",
        ",items[].sku,string,yes,",
        ",campaign,object,no,",
        ",campaign.name,string,yes,",
        ",odd.name,string,no,",
    )

    good = {
        "products": [{"sku": "s"}],
        "items": [{"sku": "s"}],
        "campaign": {"name": "n"},
        "odd.name": "o",
    }
    assert differences(plan, properties=good) == []
    assert differences(plan, properties={"products": [{"hue": 1}], "campaign": {}}) == [
        'plan-violation: properties.campaign.name is required on "Tried"',
        'plan-violation: properties.products[].sku is required on "Tried"',
        'unplanned-property: properties.products[].hue is not in the plan for "Tried"',
    ]


def test_versions_and_other_call_types_are_read() -> None:
    plan = read(
        "Track,Tried,1,size,yes",
        "track,Tried,v2,hue,yes",
        "Identify,,,email,yes",
        "Screen,Home,,tab,yes",
        header="Event Type,Event Name,Version,Property Name,Required",
    )

    assert not plan.mistakes
    two = {"protocols": {"event_version": 2}}
    assert differences(plan, context=two, properties={"hue": 1}) == []
    assert differences(plan, type="identify") == [
        "plan-violation: traits.email is required on identify"
    ]
    assert differences(plan, type="screen", name="Home") == [
        'plan-violation: properties.tab is required on screen "Home"'
    ]


def test_mistakes_are_named_with_their_lines() -> None:
    rows = [
        ",size,string,yes,,,",
        "Tried,size,text,yes,,,",
        'Tried,"hue",string,"may',
        'be",,,',
        ",hue,string,no,,,",
        "Other,size,string,no,(,,",
        "Other,weight,number,no,,Shout,",
        ",height,number,yes,,,",
        "Other,width,number,no,,track,3.2",
    ]
    plan = read(*rows, header=f"{HEADER},Event Type,Version,Secret Sauce")

    assert mistakes(plan) == [
        (1, "Secret Sauce is not a known column and is ignored"),
        (2, "the row has no event, and no row above has one: name its event"),
        (
            3,
            "size has the type text, which is not one of any, array, boolean, date time, integer, "
            "null, number, object, string",
        ),
        (4, "hue has may\nbe, which is neither required nor optional"),
        (6, "hue is planned a second time"),
        (
            7,
            "size has permitted values that are not a regular expression that Segment accepts: "
            "missing ), unterminated subpattern, at character 1",
        ),
        (
            8,
            "the row has the type Shout, which is not one of track, page, screen, identify, group",
        ),
        (10, "the row has the version 3.2, which is not a whole number"),
    ]
    assert [one.is_harmless for one in plan.mistakes] == [True] + [False] * 7


def test_properties_below_an_event_of_an_unknown_type_belong_to_no_other_event() -> None:
    plan = read(
        "Tried,size,string,no,,", "Other,,,,,Shout", ",hue,string,yes,,", header=f"{HEADER},Call"
    )

    assert len(plan.mistakes) == 1
    assert differences(plan, properties={"hue": 1}) == [
        'unplanned-property: properties.hue is not in the plan for "Tried"'
    ]


@for_each("name", ["..", "[]", ".", "a..b", ".a", "a.", "a[].", "a[].[]", "a.$..b"])
def test_a_property_without_a_name_is_a_mistake(name: str) -> None:
    assert mistakes(read(f"Tried,{name},string,no,")) == [
        (2, f"{name} is not the name of a property: a part between its dots is empty")
    ]


def test_a_property_that_is_nested_too_deep_is_a_mistake() -> None:
    [(line, text)] = mistakes(read(f"Tried,a[]{'.b' * 5000},string,no,"))

    assert (line, text[-34:]) == (2, "… is nested deeper than 100 levels")


@pytest.mark.parametrize(
    "text", ["", "one line", "a,b\n1,2\n", "Property Name,Type\nsize,string\n"]
)
def test_csv_without_an_event_column_is_not_a_plan(text: str) -> None:
    with pytest.raises(ValueError, match="is not a tracking plan in a known form"):
        read_plan("plan.csv", text)


@pytest.mark.parametrize(
    "row", ['Tried,"size', 'Tried,"si"ze",string', f"Tried,{'x' * 200_000},string"]
)
def test_broken_csv_row_is_a_mistake(row: str) -> None:
    plan = read("Other,size,string,no,", row)

    assert any("the row is not one of a CSV" in text for _, text in mistakes(plan))


def test_a_second_column_of_the_same_meaning_is_reported_as_ignored() -> None:
    plan = read("Tried,size,yes,optional", header="Event Name,Property Name,Required,Status")

    assert mistakes(plan) == [
        (1, "Status is for the same as the column Required before it and is ignored")
    ]
    assert plan.mistakes[0].is_harmless
    assert differences(plan) == ['plan-violation: properties.size is required on "Tried"']


def test_a_merge_conflict_is_not_read_as_rows() -> None:
    rows = ["<<<<<<< HEAD", "Tried,size,string,yes,", "=======", ">>>>>>> other"]

    with pytest.raises(LineError, match=r"^has a merge conflict$") as raised:
        read(*rows)
    assert raised.value.line == 2
