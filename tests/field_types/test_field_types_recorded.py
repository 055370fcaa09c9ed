"""Payloads become what Segment's own code was recorded to make of them, by the types of fields."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from support.recorded import cases

from segcli.core.event import Rejected
from segcli.core.exact_json import dumps, loads
from segcli.destination_file.payload_fields import check_of
from segcli.field_types import FieldType, compiled_fields, field_types, mistakes_in, problems_of
from segcli.mapping import compiled

CASES = cases("field_types.jsonl")
REQUESTS = cases("action_requests.jsonl")
pytestmark = pytest.mark.skipif(not CASES, reason="nothing is recorded here")


def outcome(payload: Any, fields: Any, *, in_batch: bool) -> Any:
    """Return the text of the payload that is made, None for one that is rejected."""
    try:
        found = conform_of(dumps(fields), in_batch=in_batch)(payload)
    except Rejected:
        return None
    return text_of(found)


@cache
def conform_of(fields: bytes, *, in_batch: bool) -> Callable[[Any], Any]:
    """Return what converts payloads for these fields; many cases and tests have the same ones."""
    return compiled_fields(types_of(fields), in_batch=in_batch)


@cache
def types_of(fields: bytes) -> dict[str, FieldType]:
    return field_types(loads(fields))


def text_of(value: Any) -> str:
    """Return a value as JSON, so that 1 is not true."""
    return json.dumps(value, sort_keys=True, default=float)


def paths_of(case: dict[str, Any]) -> list[str]:
    found = mistakes_in(case["mapped"], types_of(dumps(case["fields"])))
    return list(dict.fromkeys("".join(f"/{name}" for name in one.path) for one in found))


@cache
def sandbox_check_of(fields: bytes) -> Callable[[Any], Any]:
    return check_of(types_of(fields))


def test_a_payload_is_converted_as_segment_converts_it() -> None:
    missed = [case["id"] for case in CASES if not is_as_recorded(case)]

    assert not missed


def is_as_recorded(case: dict[str, Any]) -> bool:
    mapped, fields = case["mapped"], case["fields"]
    expected = None if "throws" in case else text_of(case["payload"])
    return (
        not [*problems_of(fields)]
        and outcome(mapped, fields, in_batch=False) == expected
        and paths_of(case) == case.get("paths", [])
    )


def test_a_payload_in_a_batch_is_converted_as_segment_converts_it() -> None:
    differing = [case for case in CASES if "batch_payload" in case or "batch_throws" in case]
    missed = []
    for case in differing:
        expected = None if "batch_throws" in case else text_of(case["batch_payload"])
        if outcome(case["mapped"], case["fields"], in_batch=True) != expected:
            missed.append(case["id"])

    assert differing
    assert not missed


def test_the_sandbox_accepts_what_becomes_of_a_payload() -> None:
    refused = []
    for case in CASES:
        fields = dumps(case["fields"])
        for in_batch in (False, True):
            with suppress(Rejected):
                found = conform_of(fields, in_batch=in_batch)(case["mapped"])
                if sandbox_check_of(fields)(found):
                    refused.append(case["id"])

    assert not refused


def test_an_event_becomes_the_payload_that_a_published_action_gets() -> None:
    actions = {one["id"]: one for one in cases("action_definitions.jsonl")}
    mappings: dict[str, Callable[[Any], Any]] = {}
    missed = []
    for case in REQUESTS:
        action = actions[case["fields_ref"]]
        if action["id"] not in mappings:
            mappings[action["id"]] = compiled(action["mapping"])
        mapped = mappings[action["id"]](case["event"])
        expected = text_of(case["payload"]) if "payload" in case else None
        if outcome(mapped, action["fields"], in_batch=False) != expected:
            missed.append(case["id"])

    assert not missed
