"""Values that SDKs write slightly wrong: PHP's empty arrays, and unpaired surrogates."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fakes import CommandResult, sending_to
from support.samples import line_of

Segcli = Callable[..., CommandResult]
Events = Callable[..., Path]

AT = {"timestamp": "2026-02-16T09:03:51Z", "messageId": "m1"}
EMPTY = {"properties": [], "context": [], "integrations": [], "traits": []}
BUILT_IN = ("pointillist", "plotline", "gist", "segment", "webhook")
HALF = rb'"Dinner \ud83c\udf5d and wine \ud83c"'
WHOLE = "Dinner \U0001f35d and wine \ufffd"


def payload(segcli: Segcli, dest: str, file: Path, *options: str) -> Any:
    said = segcli("transform", "-d", dest, *options, file)
    assert said.code == 0, said.err
    return json.loads(said.out)


# --- empty arrays


@pytest.mark.parametrize("dest", BUILT_IN)
@pytest.mark.parametrize("command", [["transform"], ["check"], ["send", "--sandbox"]])
def test_empty_array_is_accepted_in_place_of_an_object(
    segcli: Segcli, events: Events, dest: str, command: list[str]
) -> None:
    said = segcli(*command, "-d", dest, events(line_of(**AT, **EMPTY)))

    assert said.code == 0, said.err


def test_empty_array_maps_to_the_same_payload_as_an_empty_object(
    segcli: Segcli, events: Events
) -> None:
    arrays = events(line_of(**AT, **EMPTY), name="arrays.jsonl")
    objects = events(line_of(**AT, **{name: {} for name in EMPTY}), name="objects.jsonl")

    for dest in ("segment", "gist", "pointillist"):
        assert payload(segcli, dest, arrays) == payload(segcli, dest, objects)
    assert {name: payload(segcli, "segment", arrays)[name] for name in EMPTY} == {
        name: {} for name in EMPTY
    }


def test_empty_array_in_context_traits_becomes_an_object(segcli: Segcli, events: Events) -> None:
    file = events(line_of(**AT, context={"traits": [], "ip": "192.0.2.1"}))

    assert payload(segcli, "segment", file)["context"] == {"traits": {}, "ip": "192.0.2.1"}
    assert payload(segcli, "pointillist", file)["labels"] == {}


def test_pass_through_destinations_keep_the_empty_array(segcli: Segcli, events: Events) -> None:
    line = line_of(**AT, **EMPTY)

    for dest in ("plotline", "webhook"):
        assert segcli("transform", "-d", dest, events(line)).out.encode() == line + b"\n"


@pytest.mark.parametrize("name", [*EMPTY])
@pytest.mark.parametrize("filled", [[1], [[]], [{}], ["a", "b"]])
def test_filled_array_in_place_of_an_object_is_rejected(
    segcli: Segcli, events: Events, name: str, filled: list[Any]
) -> None:
    for dest in BUILT_IN:
        said = segcli("transform", "-d", dest, events(line_of(**AT, **{name: filled})))
        assert said.code == 1
        assert f"{name} is not an object" in said.err


def test_where_option_treats_an_empty_array_as_an_empty_object(
    segcli: Segcli, events: Events
) -> None:
    file = events(line_of(**AT, **EMPTY))

    assert payload(segcli, "segment", file, "--where", "properties.a = null")["properties"] == {}


# --- halves of characters


def half(**fields: Any) -> bytes:
    """Return a line with half of an emoji at the end of a property."""
    line = line_of(**AT, properties={"title": "HALF", "n": 1}, **fields)
    return line.replace(b'"HALF"', HALF)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_mapping_writes_the_replacement_character_for_a_surrogate(
    segcli: Segcli, events: Events, jobs: str
) -> None:
    file = events(half())

    for dest in ("gist", "segment"):
        assert payload(segcli, dest, file, "--jobs", jobs)["properties"]["title"] == WHOLE
    options = ("--set", "properties=true", "--jobs", jobs)
    assert payload(segcli, "pointillist", file, *options)["labels"] == {"title": WHOLE}


def test_pass_through_destinations_keep_an_unpaired_surrogate(
    segcli: Segcli, events: Events
) -> None:
    for dest in ("plotline", "webhook"):
        for options in ((), ("--where", "properties.n = 1")):
            said = segcli("transform", "-d", dest, *options, events(half()))
            assert said.out.encode() == half() + b"\n"


@pytest.mark.parametrize("dest", BUILT_IN)
def test_event_with_an_unpaired_surrogate_is_delivered(
    segcli: Segcli, events: Events, start_sandbox: Callable[..., Any], tmp_path: Path, dest: str
) -> None:
    kept = tmp_path / "kept.ndjson"
    command = sending_to(dest, start_sandbox(keep=kept).endpoint(dest))

    said = segcli(*command, events(half()))

    assert said.code == 0, said.err
    title = json.loads(kept.read_text())["payload"].get("properties", {}).get("title")
    expected = json.loads(HALF) if dest in ("plotline", "webhook") else WHOLE
    assert title == (None if dest == "pointillist" else expected)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\ud83c", "\ufffd"),
        (r"\uD83C", "\ufffd"),
        (r"\udf5d", "\ufffd"),
        (r"\udf5d\ud83c", "\ufffd\ufffd"),
        (r"\ud83c\ud83c\udf5d", "\ufffd\U0001f35d"),
        (r"\ud83c x", "\ufffd x"),
        (r"\ud83c\n", "\ufffd\n"),
        (r"\ud83c\\udf5d", "\ufffd\\udf5d"),
        (r"\\ud83c\ud83c", "\\ud83c\ufffd"),
        (r"\ud83c\u0041", "\ufffdA"),
        (r"\ud83c\"", '\ufffd"'),
    ],
)
def test_each_unpaired_surrogate_becomes_one_replacement_character(
    segcli: Segcli, events: Events, written: str, read: str
) -> None:
    line = line_of(**AT, event="E", properties={"KEY": "VALUE", "list": ["VALUE"]})
    text = line.decode().replace("VALUE", written).replace("KEY", written)

    found = payload(segcli, "segment", events(text.encode()))

    assert found["properties"] == {read: read, "list": [read]}


def test_unpaired_surrogate_in_an_id_or_event_name_is_replaced(
    segcli: Segcli, events: Events
) -> None:
    text = line_of(**AT, userId="u-ID", event="E-ID").decode().replace("ID", r"\ud83c")

    found = payload(segcli, "gist", events(text.encode()))

    assert (found["user_id"], found["event_name"]) == ("u-\ufffd", "E-\ufffd")


@pytest.mark.parametrize("dest", BUILT_IN)
def test_check_names_the_field_with_an_unpaired_surrogate(
    segcli: Segcli, events: Events, dest: str
) -> None:
    said = segcli("check", "-d", dest, events(line_of(**AT, properties={"n": 1}), half()))

    assert said.code == 0
    finding = "2: SEG219 warning: properties.title holds half of a character, an unpaired surrogate"
    assert finding in said.out
    assert "1: SEG219 warning" not in said.out


def test_golden_file_can_contain_unpaired_surrogates(segcli: Segcli, events: Events) -> None:
    command = ["check", "-d", "webhook", "--expect", "golden.ndjson", events(half())]

    assert segcli(*command, "--update").code == 0
    assert segcli(*command).code == 0
    events(half(event="Other"))
    assert "changed: payload.event" in segcli(*command).out


def test_rejects_file_keeps_an_unpaired_surrogate_byte_for_byte(
    segcli: Segcli, events: Events, vendor: Callable[..., Any], tmp_path: Path
) -> None:
    from support.fakes import Answer

    refusing = vendor(lambda _: Answer(400))
    said = segcli(*sending_to("webhook", refusing.url), "--rejects", "r.ndjson", events(half()))

    assert said.code == 1, said.err
    record = (tmp_path / "r.ndjson").read_bytes()
    assert b'"event":' + half() in record
    assert segcli("transform", "-d", "webhook", "r.ndjson").out.encode() == half() + b"\n"
    assert payload(segcli, "segment", tmp_path / "r.ndjson")["properties"]["title"] == WHOLE


@pytest.mark.parametrize("broken", [rb'"\ud83', rb'"\ud83g"', rb'"\x"', b'"\xed\xa0\xbc"'])
def test_invalid_escapes_and_invalid_utf8_are_still_rejected(
    segcli: Segcli, events: Events, broken: bytes
) -> None:
    line = line_of(**AT, properties={"title": "HALF"}).replace(b'"HALF"', broken)

    for dest in ("gist", "webhook"):
        said = segcli("transform", "-d", dest, events(line))
        assert said.code == 1
        assert "1  not " in said.err
