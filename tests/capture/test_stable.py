"""The same test run gives the same bytes, in any order of requests."""

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from segcli.capture.finish import time_text
from segcli.capture.stable import stabilized
from segcli.core.event import TIME_FIELDS
from segcli.core.event_time import parse_time

START = datetime(2026, 2, 3, tzinfo=UTC)
# The users of a test run, each with what its client sends; two of them do the same.
RUN = {
    ("analytics.js", "anonymous"): ["Viewed", "Added", "Added", "Ordered"],
    ("analytics.js", "another"): ["Viewed", "Ordered"],
    ("analytics.js", "a third"): ["Viewed", "Ordered"],
    ("analytics-python", "anonymous"): ["Charged"],
}


def played(seed: int, run: dict[tuple[str, str], list[str]] = RUN, version: int = 1) -> list[bytes]:
    """Return the lines of a run: drawn ids and times, and requests that overtake one another."""
    dice = random.Random(seed)
    ids = {user: str(UUID(int=dice.getrandbits(128))) for _, user in run}
    came: list[tuple[float, bytes]] = []
    for (library, user), names in run.items():
        clock = START + timedelta(seconds=dice.random() * 100)
        for name in names:
            clock += timedelta(milliseconds=dice.randint(1, 500))
            sent = clock + timedelta(milliseconds=dice.randint(0, 900))
            event = {
                "type": "track",
                "event": name,
                "anonymousId": ids[user],
                "messageId": str(dice.getrandbits(64)),
                "context": {"library": {"name": library, "version": version}},
                "originalTimestamp": time_text(clock),
                "timestamp": time_text(clock),
                "sentAt": time_text(sent),
                "receivedAt": time_text(sent),
            }
            came.append((sent.timestamp(), json.dumps(event).encode()))
    return [line for _, line in sorted(came)]


def read(lines: Iterable[bytes]) -> list[Any]:
    return [json.loads(line) for line in lines]


@given(first=st.integers(0, 10_000), second=st.integers(0, 10_000))
def test_equal_runs_are_stabilized_to_the_same_bytes(first: int, second: int) -> None:
    assert stabilized(played(first)) == stabilized(played(second))


@given(seed=st.integers(0, 10_000))
def test_stabilizing_twice_changes_nothing(seed: int) -> None:
    once = stabilized(played(seed))

    assert stabilized(once) == once


@given(seed=st.integers(0, 10_000))
def test_stabilizing_loses_no_event_and_keeps_the_order_per_user(seed: int) -> None:
    came, events = read(played(seed)), read(stabilized(played(seed)))

    def names(found: list[Any]) -> dict[tuple[str, str], list[str]]:
        users: dict[tuple[str, str], list[str]] = {}
        for event in sorted(found, key=lambda event: str(event["originalTimestamp"])):
            key = (event["context"]["library"]["name"], event["anonymousId"])
            users.setdefault(key, []).append(event["event"])
        return users

    assert sorted(names(came).values()) == sorted(names(events).values())
    assert len({event["messageId"] for event in events}) == len(events)
    # The browser's visitor is the server's too.
    assert len({event["anonymousId"] for event in events}) == 3
    (charged,) = [event for event in events if event["event"] == "Charged"]
    (added, _) = [event for event in events if event["event"] == "Added"]
    assert charged["anonymousId"] == added["anonymousId"]


def test_additional_event_does_not_change_other_ids() -> None:
    longer = RUN | {("analytics.js", "another"): ["Viewed", "Ordered", "Cancelled"]}
    more = RUN | {("analytics.js", "new"): ["Looked"]}
    before = {event["messageId"] for event in read(stabilized(played(1)))}

    for run in (longer, more):
        after = {event["messageId"] for event in read(stabilized(played(2, run)))}
        assert before < after


def test_additional_event_moves_only_the_later_times_of_its_series() -> None:
    names = RUN["analytics.js", "anonymous"]
    longer = RUN | {("analytics.js", "anonymous"): [*names[:2], "Searched", *names[2:]]}
    before, after = (
        {event.pop("messageId"): event for event in read(stabilized(played(1, run)))}
        for run in (RUN, longer)
    )
    moved = {name for name, event in before.items() if after[name] != event}

    assert {before[name]["event"] for name in moved} == set(names[2:])
    assert len(moved) == len(names[2:])
    for name in moved:
        old, new = (parse_time(one[name].pop("timestamp")) for one in (before, after))
        assert new - old == timedelta(seconds=1)


def test_new_client_version_does_not_change_ids() -> None:
    before, after = (read(stabilized(played(1, version=version))) for version in (1, 2))

    for name in ("messageId", "anonymousId", *TIME_FIELDS):
        assert [event[name] for event in before] == [event[name] for event in after]


def test_existing_times_are_replaced_by_times_one_second_apart() -> None:
    lines = [
        {"type": "track", "event": "A", "userId": "u1", "timestamp": "2026-02-03T10:00:00Z"},
        {"type": "track", "event": "B", "userId": "u1", "timestamp": "2026-02-03T10:00:00Z"},
        {"type": "track", "event": "C", "userId": "u1", "timestamp": "soon", "sentAt": None},
    ]
    first, second, third = read(stabilized(json.dumps(line).encode() for line in reversed(lines)))

    assert (third["timestamp"], third["event"]) == ("2025-01-01T00:00:02.000Z", "A")
    assert (first["timestamp"], first["sentAt"]) == ("soon", None)
    assert "receivedAt" not in second


def test_alias_uses_the_new_anonymous_id_and_keeps_other_ids() -> None:
    lines = [
        {"type": "identify", "userId": "u1", "anonymousId": "drawn"},
        {"type": "alias", "userId": "u1", "previousId": "drawn"},
        {"type": "alias", "userId": "u1", "previousId": "known"},
    ]
    events = read(stabilized(json.dumps(line).encode() for line in lines))
    identify = next(event for event in events if event["type"] == "identify")

    assert {event["userId"] for event in events} == {"u1"}
    assert {event.get("previousId") for event in events} == {None, identify["anonymousId"], "known"}


def mobile(*visitors: str) -> list[bytes]:
    """Return what Segment's mobile libraries send for visitors who do different things."""
    events = (
        {
            "type": "track",
            "event": "Installed",
            "anonymousId": visitor,
            "context": {"traits": {"anonymousId": visitor, "plan": "x"}, "ids": [visitor]},
            "properties": {"step": number, "referrer": visitors[0], "kind": "visitor"},
        }
        for number, visitor in enumerate(visitors)
    )
    return [json.dumps(event).encode() for event in events]


@given(st.lists(st.uuids(), min_size=6, max_size=6, unique=True))
def test_an_anonymous_id_is_renamed_wherever_it_is(ids: list[UUID]) -> None:
    drawn = [str(one) for one in ids]
    lines = stabilized(mobile(*drawn[:3]))

    assert lines == stabilized(reversed(mobile(*drawn[3:])))
    for event in read(lines):
        own = event["anonymousId"]
        assert event["context"] == {"traits": {"anonymousId": own, "plan": "x"}, "ids": [own]}
    assert len({event["properties"]["referrer"] for event in read(lines)}) == 1
    assert not any(one in line.decode() for one in drawn for line in lines)


def test_a_word_that_is_an_anonymous_id_is_renamed_in_such_fields_only() -> None:
    (event,) = read(stabilized(mobile("visitor")))

    assert event["context"]["traits"]["anonymousId"] == event["anonymousId"] != "visitor"
    assert event["context"]["ids"] == ["visitor"]
    assert event["properties"] == {"step": 0, "referrer": "visitor", "kind": "visitor"}


def test_lines_that_are_not_events_are_unchanged() -> None:
    lines = [b"5", b'{"anonymousId":7,"n":1.50,"type":"track"}', b"[1]", b'"x"', b"null"]

    kept = stabilized(lines)
    assert [line for line in kept if line in lines] == [b"5", b"[1]", b'"x"', b"null"]
    assert len(kept) == len(lines)


def test_stabilizing_keeps_every_digit() -> None:
    line = b'{"type":"track","userId":"u1","properties":{"n":0.12345678901234567890123,"i":1e400}}'

    (event,) = stabilized([line])
    assert b'"n":0.12345678901234567890123' in event
    assert b"1E+400" in event or b"1e400" in event
