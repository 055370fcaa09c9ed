"""What holds for every destination, built in or plugged in, whatever an event holds.

Wholly random events find nothing. Here sample events are bent: each of their fields by a value of
every kind, and any one or two by arbitrary JSON, or by removing them.
"""

import json
from functools import cache
from typing import Any, get_type_hints

import pytest
from acme import ACME
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import EVERYBODY, KEY, find, good_events

from segcli.destination import Destination, Payload, Remark
from segcli.event import Event, Rejected, parse
from segcli.exact_json import loads
from segcli.outcome import Job, Mapped, Outcome, Skipped, event_of, map_event, outcome_of
from segcli.secret import Secret
from segcli.settings import Sources, read

Path = tuple[str | int, ...]

DESTINATIONS = (*map(find, EVERYBODY), ACME)
GONE = object()
KINDS = (
    GONE,
    None,
    True,
    0,
    -1.5,
    10**40,
    "",
    "text",
    "2026-02-03",
    [],
    [1, {"a": []}],
    {},
    {"": {"b": 1}},
)
SETTINGS: dict[str, tuple[dict[str, str], ...]] = {
    "pointillist": ({}, {"properties": "true", "actor": "visitor"}),
    "gist": ({}, {"batch": "50"}),
    "webhook": ({}, {"label": "Mine"}),
    "acme": ({}, {"region": "us"}),
    "posthog": ({}, {"historical": "false"}),
}
KEYS = {"webhook": f"https://hooks.slack.com/services/{KEY}"}

# No surrogates: they cannot stand in a line of UTF-8, and a test of its own refuses them.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "true", "1e400", "2026-02-03", "2026-02-03T10:11:12Z", "1770000000", "a.b", "__proto__"]
)
numbers = (
    st.integers()
    | st.integers(10**9, 10**14)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -1, 2**53 + 1, 2**64, 10**40, 1e308])
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, path: Path = ()) -> list[Path]:
    """Return the path of every value within a value."""
    found = []
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            found += [(*path, key), *paths(inner, (*path, key))]
    return found


def bend(value: Any, path: Path, new: Any) -> None:
    """Put something else at a path, or nothing; do nothing where the path has gone."""
    *way, last = path
    try:
        for key in way:
            value = value[key]
        if new is GONE:
            del value[last]
        else:
            value[last] = new
    except (KeyError, IndexError, TypeError):
        return


@cache
def events_bent_by_every_kind_of_value() -> tuple[Event, ...]:
    """Every field of the samples, in one event of each call that has it, with each of `KINDS`."""
    fields = {
        (event.type, tuple("*" if isinstance(key, int) else key for key in path)): (event, path)
        for event in good_events()
        for path in paths(event.data)
        if len(path) < 4
    }
    lines = (bent(event, path, kind) for event, path in fields.values() for kind in KINDS)
    return tuple(event for line in lines if isinstance(event := event_of(line), Event))


def bent(event: Event, path: Path, new: Any) -> bytes:
    data = json.loads(event.raw)
    bend(data, path, new)
    return json.dumps(data).encode()


@st.composite
def bent_lines(draw: st.DrawFn) -> bytes:
    """A sample event with one or two values replaced or removed, as a line."""
    small = [event for event in good_events() if len(event.raw) < 5_000]
    data = json.loads(draw(st.sampled_from(small)).raw)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(paths(data) or [("type",)]))
        bend(data, path, draw(values | st.just(GONE)))
    return json.dumps(data, ensure_ascii=draw(st.booleans())).encode()


def jobs(destination: Destination[Any]) -> list[Job]:
    """Return jobs with a key and every setting that changes the mapping."""
    kinds = get_type_hints(destination.settings)
    keys = {name: KEYS.get(name, KEY) for name, kind in kinds.items() if kind is Secret}
    return [
        Job(destination=destination, settings=read(destination.name, destination.settings, sources))
        for given in SETTINGS.get(destination.name, ({},))
        for sources in [Sources(given=keys | given, env={}, table={})]
    ]


def event_for(destination: Destination[Any], line: bytes) -> Event | None:
    """Return the event that the mapping would get of a line, if it would get one."""
    try:
        event = parse(line)
    except Rejected:
        return None
    return event if event.type in destination.kinds else None


each_destination = pytest.mark.parametrize("destination", DESTINATIONS, ids=lambda one: one.name)


def check(found: Outcome) -> None:
    """An outcome is a payload of one line of JSON, or a reason."""
    assert isinstance(found, Mapped | Skipped | Rejected)
    if isinstance(found, Mapped):
        assert b"\n" not in found.body
        assert isinstance(loads(found.body), dict)
        assert found.user


@each_destination
def test_a_field_may_hold_a_value_of_any_kind(destination: Destination[Any]) -> None:
    for job in jobs(destination):
        for event in events_bent_by_every_kind_of_value():
            check(map_event(event, job))


@each_destination
@settings(max_examples=200)
@given(line=bent_lines())
def test_a_bent_event_becomes_a_payload_or_is_rejected_and_the_same_every_time(
    destination: Destination[Any], line: bytes
) -> None:
    for job in jobs(destination):
        found = outcome_of(line, job)

        check(found)
        assert str(outcome_of(line, job)) == str(found)


@each_destination
@given(line=bent_lines())
def test_mapping_leaves_the_event_as_it_was(destination: Destination[Any], line: bytes) -> None:
    event = event_for(destination, line)
    if event is None:
        return
    before = repr(event.data)
    for job in jobs(destination):
        try:
            payload = destination.payload(event, job.settings)
            remarks = list(destination.remarks(event, job.settings))
        except Rejected:
            pass
        else:
            assert isinstance(payload, Payload)
            assert all(isinstance(remark, Remark) for remark in remarks)
        assert repr(event.data) == before


@each_destination
@given(line=bent_lines())
def test_a_key_shows_in_no_payload_reason_or_note(
    destination: Destination[Any], line: bytes
) -> None:
    for job in jobs(destination):
        found = outcome_of(line, job)
        shown = repr(found) + str(found)

        assert KEY not in shown
        assert Secret(KEY).basic() not in shown


@each_destination
def test_the_samples_hold_events_that_are_mapped(destination: Destination[Any]) -> None:
    job = jobs(destination)[0]

    mapped = [event for event in good_events() if isinstance(outcome_of(event.raw, job), Mapped)]

    assert len(mapped) >= 10


@each_destination
def test_a_rejection_is_counted_by_field_and_problem_and_not_by_event(
    destination: Destination[Any],
) -> None:
    job = jobs(destination)[0]

    reasons = {
        str(found)
        for event in good_events()
        if isinstance(found := outcome_of(event.raw, job), Rejected)
    }

    assert len(reasons) <= 5


@each_destination
def test_a_request_is_made_of_bodies_and_settings_alone(destination: Destination[Any]) -> None:
    for job in jobs(destination):
        first, again = (destination.request("/", [b"{}"], job.settings) for _ in range(2))

        assert first == again
        assert b"{}" in first.body
        assert KEY not in repr(first)
