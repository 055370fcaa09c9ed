"""What the catalog says of old events agrees with its mappings, and with the sandbox's vendors."""

import re
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from support.catalog_events import NOW, TYPES, event_of, job_of, problems_at_vendor
from support.samples import find, good_events
from support.tables import for_each

from segcli import catalog
from segcli.core.exact_json import loads
from segcli.core.outcome import Decision, Mapped, Skipped, map_event
from segcli.core.payload_path import value_at
from segcli.core.replay import Replay

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


def facts_of(name: str, found: Mapped) -> Replay:
    destination = find(name)
    facts = destination.action_replay.get(found.action, destination.replay)
    assert facts
    return facts


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

BOUNDED = {"mixpanel", "klaviyo"}


def test_two_entries_leave_out_old_events() -> None:
    leaves_out = {"refused", "request", "lost", "now"}

    assert {n for n in catalog.NAMES if any(f.older in leaves_out for f in _facts(n))} == BOUNDED


@for_each("name", set(catalog.NAMES) - BOUNDED)
def test_others_take_events_of_any_age(name: str) -> None:
    found = mapped(name, "track", time=datetime(1970, 1, 2, tzinfo=UTC))

    assert isinstance(found, Mapped)
    assert problems_at_vendor(name, job_of(name), found) == []


# --- marks

MARKED = {"amplitude", "posthog", "klaviyo"}


def test_no_other_entry_has_a_mark() -> None:
    with_marks = {name for name in catalog.NAMES if any(f.set for f in _facts(name))}

    assert with_marks == MARKED


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
