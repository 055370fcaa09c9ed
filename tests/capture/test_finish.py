"""Captured events are completed as Segment does it."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from segcli.capture.finish import Arrival, finished
from segcli.core.event import parse
from segcli.local_server.segment_api import BATCH, ROUTES

RECEIVED = datetime(2026, 2, 3, 10, 11, 13, 500_000, tzinfo=UTC)
TRACK = {"type": "track", "event": "Order Completed", "userId": "u1", "messageId": "m1"}


def events_of(body: Any, kind: str = BATCH) -> list[Any]:
    return finished(body, Arrival(kind=kind, received=RECEIVED, new_id=lambda: "new"))


def event_of(batch: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    (event,) = events_of({"batch": [TRACK | fields]} | (batch or {}))
    assert isinstance(event, dict)
    return event


def test_timestamp_is_corrected_for_the_client_clock() -> None:
    event = event_of({"sentAt": "2026-02-03T12:00:10Z"}, timestamp="2026-02-03T12:00:07.250Z")

    assert event["originalTimestamp"] == "2026-02-03T12:00:07.250Z"
    assert event["sentAt"] == "2026-02-03T12:00:10Z"
    assert event["receivedAt"] == "2026-02-03T10:11:13.500Z"
    assert event["timestamp"] == "2026-02-03T10:11:10.750Z"


@for_each(
    ("fields", "timestamp"),
    [
        ({}, "2026-02-03T10:11:13.500Z"),
        ({"timestamp": None}, "2026-02-03T10:11:13.500Z"),
        ({"sentAt": "2026-02-03T12:00:00Z"}, "2026-02-03T10:11:13.500Z"),
        ({"timestamp": "2020-02-03T12:00:00+02:00"}, "2020-02-03T12:00:00+02:00"),
        ({"timestamp": "2020-02-03T12:00:00Z", "sentAt": "soon"}, "2020-02-03T12:00:00Z"),
        ({"timestamp": "soon", "sentAt": "2026-02-03T12:00:00Z"}, "soon"),
        ({"timestamp": 5, "sentAt": "2026-02-03T12:00:00Z"}, 5),
        ({"timestamp": "0001-01-01", "sentAt": "9999-12-31"}, "0001-01-01"),
        ({"timestamp": "9999-12-31", "sentAt": "0001-01-01"}, "9999-12-31"),
        (
            {"originalTimestamp": "2026-02-03T12:00:00Z", "sentAt": "2026-02-03T12:00:00.500Z"},
            "2026-02-03T10:11:13.000Z",
        ),
    ],
)
def test_timestamp_is_not_corrected_without_both_times(
    fields: dict[str, Any], timestamp: object
) -> None:
    assert event_of(**fields)["timestamp"] == timestamp


def test_an_event_without_a_message_id_gets_one() -> None:
    assert event_of(messageId=None)["messageId"] == "new"
    assert event_of(messageId="")["messageId"] == "new"
    assert event_of()["messageId"] == "m1"


def test_no_event_contains_the_write_key() -> None:
    body = {"writeKey": "SECRET", "batch": [TRACK | {"writeKey": "SECRET"}]}

    assert "SECRET" not in json.dumps(events_of(body))
    assert "SECRET" not in json.dumps(events_of(TRACK | {"writeKey": "SECRET"}, "track"))


def test_fields_of_a_batch_apply_to_its_events_unless_they_have_their_own() -> None:
    batch = {
        "context": {"ip": "1.2.3.4", "library": {"name": "batch", "version": "1"}, "page": 1},
        "integrations": {"All": False, "Gist": True},
        "sentAt": "2026-02-03T12:00:00Z",
    }
    own = {
        "context": {"library": {"name": "own"}, "page": {"path": "/"}, "ip": None},
        "integrations": {"All": True},
        "sentAt": "2026-02-03T13:00:00Z",
    }

    assert event_of(batch)["context"] == batch["context"]
    event = event_of(batch, **own)
    assert event["context"] == {
        "ip": "1.2.3.4",
        "library": {"name": "own", "version": "1"},
        "page": {"path": "/"},
    }
    assert event["integrations"] == {"All": True, "Gist": True}
    assert event["sentAt"] == "2026-02-03T13:00:00Z"


def test_route_sets_the_event_type() -> None:
    for kind in set(ROUTES.values()) - {BATCH}:
        (event,) = events_of({"userId": "u1", "type": "other"}, kind)
        assert event["type"] == kind


def test_items_that_are_not_events_are_kept() -> None:
    assert events_of({"batch": [5, TRACK, [], None]})[::2] == [5, []]
    assert events_of({"batch": []}) == []
    (untyped,) = events_of({"batch": [{"userId": "u1"}]})
    assert "type" not in untyped


@pytest.mark.parametrize(
    ("body", "kind", "problem"),
    [
        ([], BATCH, "the body must be an object"),
        ("x", "track", "the body must be an object"),
        ({}, BATCH, "batch must be an array"),
        ({"batch": TRACK}, BATCH, "batch must be an array"),
    ],
)
def test_a_body_without_events_is_an_error(body: Any, kind: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        events_of(body, kind)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
NAMES = ("context", "integrations", "sentAt", "timestamp", "messageId", "writeKey", "properties")
OBJECTS = st.dictionaries(st.sampled_from(NAMES), JSON)


@given(items=st.lists(OBJECTS | JSON, max_size=3), around=OBJECTS)
def test_every_item_is_kept_once_and_the_body_is_unchanged(
    items: list[Any], around: dict[str, Any]
) -> None:
    body = around | {"batch": items}
    before = copy.deepcopy(body)
    events = events_of(body)

    assert body == before
    assert len(events) == len(items)
    for event, item in zip(events, items, strict=True):
        assert isinstance(event, dict) == isinstance(item, dict)
        if isinstance(event, dict):
            assert "writeKey" not in event
            assert event["receivedAt"] == "2026-02-03T10:11:13.500Z"
            assert event["messageId"]
            assert list(event) == sorted(event)
            assert event.get("properties") == item.get("properties")


def test_completed_event_can_be_parsed() -> None:
    event = event_of({"sentAt": "2026-02-03T12:00:10Z"}, timestamp="2026-02-03T12:00:07.250Z")

    assert parse(json.dumps(event).encode()).time == "2026-02-03T10:11:10.750Z"
