"""What holds for every destination, built in or plugged in, with any event.

Wholly random events find nothing. Here sample events are bent: each of their fields by a value of
every kind, and any one or two by arbitrary JSON, or by removing them.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import given, settings
from support.event_strategies import (
    DESTINATIONS,
    events_with_every_kind_of_value,
    jobs_of,
    mutated_lines,
)
from support.samples import KEY, good_events
from support.tables import for_each

from segcli.core.destination import Destination, Payload, Remark
from segcli.core.event import Event, Rejected, parse
from segcli.core.exact_json import MAX_DEPTH, loads
from segcli.core.outcome import Decision, Job, Mapped, Skipped, event_of, mapping_of
from segcli.core.secret import Secret


def event_for(destination: Destination[Any], line: bytes) -> Event | None:
    """Return the event that the mapping would get of a line, if it would get one."""
    try:
        event = parse(line)
    except Rejected:
        return None
    return event if event.type in destination.types else None


@cache
def mappings_of(name: str) -> tuple[Callable[[bytes], Decision], ...]:
    """Return what maps a line for each job of a destination, prepared once, as for a run."""
    return tuple(map(_mapping_of_lines, jobs_of(name)))


def _mapping_of_lines(job: Job) -> Callable[[bytes], Decision]:
    mapped = mapping_of(job)

    def outcome(line: bytes) -> Decision:
        event = event_of(line)
        return mapped(event) if isinstance(event, Event) else event

    return outcome


each_destination = for_each("destination", DESTINATIONS)


def check(found: Decision) -> None:
    """An outcome is a payload of one line of JSON, or a reason."""
    assert isinstance(found, Mapped | Skipped | Rejected)
    if isinstance(found, Mapped):
        assert b"\n" not in found.body
        # A mapping may nest the fields of an event deeper than they were.
        assert isinstance(loads(found.body, levels=2 * MAX_DEPTH, replaces_surrogates=True), dict)
        assert found.user


@each_destination
def test_field_may_have_a_value_of_any_type(destination: Destination[Any]) -> None:
    for job in jobs_of(destination.name):
        seen = set()
        for found in map(mapping_of(job), events_with_every_kind_of_value()):
            # Most changes move nothing. The same payload is checked once.
            if not isinstance(found, Mapped) or (found.body, found.user) not in seen:
                check(found)
            if isinstance(found, Mapped):
                seen.add((found.body, found.user))


@settings(max_examples=200)
@given(line=mutated_lines())
@for_each("destination", DESTINATIONS)
def test_mutated_event_has_a_valid_and_repeatable_outcome(
    destination: Destination[Any], line: bytes
) -> None:
    for outcome_of in mappings_of(destination.name):
        found = outcome_of(line)

        check(found)
        assert str(outcome_of(line)) == str(found)


@given(line=mutated_lines())
@for_each("destination", DESTINATIONS)
def test_mapping_does_not_change_the_event(destination: Destination[Any], line: bytes) -> None:
    event = event_for(destination, line)
    if event is None:
        return
    before = repr(event.data)
    for job in jobs_of(destination.name):
        try:
            payload = destination.payload(event, job.settings)
            remarks = list(destination.remarks(event, job.settings))
        except Rejected:
            pass
        else:
            assert isinstance(payload, Payload)
            assert all(isinstance(remark, Remark) for remark in remarks)
        assert repr(event.data) == before


@given(line=mutated_lines())
@for_each("destination", DESTINATIONS)
def test_no_payload_reason_or_note_shows_a_key(destination: Destination[Any], line: bytes) -> None:
    for outcome_of in mappings_of(destination.name):
        found = outcome_of(line)
        shown = repr(found) + str(found)

        assert KEY not in shown
        assert Secret(KEY).basic() not in shown


@each_destination
def test_samples_have_enough_mapped_events(destination: Destination[Any]) -> None:
    mapped_by = mapping_of(jobs_of(destination.name)[0])

    mapped = [event for event in good_events() if isinstance(mapped_by(event), Mapped)]

    assert len(mapped) >= 10


@each_destination
def test_rejections_have_few_different_reasons(
    destination: Destination[Any],
) -> None:
    mapped_by = mapping_of(jobs_of(destination.name)[0])

    reasons = {
        str(found) for event in good_events() if isinstance(found := mapped_by(event), Rejected)
    }

    assert len(reasons) <= 5


@each_destination
def test_request_depends_on_bodies_and_settings_only(destination: Destination[Any]) -> None:
    for job in jobs_of(destination.name):
        first, again = (destination.request("/", [b"{}"], job.settings) for _ in range(2))

        assert first == again
        assert b"{}" in first.body
        assert KEY not in repr(first)
