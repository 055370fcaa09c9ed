"""Mappings and subscriptions of published destinations work unchanged in a destination file."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support.destination_file import ACME, TRACK, changed, job_of, no_files
from support.samples import ROOT, good_events

from segcli.core.destination import Destination
from segcli.core.event import Event, Rejected
from segcli.core.exact_json import loads
from segcli.core.outcome import Job, Mapped, Skipped, map_event
from segcli.destination_file import destination_from_text
from segcli.destinations import BUILT_IN
from segcli.errors import DestinationError

CONFORMANCE = ROOT.parent / "shared" / "conformance"
pytestmark = pytest.mark.skipif(not CONFORMANCE.is_dir(), reason="the recorded data is not here")


@cache
def recorded(name: str) -> tuple[dict[str, Any], ...]:
    path: Path = CONFORMANCE / f"{name}.jsonl"
    return tuple(json.loads(line) for line in path.read_text().splitlines())


def with_actions(*actions: dict[str, Any]) -> Destination[Any]:
    return destination_from_text(
        json.dumps(changed(ACME, {"actions": [*actions]})), "acme.json", no_files, taken=BUILT_IN
    )


def test_every_published_mapping_is_accepted_and_maps_the_samples() -> None:
    found: Counter[str] = Counter()
    events = [event for event in good_events() if len(event.raw) < 10_000]
    for one in recorded("real_mappings"):
        job = job_of(with_actions({"subscribe": TRACK, "mapping": one["mapping"]}))
        assert {row.target for row in job.destination.fields} or not one["mapping"]
        for event in events[:: 1 + len(events) // 15]:
            outcome = map_event(event, job)
            assert isinstance(outcome, Mapped | Rejected | Skipped), one["id"]
            found[type(outcome).__name__] += 1

    assert found["Mapped"] > 1000
    assert not found["Rejected"]


def test_published_mappings_give_the_results_of_segments_code() -> None:
    mappings = {one["id"]: one["mapping"] for one in recorded("real_mappings")}
    events = {one["line"]: one["event"] for one in recorded("events")}
    jobs: dict[str, Job] = {}
    compared = 0
    for case in recorded("real_mapping_cases"):
        event = events[case["event_line"]]
        if not isinstance(case.get("expected"), dict) or event.get("type") not in {"track", "page"}:
            continue
        name = case["mapping_id"]
        if name not in jobs:
            action = {"subscribe": 'type = "track" or type = "page"', "mapping": mappings[name]}
            jobs[name] = job_of(with_actions(action))
        job = jobs[name]
        try:
            body = job.destination.payload(Event(b"", event), job.settings).body
        except Rejected:
            pytest.fail(f"mapping {case['mapping_id']} rejects line {case['event_line']}")
        assert body == case["expected"] or loads(json.dumps(case["expected"]).encode()) == body
        compared += 1

    assert compared > 150


def test_every_published_subscription_selects_the_events_of_segment() -> None:
    events = {one["line"]: one["event"] for one in recorded("events")}
    careless = []
    for one in recorded("real_subscriptions"):
        try:
            destination = with_actions({"subscribe": one["fql"], "mapping": {}})
        except DestinationError as error:
            careless.append((one, error.message))
            continue
        settings = job_of(destination).settings
        picked = [
            line
            for line, event in events.items()
            if not destination.skip_reason(Event(b"", event), settings)
        ]
        assert picked == one["matches"], one["fql"]
        assert {events[line].get("type") for line in picked} <= destination.types

    # What Segment's reader passes over, and what picks nothing: a file must not be careless.
    assert all("^" in said or one["matches"] == [] for one, said in careless)
    assert len(careless) <= 3
