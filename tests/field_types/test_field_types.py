"""Payloads are cleaned, converted and checked by the types of their fields."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.event_strategies import values
from support.field_types import FIELDS
from support.tables import for_each

from segcli.core.event import Rejected
from segcli.core.exact_json import dumps
from segcli.field_types import FIELD_KINDS, compiled_fields, field_types, problems_of


def made(entry: Any, value: Any, *, in_batch: bool = False) -> Any:
    """Return what becomes of the field `a`; the reason, if the payload is rejected."""
    try:
        found = compiled_fields(field_types({"a": entry}), in_batch=in_batch)({"a": value})
    except Rejected as rejected:
        return str(rejected)
    return found.get("a", "absent")


@for_each(
    ("entry", "value", "expected"),
    [
        ("string", None, "absent"),
        ("string", "", "absent"),
        ("string null", None, None),
        ("number", "", "absent"),
        ("object", {"b": None, "c": ""}, {"b": None, "c": ""}),
        ("string multiple", ["x", None, ""], ["x", ""]),
        ("number multiple", [1, None, ""], [1]),
        ("object multiple", [{"b": None}], [{"b": None}]),
        ("object multiple", [], []),
        ({"type": "object", "properties": {"b": "number"}}, {"b": ""}, {}),
        ({"type": "object", "properties": {"b": "string"}}, {"b": ""}, {"b": ""}),
    ],
)
def test_empty_values_go(entry: Any, value: Any, expected: Any) -> None:
    assert made(entry, value) == expected


@for_each(
    ("entry", "value", "expected"),
    [
        ("string", 12.0, "12"),
        ("string", Decimal("123456789012345678901234567890"), "123456789012345678901234567890"),
        ("string", True, "true"),
        ("string", ["x"], "x"),
        ("string", [7], "7"),
        ("number", " 0x1f ", 31),
        ("number", "  ", 0),
        ("number", "9007199254740993", 9007199254740993),
        ("number", "12.50", 12.5),
        ("number", True, 1),
        ("integer", "12.0", 12),
        ("integer", 12.0, 12.0),
        ("boolean", "true", True),
        ("boolean", 0, False),
        ("datetime", [12], "12"),
        ("datetime", ["12"], 12),
        ("string multiple", "x", ["x"]),
        ("string multiple", [1, True], ["1", "true"]),
        ("number null", "", "absent"),
        ("integer null", [""], None),
        ("string null", [1], "1"),
    ],
)
def test_a_value_of_another_type_is_converted_if_nothing_is_lost(
    entry: Any, value: Any, expected: Any
) -> None:
    found = made(entry, value)

    assert (found, type(found)) == (expected, type(expected))


@for_each(
    ("entry", "value", "reason"),
    [
        ("string", {}, "a must be a text, not an object"),
        ("string", ["x", "y"], "a must be a text, not a list"),
        ("number", "12px", "a must be a number, not a text"),
        ("number", "1e400", "a must be a number, not a text"),
        ("integer", 12.5, "a must be a whole number, not a number"),
        ("boolean", "True", "a must be true or false, not a text"),
        ("datetime", "tomorrow", "a must be a date or a number"),
        ("datetime", ["2024-02-03"], "a must be a text or a number, not a list"),
        ("object", [{}], "a must be an object, not a list"),
        ("number multiple", ["x", "y", 1], "a[] must be a number, not a text"),
        ("string email", "a@b", "a must be an email address"),
        ({"choices": ["x", {"value": "y", "label": "Y"}]}, "z", "a must be one of x, y"),
        ({"type": "number", "choices": [1, 2]}, "3", "a must be one of 1, 2"),
        ({"type": "number", "maximum": 5}, "6", "a must be at most 5"),
        ({"minimum": 2}, "x", "a must be at least 2 characters long"),
        (
            {"type": "object", "properties": {"b": "number required", "c": "number"}},
            {"c": "x"},
            "a.b is missing; a.c must be a number, not a text",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_rejected_with_its_path(
    entry: Any, value: Any, reason: str
) -> None:
    assert made(entry, value) == reason


def test_all_mistakes_are_reported_in_the_order_of_the_fields() -> None:
    fields = {
        "id": "string required",
        "n": "number",
        "items": {
            "type": "object",
            "multiple": True,
            "properties": {"sku": "string required", "count": "integer"},
        },
    }
    payload = {"items": [{"count": "x"}, {"count": 1.5, "sku": "s"}], "n": "x"}

    with pytest.raises(Rejected) as caught:
        compiled_fields(field_types(fields))(payload)

    assert str(caught.value) == (
        "id is missing; n must be a number, not a text; items[].sku is missing; "
        "items[].count must be a whole number, not a text; "
        "items[].count must be a whole number, not a number"
    )


def test_a_reason_names_at_most_100_mistakes() -> None:
    fields = field_types({f"f{place}": "string required" for place in range(150)})

    with pytest.raises(Rejected, match=r"f99 is missing; and 50 more$"):
        compiled_fields(fields)({})


@for_each(
    ("condition", "payload", "is_missing"),
    [
        ({"fieldKey": "kind", "operator": "is", "value": "x"}, {"kind": "x"}, True),
        ({"fieldKey": "kind", "operator": "is", "value": "x"}, {"kind": "y"}, False),
        ({"fieldKey": "kind", "operator": "is", "value": "x"}, {}, False),
        ({"fieldKey": "kind", "operator": "is_not", "value": "x"}, {"kind": "y"}, True),
        ({"fieldKey": "kind", "operator": "is_not", "value": "x"}, {}, False),
        ({"fieldKey": "kind", "operator": "is"}, {}, True),
        ({"fieldKey": "kind", "operator": "is"}, {"kind": False}, True),
        ({"fieldKey": "kind", "operator": "is"}, {"kind": "x"}, False),
        ({"fieldKey": "kind", "operator": "is_not"}, {"kind": "x"}, True),
        ({"fieldKey": "kind", "operator": "is_not"}, {"kind": [""]}, False),
        ({"fieldKey": "o.p", "operator": "is", "value": "x"}, {"o": {"p": "x"}}, True),
        ({"fieldKey": "o.p", "operator": "is", "value": "x"}, {"o": {"p": 1}}, False),
        ({"fieldKey": "o.p", "operator": "is", "value": "x"}, {"o": {}}, False),
        ({"fieldKey": "o.p", "operator": "is", "value": "x"}, {}, False),
        ({"fieldKey": "o.p", "operator": "is_not", "value": "x"}, {"o": {"p": True}}, True),
        ({"fieldKey": "o.p", "operator": "is"}, {"o": {"p": 1}}, True),
        ({"fieldKey": "o.p", "operator": "is_not"}, {"o": {"p": 1}}, False),
        ({"fieldKey": "o", "operator": "is", "value": {"p": [1]}}, {"o": {"p": [1]}}, True),
        ({"fieldKey": "o", "operator": "is", "value": {"p": [1]}}, {"o": {"p": [True]}}, False),
        ({"fieldKey": "o", "operator": "is", "value": ["x"]}, {"o": {"p": 1}}, False),
    ],
)
def test_a_field_is_required_where_its_condition_holds(
    condition: dict[str, Any], payload: dict[str, Any], is_missing: bool
) -> None:
    fields = {"id": {"required": {"conditions": [condition]}}, "kind": "string", "o": "object"}
    assert not [*problems_of(fields)]
    conform = compiled_fields(field_types(fields))

    assert conform(payload | {"id": "i"})["id"] == "i"
    if is_missing:
        with pytest.raises(Rejected, match=r"^id is missing$"):
            conform(payload)
    else:
        conform(payload)


def test_a_condition_that_looks_for_a_field_makes_an_empty_value_an_empty_text() -> None:
    condition = {"conditions": [{"fieldKey": "kind", "operator": "is"}]}
    fields = field_types({"id": {"required": condition}, "kind": "string"})

    assert compiled_fields(fields)({"id": "i", "kind": False}) == {"id": "i", "kind": ""}


@pytest.mark.parametrize("match", ["any", "all"])
def test_several_conditions_hold_if_any_or_all_of_them_do(match: str) -> None:
    conditions = [
        {"fieldKey": "b", "operator": "is", "value": 1},
        {"fieldKey": "c", "operator": "is"},
    ]
    fields = {"a": {"required": {"conditions": conditions, "match": match}}}
    conform = compiled_fields(field_types(fields | {"b": "number", "c": "number"}))

    assert conform({"b": 2, "c": 0}) == {"b": 2, "c": 0}
    with pytest.raises(Rejected, match="a is missing"):
        conform({"b": 1})
    if match == "any":
        with pytest.raises(Rejected, match="a is missing"):
            conform({"b": 1, "c": 2})
    else:
        conform({"b": 1, "c": 2})


def test_in_a_batch_an_empty_text_stays_in_a_text() -> None:
    assert made("string required", "") == "a is missing"
    assert not made("string required", "", in_batch=True)
    assert made("number", "", in_batch=True) == "absent"


def test_unknown_fields_are_removed_unless_the_object_accepts_others() -> None:
    inner = {"type": "object", "properties": {"b": "string"}}
    conform = compiled_fields(
        field_types({"a": inner, "o": inner | {"additionalProperties": True}, "any": "object"})
    )
    odd = {"b": "x", "c": None}

    assert conform(
        {"a": odd, "o": odd, "any": odd, "z": 1, "dynamicAuthSettings": {"k": None}}
    ) == {
        "a": {"b": "x"},
        "o": odd,
        "any": odd,
        "dynamicAuthSettings": {"k": None},
    }


@for_each(
    ("name", "good", "bad"),
    [
        ("email", "a.b+c@d-e.example", "a..b@d.example"),
        ("uri", "https://a.example/x?y=1#z", "https://a.example/a b"),
        ("uri", "mailto:x@y.example", "a/b"),
        ("uri", "https://a%41b/%42?%43#%44", "https://a.example/a%4"),
        ("uri", "x://[::1]:80/a", "x://a/[::1]"),
        ("uri-reference", "/a?b", "a\\b"),
        ("uri-template", "https://a.example/{user}{?q*,page:3}", "https://a.example/{user"),
        ("uri-template", "/%41{a%42,b*}", "/a%4"),
        ("uri-template", "{a:9999}", "{a:10000}"),
        ("date", "2024-02-29", "2023-02-29"),
        ("date-time", "2024-02-03 04:05:06", "2024-02-30T04:05:06Z"),
        ("date-time", "2024-02-03T04:05:06.789+01:00", "2024-02-03"),
        ("time", "23:59:59Z", "24:00:00Z"),
        ("ipv4", "1.2.3.4", "256.1.1.1"),
        ("ipv6", "::1", "fe80::1%eth0"),
        ("hostname", "a-b.example", "-a.example"),
        ("uuid", "123E4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"),
        ("regex", "(?<year>[0-9]{4})", "("),
        ("text", "(", None),
        ("password", "x", None),
    ],
)
def test_a_format_accepts_texts_of_its_form(name: str, good: str, bad: str | None) -> None:
    assert made(f"string {name}", good) == good
    if bad is not None:
        assert "must be" in made(f"string {name}", bad)


@for_each(
    ("name", "begins", "repeated", "ends"),
    [
        ("uri", "a://", "%41", " "),
        ("uri", "a:", "a%41", "["),
        ("uri", "a:?", "a", " "),
        ("uri", "a:#", "%41", "#"),
        ("uri", "a://[::1]:", "1", " "),
        ("uri-template", "", "a%41", " "),
        ("uri-template", "{", "a", "%"),
        ("uri-template", "{", "%41", ""),
        ("uri-template", "{a", ",a:123", "{"),
        ("uri-template", "", "{a,b*}", "{a"),
    ],
)
def test_long_text_of_a_wrong_form_is_refused_in_linear_time(
    name: str, begins: str, repeated: str, ends: str
) -> None:
    # Where the time grows with the square of the length, this takes more than five minutes.
    assert "must be" in made(f"string {name}", begins + repeated * 300_000 + ends)


@for_each(
    "text",
    ["2024", "20240203", "2024-13-45", "2024-02-03T04:05:06+02:00", "Feb 3 2024", "-1", "12.5"],
)
def test_a_datetime_accepts_the_dates_of_javascript(text: str) -> None:
    assert made("datetime", text) == text


PLAIN: dict[str, Any] = {
    "string": "x",
    "text": "x",
    "password": "x",
    "datetime": "2024-02-03T04:05:06Z",
    "number": 1.5,
    "integer": 3,
    "boolean": False,
    "object": {"b": None},
}


@given(FIELDS, st.dictionaries(st.sampled_from("abcd"), values, max_size=4), st.booleans())
def test_no_fields_and_no_payload_raise_anything_but_rejected(
    fields: dict[str, Any], payload: dict[str, Any], in_batch: bool
) -> None:
    assert not [*problems_of(fields)]
    before = dumps(payload)

    with suppress(Rejected):
        found = compiled_fields(field_types(fields), in_batch=in_batch)(payload)
        assert found.keys() <= fields.keys()
        dumps(found)
    assert dumps(payload) == before


@for_each("kind", FIELD_KINDS)
def test_a_value_of_the_right_type_is_unchanged(kind: str) -> None:
    assert made(kind, PLAIN[kind]) is PLAIN[kind]
    assert made(f"{kind} multiple", [PLAIN[kind]]) == [PLAIN[kind]]


@for_each(
    ("fields", "where", "problem"),
    [
        ({"a": "strin"}, ("a",), "must begin with a type: string, text, password, datetime"),
        ({"a": ""}, ("a",), "must begin with a type"),
        ({"a": "string requird"}, ("a",), "Did you mean required?"),
        ({"a": "string zzz"}, ("a",), "The words are required, multiple, null, email"),
        ({"a": {"type": "string", "properties": {}}}, ("a", "properties"), "object"),
        ({"a": {"choices": [[]]}}, ("a", "choices", 0), "must be a text, a number"),
        ({"a": {"minimum": 5, "maximum": 2}}, ("a", "minimum"), "larger than the maximum"),
        (
            {"name": {"required": {"conditions": [{"fieldKey": "nme", "operator": "is"}]}}},
            ("name", "required", "conditions", 0, "fieldKey"),
            "names no field of this action. Did you mean name?",
        ),
        (
            {"o": {"properties": {"p": "x y"}}},
            ("o", "properties", "p"),
            "must begin with a type",
        ),
    ],
)
def test_a_mistake_in_fields_is_reported_with_its_place(
    fields: dict[str, Any], where: tuple[str | int, ...], problem: str
) -> None:
    [(path, found)] = problems_of(fields)

    assert path == where
    assert problem in found
