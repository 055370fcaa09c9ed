"""Payloads become what Segment's own code was recorded to make of them, by the types of fields."""

import json
from contextlib import suppress
from typing import Any

import pytest
from support.recorded import cases

from segcli.core.event import Rejected
from segcli.destination_file.payload_fields import check_of
from segcli.field_types import compiled_fields, field_types, mistakes_in, problems_of
from segcli.mapping import compiled

CASES = cases("field_types.jsonl")
REQUESTS = cases("action_requests.jsonl")
pytestmark = pytest.mark.skipif(not CASES, reason="nothing is recorded here")


def outcome(payload: Any, fields: Any, *, in_batch: bool) -> Any:
    """Return the text of the payload that is made, None for one that is rejected."""
    try:
        found = compiled_fields(field_types(fields), in_batch=in_batch)(payload)
    except Rejected:
        return None
    return text_of(found)


def text_of(value: Any) -> str:
    """Return a value as JSON, so that 1 is not true."""
    return json.dumps(value, sort_keys=True, default=float)


def paths_of(case: dict[str, Any]) -> list[str]:
    found = mistakes_in(case["mapped"], field_types(case["fields"]))
    return list(dict.fromkeys("".join(f"/{name}" for name in one.path) for one in found))


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
        types = field_types(case["fields"])
        for in_batch in (False, True):
            with suppress(Rejected):
                found = compiled_fields(types, in_batch=in_batch)(case["mapped"])
                if check_of(types)(found):
                    refused.append(case["id"])

    assert not refused


def test_an_event_becomes_the_payload_that_a_published_action_gets() -> None:
    actions = {one["id"]: one for one in cases("action_definitions.jsonl")}
    missed = []
    for case in REQUESTS:
        action = actions[case["fields_ref"]]
        mapped = compiled(action["mapping"])(case["event"])
        expected = text_of(case["payload"]) if "payload" in case else None
        if outcome(mapped, action["fields"], in_batch=False) != expected:
            missed.append(case["id"])

    assert not missed
