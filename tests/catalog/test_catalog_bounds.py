"""Both sides of every bound in the files of the catalog: the files say which bounds there are.

What a payload or a request may hold is bound by the vendor too: by its documentation, and then a
row of the tests of the sandbox has both sides of that, or it is a guess that this list names.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from support import vendor_rows
from support.catalog_events import NOW, event_for, job_of, problems_at_vendor, request_of, sized
from support.samples import find
from support.tables import for_each

from segcli import catalog
from segcli.core.decision import Decision, Mapped, Skipped
from segcli.core.destination import Limits
from segcli.core.event import Rejected
from segcli.core.line import Line
from segcli.core.outcome import map_event
from segcli.core.replay import ANY, Replay, age_of, bound_of
from segcli.core.replay_age import TOO_FAR_AHEAD, TOO_OLD
from segcli.delivery.batch import Batch, Bounds, item_of
from segcli.replay.effects import Effects

# The second is more than the tests take, which begin at NOW.
SECOND, WHILE = timedelta(seconds=1), timedelta(hours=2)
OLD = NOW - timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound of an action: what is bound, and by what."""

    vendor: str
    action: str
    kind: str
    value: Any


def limits_of(vendor: str, action: str) -> Limits:
    """Return all limits of an action: its own, or else those of the file."""
    destination = find(vendor)
    [found] = [one.limits for one in destination.actions if one.name == action]
    return replace(found, payload_bytes=found.payload_bytes or destination.limits.payload_bytes)


def facts_of(vendor: str, action: str) -> Replay:
    destination = find(vendor)
    facts = destination.action_replay.get(action, destination.replay)
    assert facts
    return facts


def bounds_of(vendor: str, action: str) -> Iterator[tuple[str, Any]]:
    """Yield the bounds of payloads, requests and ages. A rate is no bound of an event."""
    limits, facts = limits_of(vendor, action), facts_of(vendor, action)
    found = {
        "events": limits.events if limits.events > 1 else None,
        "bytes": limits.bytes,
        "payload_bytes": limits.payload_bytes,
        "oldest": facts.oldest if facts.oldest not in ("", ANY) else None,
        "future": facts.future if facts.future not in ("", ANY) else None,
        "messages_within": facts.messages_within if facts.messages == "recent" else None,
    }
    yield from ((kind, value) for kind, value in found.items() if value is not None)
    yield from (("mark", mark.after) for mark in facts.set)


BOUNDS = [
    Bound(vendor, action.name, kind, value)
    for vendor in catalog.NAMES
    for action in find(vendor).actions
    for kind, value in bounds_of(vendor, action.name)
]


def of_kind(*kinds: str) -> list[Bound]:
    return [bound for bound in BOUNDS if bound.kind in kinds]


def outcome(bound: Bound, time: datetime = NOW, **options: Any) -> Decision:
    event = event_for(bound.vendor, bound.action, time)
    return map_event(event, job_of(bound.vendor, **options))


def mapped(bound: Bound, time: datetime = NOW, **options: Any) -> Mapped:
    found = outcome(bound, time, **options)
    assert isinstance(found, Mapped), found
    return found


def problems(bound: Bound, *payloads: Mapped) -> list[str]:
    return problems_at_vendor(bound.vendor, job_of(bound.vendor), *payloads)


def test_every_kind_of_bound_has_a_test_here() -> None:
    known = {"events", "bytes", "payload_bytes", "oldest", "future", "messages_within", "mark"}

    assert {bound.kind for bound in BOUNDS} == known
    assert {one.name for one in fields(Limits)} == {"events", "bytes", "payload_bytes", "rate"}


# --- requests and payloads


def taken_together(bound: Bound, payloads: list[Mapped]) -> int:
    """Return how many of these payloads share the first request."""
    job, key = job_of(bound.vendor), payloads[0].request_key
    bounds = Bounds(
        job.destination.events_per_request(key, job.settings),
        job.destination.bytes_per_request(key, job.settings),
    )
    batch = Batch(bounds)
    for item in (item_of(Line("f", 1, b""), one, bounds) for one in payloads):
        if not batch.takes(item):
            break
        batch.add(item)
    return len(batch.items)


@for_each("bound", of_kind("events"))
def test_request_has_so_many_events_and_no_more(bound: Bound) -> None:
    payload, most = mapped(bound), bound.value

    assert taken_together(bound, [payload] * most) == most
    assert taken_together(bound, [payload] * (most + 1)) == most
    assert problems(bound, *[payload] * most) == []


@for_each("bound", of_kind("bytes"))
def test_request_has_so_many_bytes_and_no_more(bound: Bound) -> None:
    job = job_of(bound.vendor)
    room = job.destination.bytes_per_request(mapped(bound).request_key, job.settings)
    assert room
    one = min(limits_of(bound.vendor, bound.action).payload_bytes or room, 90_000)
    count = room // one + 1
    # A comma is between two of them.
    size, more = divmod(room - (count - 1), count)
    # There is room for the mark of old events.
    largest = sized_of(bound, size + more, OLD)
    payloads = [sized_of(bound, size, OLD)] * (count - 1)
    request = request_of(job, [*payloads, largest])
    is_packed = request.headers.get("Content-Encoding") == "gzip"

    assert len(gzip.decompress(request.body) if is_packed else request.body) == bound.value
    assert taken_together(bound, [*payloads, largest]) == count
    assert taken_together(bound, [*payloads, sized_of(bound, size + more + 1, OLD)]) == count - 1
    assert problems(bound, *payloads, largest) == []


def sized_of(bound: Bound, size: int, time: datetime = NOW) -> Mapped:
    found = sized(bound.vendor, bound.action, size, time)
    assert isinstance(found, Mapped)
    return found


@for_each("bound", of_kind("payload_bytes"))
def test_payload_has_so_many_bytes_and_no_more(bound: Bound) -> None:
    beyond = sized(bound.vendor, bound.action, bound.value + 1)

    assert problems(bound, sized_of(bound, bound.value)) == []
    assert isinstance(beyond, Rejected)
    assert beyond.code == "SEG302"


# Bounds of which the documentation says nothing, or that hold a request small: a test of the
# vendor on both sides of them cannot be.
GUESSES = {
    ("mixpanel", "/groups", "events"),
    ("amplitude", "/identify", "events"),
    ("amplitude", "/groupidentify", "events"),
    ("posthog", "/batch/", "events"),
    ("customerio", "/api/v2/batch", "events"),
    (
        "genesys",
        "/api/v2/journey/externalevents/configurations/key-of-the-sandbox/events",
        "events",
    ),
}


def test_sandbox_has_both_sides_of_what_the_vendor_documents() -> None:
    """A bound of ours is at most that of a row for its route, or a guess; and none is missing."""
    rows: dict[tuple[str, str, str], int] = {
        (name, urlsplit(post([payload]).url).path, "events"): most
        for name, post, payload, most in vendor_rows.MOST
    }
    for name, post, payload, _, count, most in vendor_rows.LARGEST:
        kind = "payload_bytes" if count == 1 else "bytes"
        rows[name, urlsplit(post([payload]).url).path, kind] = most
    ours = set()
    for bound in of_kind("events", "bytes", "payload_bytes"):
        request = request_of(job_of(bound.vendor), [mapped(bound)])
        key = bound.vendor, urlsplit(request.url).path, bound.kind
        ours.add(key)
        assert bound.value <= rows.get(key, bound.value), key

    assert ours - rows.keys() == GUESSES
    assert rows.keys() - ours == set()


# --- ages


def remarks(found: Mapped) -> set[str]:
    return {remark.code for remark in found.replayed.remarks} if found.replayed else set()


@for_each("bound", of_kind("oldest"))
def test_event_may_be_so_old_and_no_older(bound: Bound) -> None:
    """It is left out, or only told, as the file says; an event that is sent all the same shows."""
    facts = facts_of(bound.vendor, bound.action)
    oldest = bound_of(bound.value)
    time = oldest if isinstance(oldest, datetime) else NOW - timedelta(seconds=oldest or 0)
    forced = mapped(bound, time - SECOND, older="send")
    # The vendor looks at its own clock.
    margin = timedelta() if isinstance(oldest, datetime) else WHILE

    assert TOO_OLD not in remarks(mapped(bound, time))
    assert TOO_OLD in remarks(forced)
    assert problems(bound, mapped(bound, time + margin)) == []
    assert bool(problems(bound, forced)) == (facts.older == "refused")
    is_left_out = isinstance(outcome(bound, time - SECOND), Skipped)
    assert is_left_out == (facts.older in {"refused", "request", "lost", "now"})


@for_each("bound", of_kind("future"))
def test_event_may_be_so_far_ahead_and_no_further(bound: Bound) -> None:
    facts = facts_of(bound.vendor, bound.action)
    time = NOW + timedelta(seconds=age_of(bound.value))

    assert TOO_FAR_AHEAD not in remarks(mapped(bound, time))
    assert TOO_FAR_AHEAD in remarks(mapped(bound, time + SECOND))
    assert problems(bound, mapped(bound, time - WHILE)) == []
    assert bool(problems(bound, mapped(bound, time + WHILE))) == (facts.later == "refused")


@for_each("bound", of_kind("messages_within"))
def test_event_may_start_messages_up_to_an_age(bound: Bound) -> None:
    effects = Effects(job_of(bound.vendor))
    time = NOW - timedelta(seconds=age_of(bound.value))

    assert effects.starts_messages(mapped(bound, time))
    assert not effects.starts_messages(mapped(bound, time - SECOND))


@for_each("bound", of_kind("mark"))
def test_event_has_a_mark_from_an_age_on(bound: Bound) -> None:
    time = NOW - timedelta(seconds=bound.value)
    older = mapped(bound, time - SECOND)

    assert is_marked(older)
    assert not is_marked(mapped(bound, time))
    assert not is_marked(mapped(bound, time - SECOND, live=True))
    assert problems(bound, older) == []


def is_marked(found: Mapped) -> bool:
    return bool(found.replayed and found.replayed.is_marked)
