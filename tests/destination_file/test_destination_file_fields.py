"""The types of a payload's fields, as an action of a file has them."""

import json
from typing import Any

import pytest
from support.destination_file import ACME, GONE, TRACK, acme, changed, job_of

from segcli.core.destination import Destination
from segcli.core.event import Event, Rejected
from segcli.core.outcome import Mapped, map_event
from segcli.destination_file import destination_from_text, schema_text
from segcli.destinations import BUILT_IN
from segcli.field_types import FIELD_KINDS, TEXT_FORMATS

MAPPING = {
    "id": {"@path": "$.userId"},
    "total": {"@path": "$.properties.total"},
    "items": {"@path": "$.properties.items"},
}
FIELDS = {
    "id": "string required",
    "total": {"label": "Total", "description": "In cents.", "type": "number"},
    "items": {"type": "object", "multiple": True, "properties": {"sku": "string required"}},
}
ORDER = {"type": "track", "userId": "u1", "properties": {"total": "12.50", "items": {"sku": 7}}}


def with_fields(fields: Any = FIELDS, changes: Any = None) -> Destination[Any]:
    return acme({"actions.0.mapping": MAPPING, "actions.0.fields": fields} | (changes or {}))


def body(destination: Destination[Any], data: dict[str, Any]) -> Any:
    """Return the payload of an event; the reason, if it is rejected."""
    outcome = map_event(Event(b"", data), job_of(destination))
    return json.loads(outcome.body) if isinstance(outcome, Mapped) else str(outcome)


@pytest.mark.parametrize("fields", [FIELDS, json.dumps(FIELDS)])
def test_a_payload_is_converted_by_its_fields(fields: Any) -> None:
    assert body(with_fields(fields), ORDER) == {"id": "u1", "total": 12.5, "items": [{"sku": "7"}]}


def test_without_fields_a_payload_stays_as_it_was_mapped() -> None:
    for destination in (acme({"actions.0.mapping": MAPPING}), with_fields({})):
        assert body(destination, ORDER) == {"id": "u1", "total": "12.50", "items": {"sku": 7}}


def test_a_payload_that_does_not_fit_is_rejected_with_every_path() -> None:
    order = {"type": "track", "properties": {"total": [], "items": [{}, {"sku": []}]}}

    assert body(with_fields(), order) == (
        "id is missing; total must be a number, not a list; "
        "items[].sku is missing; items[].sku must be a text, not a list"
    )


def test_the_fields_may_stand_in_a_file_of_their_own() -> None:
    document = changed(ACME, {"actions.0.mapping": MAPPING, "actions.0.fields_file": "fields.json"})
    read = {"fields.json": json.dumps(FIELDS)}.__getitem__

    destination = destination_from_text(json.dumps(document), "a.json", read, taken=BUILT_IN)

    assert body(destination, ORDER)["total"] == 12.5


def test_an_action_without_a_mapping_is_mapped_by_the_defaults_of_its_fields() -> None:
    fields = {
        "id": {"type": "string", "default": {"@path": "$.userId"}},
        "total": {"type": "integer", "default": 3},
        "none": "string",
    }

    assert body(with_fields(fields, {"actions.0.mapping": GONE}), ORDER) == {"id": "u1", "total": 3}
    assert (
        body(with_fields(fields), ORDER | {"userId": None})
        == "total must be a whole number, not a text"
    )


def test_keys_for_segments_app_may_hold_anything() -> None:
    fields = {
        "id": {"type": "string", "depends_on": {"match": "all", "conditions": [1]}, "label": None},
        "ids": {"multiple": True, "default": [{"@path": "$.userId"}, "x"], "placeholder": []},
        "o": {
            "type": "object",
            "disabledInputMethods": ["variable"],
            "hidden": [{}],
            "default": {},
        },
    }
    destination = with_fields(fields, {"actions.0.mapping": GONE})

    assert body(destination, ORDER) == {"ids": ["u1", "x"], "o": {}}


def test_in_a_batch_of_several_events_an_empty_text_stays() -> None:
    fields = {"id": "string", "total": "string", "items": "object"}
    event = {"type": "track", "userId": "", "anonymousId": "a", "properties": {}}

    assert body(with_fields(fields), event) == {}
    assert body(with_fields(fields, {"batch": {"events": 1}}), event) == {}
    assert body(with_fields(fields, {"batch": {"events": 2}}), event) == {"id": ""}
    assert body(with_fields(fields, {"actions.0.batch": {"events": 2}}), event) == {"id": ""}


def test_a_run_cannot_be_resumed_after_the_fields_were_changed() -> None:
    revisions = {
        with_fields().revision,
        with_fields({"id": "string"}).revision,
        with_fields(changes={"batch": {"events": 2}}).revision,
    }

    assert len(revisions) == 3
    assert with_fields({}).revision == acme({"actions.0.mapping": MAPPING}).revision


def test_people_are_told_the_type_of_each_field() -> None:
    destination = with_fields({"id": "string email required", "items": "object multiple"})

    assert [(row.target, row.note) for row in destination.fields] == [
        ("id", "text, email, required"),
        ("total", "no field of the action, so left out"),
        ("items", "list of object"),
    ]


def test_check_remarks_that_a_mapped_field_is_left_out() -> None:
    destination = with_fields({"id": "string", "items": "object"})

    [remark] = destination.remarks(Event(b"", ORDER), job_of(destination).settings)

    assert remark.problem == "actions[0] maps total, which is no field of it: it is left out"


def test_the_schema_names_every_type_and_format() -> None:
    field = json.loads(schema_text())["definitions"]["field"]["properties"]

    assert field["type"]["enum"] == [*FIELD_KINDS]
    assert field["format"]["enum"] == [*TEXT_FORMATS]


def test_an_action_may_require_paths_besides_its_fields() -> None:
    destination = with_fields({"id": "string"}, {"actions.0.required": ["total"]})

    with pytest.raises(Rejected, match="total is required"):
        destination.payload(Event(b"", ORDER), job_of(destination).settings)


def test_two_actions_of_one_route_have_fields_of_their_own() -> None:
    second = {"subscribe": 'type = "page"', "mapping": MAPPING, "fields": {"total": "string"}}
    destination = with_fields(changes={"actions.1": second})

    assert body(destination, ORDER | {"type": "page"}) == {"total": "12.50"}
    assert TRACK in destination.actions[0].events
