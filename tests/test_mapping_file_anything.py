"""Whatever stands in a file, it is a destination or an error in words; and the schema agrees."""

import json
from pathlib import Path
from typing import Any

import pytest
from describing import ACME, GONE, TRACK, bent, mistakes_in
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from mistaken import KEY, MISTAKES, ROUTED
from samples import EXAMPLES, Run

from segcli.core.destination import Destination
from segcli.destination_file import destination_from_text, schema_text
from segcli.destination_file.parse import parse_document
from segcli.destination_file.problems import Mistakes
from segcli.destination_file.schema import checked
from segcli.destinations import BUILT_IN
from segcli.errors import DestinationError

SCHEMA = Draft7Validator(json.loads(schema_text()))


def has_structure(document: Any) -> bool:
    """Whether we find nothing wrong with the structure of a description."""
    mistakes = Mistakes("acme.json")
    checked(document, mistakes)
    return not mistakes.are_below(())


# --- the schema


def test_the_schema_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA.schema)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_what_the_schema_says_and_name_it(name: str) -> None:
    path = EXAMPLES[name]
    text = path.read_text()
    SCHEMA.validate(parse_document(text, path.name))

    named = "../../segcli/destination_file/schema.json"
    assert f"#:schema {named}\n" in text or json.loads(text)["$schema"] == named
    assert (path.parent / named).resolve() == (
        Path(path).parents[2] / "segcli" / "mapping_file" / "schema.json"
    )


@pytest.mark.parametrize(
    "changes",
    [changes for changes, _ in MISTAKES],
    ids=[said[0][:40] for _, said in MISTAKES],
)
def test_the_schema_and_we_agree_on_mistakes(changes: dict[str, Any]) -> None:
    document = bent(ACME, changes)

    assert has_structure(document) or not SCHEMA.is_valid(document)


def test_the_schema_finds_most_of_the_mistakes() -> None:
    found = [not SCHEMA.is_valid(bent(ACME, changes)) for changes, _ in MISTAKES]

    assert sum(found) >= 40


def test_the_schema_is_printed(run_segcli: Run) -> None:
    done = run_segcli("destinations", "--schema")

    assert done.stdout.decode() == schema_text()


# --- anything at all


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", "{settings.api_key}", "{settings.x}", "{route}", "{", "https://a.example/{route}", "/t",
     "track", TRACK, "type = ", "@path", "$.event", "text", "address", "POST", '{"a": 1}', "\n"]
)  # fmt: skip
leaves = (
    st.none() | st.booleans() | st.integers(-2, 600) | st.integers() | texts
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            texts | st.sampled_from(["subscribe", "mapping", "url", "events", "under", "index",
                                     "bearer", "default", "secret", "@path", "@if", "@liquid"]),
            inner, max_size=3,
        )
    ),
    max_leaves=8,
)  # fmt: skip


def paths(value: Any, path: str = "") -> list[str]:
    inner = (
        value.items() if isinstance(value, dict)
        else enumerate(value) if isinstance(value, list) else ()
    )  # fmt: skip
    found = [
        (f"{path}.{key}" if path else str(key), one) for key, one in inner if "." not in str(key)
    ]
    return [one for name, at in found for one in (name, *paths(at, name))]


DOCUMENTS = [
    ACME,
    bent(ACME, ROUTED | {"batch": {"events": 5, "under": "b", "with": {"k": KEY}},
                         "reply": {"retry": [409], "items": {"list": "e", "index": "i"}}}),
    json.loads(EXAMPLES["braze"].read_text()),
]  # fmt: skip


@st.composite
def bent_documents(draw: st.DrawFn) -> dict[str, Any]:
    """A description with one to three values replaced, taken away or added."""
    document = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(1, 3))):
        known = paths(document)
        path = draw(st.sampled_from(known)) if known else "name"
        more = draw(st.just("") | st.just(".") | st.sampled_from([".default", ".type", ".with"]))
        new = draw(values | st.just(GONE))
        try:
            document = bent(document, {path + more if more != "." else path: new})
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            continue
    return document


def taken(text: str, title: str) -> Destination[Any] | None:
    """Return the destination of a text; None where its mistakes are said in words."""
    try:
        return destination_from_text(text, title, str, taken=BUILT_IN)
    except DestinationError as error:
        said = error.message
    assert said.startswith(title)
    return None


@given(document=bent_documents())
def test_a_bent_description_is_a_destination_or_an_error_in_words(document: dict[str, Any]) -> None:
    destination = taken(json.dumps(document), "acme.json")
    if destination:
        assert destination.kinds
        assert destination.name


@given(text=st.text(max_size=60), title=st.sampled_from(["a.toml", "a.json"]))
def test_any_text_is_a_destination_or_an_error_in_words(text: str, title: str) -> None:
    taken(text, title)


@given(value=values)
def test_any_json_is_a_destination_or_an_error_in_words(value: Any) -> None:
    taken(json.dumps(value), "a.json")
    taken(
        json.dumps({"name": "a", "request": value, "actions": [value], "settings": value}), "a.json"
    )


TOML = EXAMPLES["posthog"].read_text()


@given(start=st.integers(0, len(TOML)), length=st.integers(0, 40), new=texts | st.text(max_size=5))
def test_a_torn_file_is_a_destination_or_an_error_in_words(
    start: int, length: int, new: str
) -> None:
    taken(TOML[:start] + new + TOML[start + length :], "posthog.toml")


@given(document=bent_documents())
def test_the_schema_and_we_agree_on_anything(document: dict[str, Any]) -> None:
    if not has_structure(document):
        assert not SCHEMA.is_valid(document)
    if not mistakes_in(document):
        SCHEMA.validate(document)
