"""All mistakes in a destination file are reported together, each with its key."""

import json
from importlib.util import find_spec
from typing import Any

import pytest
from support.destination_file import ACME, acme, changed, mistakes_in
from support.destination_file_errors import MISTAKES, ROUTED
from support.documents import GUIDES
from support.samples import EXAMPLES
from support.tables import for_each

from segcli.destination_file import schema_text
from segcli.destination_file.problems import SECTIONS
from segcli.destination_source import find_destination
from segcli.errors import DestinationError


@for_each(
    ("changes", "said"),
    MISTAKES,
)
def test_mistake_is_reported_with_its_key(changes: dict[str, Any], said: list[str]) -> None:
    assert mistakes_in(changed(ACME, changes)) == said


@for_each(
    ("changes", "section"),
    [
        ({"lable": "x"}, "The file"),
        ({"name": "gist"}, "The file"),
        ({"settings.class": {}}, "settings.NAME"),
        ({"request.url": "acme.example"}, "request"),
        ({"request.body": {"a": {"@pth": "$.b"}}}, "Bodies"),
        ({"request.auth": {"oauth": {"token_url": "x"}}}, "OAuth"),
        ({"batch": {"events": 0}}, "batch"),
        ({"reply": {"retry": [99]}}, "reply"),
        ({"reply": {"success": "event = "}}, "FQL"),
        ({"reply": {"items": {"index": 5}}}, "reply.items"),
        ({"limits": {"rate": 0}}, "limits"),
        ({"actions.0.subscrib": "x"}, "actions"),
        ({"actions.0.subscribe": 'type = "trak"'}, "FQL"),
        ({"actions.0.mapping": []}, "Mappings"),
        ({"actions.0.mapping": {"user": {"@tmplate": "x"}}}, "Directives"),
        ({"actions.0.fields": {"a": "strng"}}, "Field types"),
    ],
)
def test_the_hint_names_the_section_of_the_guide(changes: dict[str, Any], section: str) -> None:
    with pytest.raises(DestinationError) as caught:
        acme(changes)

    expected = f"`segcli guide destination-files` describes it, in the section {section}."
    assert caught.value.hint == expected


def test_mistakes_of_several_sections_get_the_guide() -> None:
    with pytest.raises(DestinationError) as caught:
        acme({"limits": {"rate": 0}, "batch": {"events": 0}})

    assert caught.value.hint == "`segcli guide destination-files` describes every key."


def test_every_section_of_a_hint_is_in_the_guide() -> None:
    lines = GUIDES["destination-files"].read_text().splitlines()
    titles = {line.lstrip("# ").replace("`", "") for line in lines if line.startswith("##")}

    assert set(SECTIONS.values()) <= titles


def test_every_table_of_a_file_has_a_section() -> None:
    of_the_file = {"$schema", "name", "label", "about", "not_taken", "fan_out"}
    keys = set(json.loads(schema_text())["properties"])

    assert keys - of_the_file == {path[0] for path in SECTIONS if path}


def test_base_description_has_no_mistake() -> None:
    assert mistakes_in(ACME) == []
    assert mistakes_in(changed(ACME, ROUTED)) == []


def test_all_mistakes_are_reported_together() -> None:
    alone = [change for change, said in MISTAKES if len(said) == 1]
    picked = [
        {"limits": {"rate": 0}},
        {"request.method": "HEAD"},
        {"actions.0.subscribe": 'type = "trak"'},
        {"settings.class": {}},
        {"reply": {"retry": [99]}},
        {"batch": {"events": 0}},
        {"lable": "x"},
    ]
    assert all(one in alone for one in picked[:-1])
    said = mistakes_in(changed(ACME, {key: to for change in picked for key, to in change.items()}))

    assert len(said) == 7
    assert {line.partition(":")[0] for line in said} == {
        "limits.rate", "request.method", "actions[0].subscribe", "settings.class",
        "reply.retry[0]", "batch.events", "lable",
    }  # fmt: skip


@for_each(
    ("required", "said"),
    [
        ({"conditions": []}, "conditions: must not be empty"),
        ({"conditions": 5}, "conditions: must be a list, not a whole number"),
        ({"match": "any"}, "conditions: is missing"),
        ({"conditions": [{"fieldKey": "b", "operator": 1}]}, "operator: must be is or is_not"),
    ],
)
def test_a_key_that_is_wrong_is_not_missing_as_well(required: Any, said: str) -> None:
    fields = {"a": {"type": "string", "required": required}, "b": "string"}
    [found] = mistakes_in(changed(ACME, {"actions.0.fields": fields}))

    assert found.startswith("actions[0].fields.a.required.conditions")
    assert said in found


@pytest.mark.skipif(not find_spec("phonenumbers"), reason="phonenumbers is not installed")
@for_each(
    ("country", "said"),
    [
        ("Germany", 'must be the two letters of a country, such as "DE" for Germany'),
        ("DEU", 'must be the two letters of a country, such as "DE" for Germany'),
        ("49", 'must be the two letters of a country, such as "DE" for Germany'),
        ("", 'must be the two letters of a country, such as "DE" for Germany'),
        ("uk", 'such as "DE" for Germany; UK is none: write GB'),
        ("XX", 'such as "DE" for Germany; XX is none'),
        ("DE", None),
        ("gb", None),
        ({"@path": "$.traits.country"}, None),
        ({"@setting": "country"}, None),
    ],
)
def test_the_country_of_a_phone_number_has_two_letters(country: Any, said: str | None) -> None:
    phone = {"@phone": {"value": {"@path": "$.traits.phone"}, "country": country}}
    changes = {"settings.country": {"default": "DE"}, "actions.0.mapping": {"to": [phone]}}
    if country != {"@setting": "country"}:
        del changes["settings.country"]
    found = mistakes_in(changed(ACME, changes))

    if said is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith("actions[0].mapping.to")
        assert found[0].endswith(said)


def test_a_value_that_may_be_a_key_is_never_shown() -> None:
    secret = "sk_live_8f2b61c0d9e74a53"
    for path in (
        *("settings.api_key", "settings.api_key.default", "request.url", "request.auth"),
        *("request.auth.bearer", "request.method", "batch", "actions.0.route"),
    ):
        said = mistakes_in(changed(ACME, {path: secret}))
        assert said, path
        assert secret not in str(said), path


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_have_no_mistake(name: str) -> None:
    assert find_destination(str(EXAMPLES[name])).name == name
