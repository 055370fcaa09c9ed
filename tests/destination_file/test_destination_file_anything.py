"""Any content of a file gives a destination or a clear error, and the schema agrees."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support.destination_file import ACME, changed, job_of, mistakes_in
from support.destination_file_errors import MISTAKES
from support.event_strategies import mutated_lines
from support.mutated_documents import mutated_documents, taken, texts, values
from support.posted import HOST, requests_of, settings_for
from support.samples import EXAMPLES, KEY, Run, good_events
from support.tables import for_each

from segcli import catalog
from segcli.core.event import Event
from segcli.core.outcome import Job, event_of, map_event
from segcli.destination_file import schema_text
from segcli.destination_file.parse import parse_document
from segcli.destination_file.problems import Mistakes
from segcli.destination_file.schema import checked
from segcli.errors import SegcliError

EVENTS = [event for event in good_events() if event.type == "track"][::40]
SCHEMA = Draft7Validator(json.loads(schema_text()))


def has_structure(document: Any) -> bool:
    """Whether we find nothing wrong with the structure of a description."""
    mistakes = Mistakes("acme.json")
    checked(document, mistakes)
    return not mistakes.are_below(())


# --- the schema


def test_schema_is_valid_json_schema() -> None:
    Draft7Validator.check_schema(SCHEMA.schema)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_match_the_schema_and_reference_it(name: str) -> None:
    path = EXAMPLES[name]
    text = path.read_text()
    SCHEMA.validate(parse_document(text, path.name))

    named = "../../segcli/destination_file/schema.json"
    assert f"#:schema {named}\n" in text or json.loads(text)["$schema"] == named
    assert (path.parent / named).resolve() == (
        Path(path).parents[2] / "segcli" / "destination_file" / "schema.json"
    )


@for_each(
    "changes",
    [changes for changes, _ in MISTAKES],
)
def test_schema_refuses_every_structural_mistake_we_find(changes: dict[str, Any]) -> None:
    document = changed(ACME, changes)

    assert has_structure(document) or not SCHEMA.is_valid(document)


def test_the_schema_finds_most_of_the_mistakes() -> None:
    found = [not SCHEMA.is_valid(changed(ACME, changes)) for changes, _ in MISTAKES]

    assert sum(found) >= 40


def test_destinations_schema_option_prints_the_schema(run_segcli: Run) -> None:
    done = run_segcli("destinations", "--schema")

    assert done.stdout.decode() == schema_text()


@given(document=mutated_documents())
def test_mutated_description_gives_a_destination_or_an_error(document: dict[str, Any]) -> None:
    destination = taken(json.dumps(document), "acme.json")
    if not destination:
        return
    assert destination.types
    assert destination.name
    with suppress(SegcliError):
        job = job_of(destination)
        for reveals_keys in (False, True):
            for event in EVENTS:
                map_event(event, replace(job, reveals_keys=reveals_keys))


@given(document=mutated_documents(), line=mutated_lines())
def test_any_description_maps_any_event_or_rejects_it(
    document: dict[str, Any], line: bytes
) -> None:
    destination = taken(json.dumps(document), "acme.json")
    event = event_of(line)
    if destination and isinstance(event, Event):
        settings = settings_for(destination, KEY)
        job = Job(destination=destination, settings=settings, reveals_keys=True)
        for request, payloads in requests_of(job, [event]):
            assert request.url.startswith(HOST)
            assert len(payloads) == 1


@given(text=st.text(max_size=60), title=st.sampled_from(["a.toml", "a.json"]))
def test_any_text_gives_a_destination_or_an_error(text: str, title: str) -> None:
    taken(text, title)


@given(value=values)
def test_any_json_gives_a_destination_or_an_error(value: Any) -> None:
    taken(json.dumps(value), "a.json")
    taken(
        json.dumps({"name": "a", "request": value, "actions": [value], "settings": value}), "a.json"
    )


TOML = catalog.catalog_text("posthog").replace('name = "posthog"', 'name = "acme"')


@given(start=st.integers(0, len(TOML)), length=st.integers(0, 40), new=texts | st.text(max_size=5))
def test_damaged_file_gives_a_destination_or_an_error(start: int, length: int, new: str) -> None:
    taken(TOML[:start] + new + TOML[start + length :], "acme.toml")


@given(document=mutated_documents())
def test_schema_agrees_with_our_checks_on_any_description(document: dict[str, Any]) -> None:
    if not has_structure(document):
        assert not SCHEMA.is_valid(document)
    if not mistakes_in(document):
        SCHEMA.validate(document)
