"""What the catalog says of old events agrees with its mappings, and with the sandbox's vendors."""

import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from support.posted import call_of, settings_for, with_token
from support.samples import find, good_events
from support.tables import for_each

from segcli import catalog
from segcli.core.event import Event, parse
from segcli.core.exact_json import dumps, loads
from segcli.core.outcome import Decision, Job, Mapped, Skipped, map_event
from segcli.core.payload_path import value_at
from segcli.core.replay import Replay
from segcli.core.replay_age import ReplayOptions
from segcli.sandbox.faults import Script
from segcli.sandbox.validate import validate_request
from segcli.sandbox.vendors import VENDORS
from segcli.sandbox.vendors.vendor import Accepted

NOW = datetime.now(UTC)
KEY = Script().key
TYPES = ("track", "page", "screen", "identify", "group")
IDS = (
    "2c752713-9d88-46f4-8b45-d19208e1e023",
    "ajs-next-1767556809711-05497785-dfdd-429e-8473-5ca63f9fb436",
    "node-next-1769065200963-e1e4afbe-a07d-4a4d-92a8-aa8976dd23fd",
    "personas_6XHLj7xzSVlvT718cQ96ZXpj2RV",
    "m" * 100,
)
FORMS = {
    "": re.compile(".+"),
    "any": re.compile(".+"),
    "uuid": re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "ulid": re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}"),
    "tail36": re.compile("[A-Za-z0-9-]{1,36}"),
}


EMAIL = {"email": "a@b.example"}


def event_of(kind: str, time: datetime = NOW, message_id: str = "m-1") -> Event:
    event = {
        "type": kind, "event": "E", "name": "N", "userId": "user-1", "groupId": "group-1",
        "messageId": message_id, "timestamp": time.isoformat(), "traits": {"plan": "pro"} | EMAIL,
        "properties": {"a": 1},
        "context": {"page": {"url": "https://example.com"}, "traits": EMAIL},
    }  # fmt: skip
    return parse(dumps(event))


def job_of(name: str, **options: Any) -> Job:
    destination = find(name)
    settings = settings_for(destination, KEY)
    replay = ReplayOptions(now=NOW, is_fixed=True, **options)
    return Job(destination=destination, settings=settings, reveals_keys=True, replay=replay)


def facts_of(name: str, found: Mapped) -> Replay:
    destination = find(name)
    facts = destination.action_replay.get(found.action, destination.replay)
    assert facts
    return facts


def problems_at_vendor(name: str, job: Job, found: Mapped) -> list[str]:
    """Return what the sandbox's vendor says against the request of one event."""
    destination, marks = job.destination, found.replayed.fields if found.replayed else {}
    assert destination.marked_request
    request = (
        destination.marked_request(found.request_key, [found.body], job.settings, marks)
        if marks
        else destination.request(found.request_key, [found.body], job.settings)
    )
    reply = validate_request(
        call_of(with_token(destination, request)), VENDORS[name], script=Script()
    )
    if isinstance(reply, Accepted):
        return [item.problem for item in reply.items if item.problem]
    return [reply.problem]


def mapped(name: str, kind: str, *, time: datetime = NOW, **options: Any) -> Decision:
    return map_event(event_of(kind, time), job_of(name, **options))


# --- ids against repeats


@for_each(("name", "kind"), [(name, kind) for name in catalog.NAMES for kind in TYPES])
def test_mapping_makes_ids_in_the_form_that_the_vendor_takes(name: str, kind: str) -> None:
    """They are the same in every run, and others for other events."""
    found = []
    for message_id in IDS:
        event = event_of(kind, message_id=message_id)
        outcome, again = (map_event(event, job_of(name)) for _ in range(2))
        if isinstance(outcome, Skipped):
            return
        assert isinstance(outcome, Mapped)
        assert isinstance(again, Mapped)
        assert outcome.body == again.body
        dedup = facts_of(name, outcome).dedup
        if not dedup:
            return
        value = value_at(loads(outcome.body), dedup.id.split("."))
        assert isinstance(value, str)
        assert FORMS[dedup.form].fullmatch(value), value
        found.append(value)

    # Profiles are found by their user, and events of Intercom by their name and time.
    is_profile = dedup.repeat == "updated" and kind in ("identify", "group")
    is_same = is_profile or name == "intercom"
    assert len(set(found)) == (1 if is_same else len(IDS))


def test_id_that_is_a_uuid_stays_what_it_was() -> None:
    """Events that came by another way have it too."""
    event = event_of("track", message_id=IDS[0])
    outcome = map_event(event, job_of("posthog"))

    assert isinstance(outcome, Mapped)
    assert UUID(loads(outcome.body)["uuid"]) == UUID(IDS[0])


# --- ages

OLDEST = {
    "mixpanel": datetime(1971, 1, 1, tzinfo=UTC),
    "klaviyo": datetime(1990, 1, 1, tzinfo=UTC),
}
EARLIER = timedelta(seconds=-1)


def test_file_and_vendor_agree_on_the_oldest_event_that_is_taken() -> None:
    for name, oldest in OLDEST.items():
        at_bound = mapped(name, "track", time=oldest)
        before = mapped(name, "track", time=oldest + EARLIER)
        forced = mapped(name, "track", time=oldest + EARLIER, older="send")
        assert isinstance(at_bound, Mapped)
        assert isinstance(forced, Mapped)

        assert problems_at_vendor(name, job_of(name), at_bound) == []
        assert isinstance(before, Skipped)
        assert problems_at_vendor(name, job_of(name), forced) != []


@for_each("name", set(catalog.NAMES) - set(OLDEST))
def test_others_take_events_of_any_age(name: str) -> None:
    found = mapped(name, "track", time=datetime(1970, 1, 2, tzinfo=UTC))

    assert isinstance(found, Mapped)
    assert problems_at_vendor(name, job_of(name), found) == []


def test_file_and_vendor_agree_on_how_far_ahead_an_event_may_be() -> None:
    for name, ahead in {"mixpanel": timedelta(hours=1), "klaviyo": timedelta(days=365)}.items():
        minute = timedelta(minutes=10)
        within = mapped(name, "track", time=NOW + ahead - minute)
        beyond = mapped(name, "track", time=NOW + ahead + minute)
        assert isinstance(within, Mapped)
        assert isinstance(beyond, Mapped)

        assert problems_at_vendor(name, job_of(name), within) == []
        assert problems_at_vendor(name, job_of(name), beyond) != []
        assert within.replayed is None or not within.replayed.remarks
        assert beyond.replayed
        assert beyond.replayed.remarks


# --- marks

MARKED = {"amplitude": "1d", "posthog": "2d", "klaviyo": "1d"}


def has_mark(found: Decision) -> bool:
    assert isinstance(found, Mapped)
    return bool(found.replayed and found.replayed.is_marked)


@for_each(("name", "after"), MARKED.items())
def test_vendor_takes_the_mark_of_an_old_event(name: str, after: str) -> None:
    age = timedelta(days=int(after.removesuffix("d")))
    minute = timedelta(minutes=1)
    old = mapped(name, "track", time=NOW - age - minute)
    assert isinstance(old, Mapped)

    assert has_mark(old)
    assert not has_mark(mapped(name, "track", time=NOW - age + minute))
    assert not has_mark(mapped(name, "track", time=NOW - age - minute, live=True))
    assert problems_at_vendor(name, job_of(name), old) == []


def test_no_other_entry_has_a_mark() -> None:
    with_marks = {name for name in catalog.NAMES if any(f.set for f in _facts(name))}

    assert with_marks == MARKED.keys()


# --- evidence, and one request an event


def _facts(name: str) -> list[Replay]:
    return [*find(name).all_replay_facts()]


@for_each("name", catalog.NAMES)
def test_every_fact_names_its_source(name: str) -> None:
    facts = find(name).replay
    assert facts
    assert facts.checked
    known = {field.name for field in fields(facts) if getattr(facts, field.name) not in _NOTHING}
    # What an event has is our mapping, not a fact about the vendor; and these follow from others.
    own = {"checked", "source", "time", "time_unit", "older", "later"}

    assert known - own <= {one.fact for one in facts.source}
    assert {one.fact for one in facts.source} <= {field.name for field in fields(facts)}


_NOTHING: tuple[Any, ...] = ("", (), frozenset(), None)


@for_each("name", catalog.NAMES)
def test_no_event_is_sent_to_a_vendor_twice(name: str) -> None:
    """Segment sends an event for each action that takes it; here the actions take others."""
    job = job_of(name)
    for event in good_events():
        assert isinstance(map_event(event, job), Mapped | Skipped | Exception), event.data["type"]
