"""The queries of published destinations select the same events as in Segment."""

import json
from functools import cache
from typing import Any

import pytest
from support.samples import ROOT

from segcli.fql import FqlError, matcher

RECORDED = ROOT.parent / "shared" / "conformance"
QUERIES = RECORDED / "real_subscriptions.jsonl"
CASES = [json.loads(line) for line in QUERIES.read_text().splitlines()] if QUERIES.exists() else []


@cache
def events() -> list[tuple[int, Any]]:
    """Return every recorded event with its line number."""
    lines = (RECORDED / "events.jsonl").read_text().splitlines()
    return [(record["line"], record["event"]) for record in map(json.loads, lines)]


def selected_lines(query: str) -> list[int]:
    """Return the lines of the events that a query selects; none if the query cannot be read."""
    try:
        matches = matcher(query)
    except FqlError:
        return []
    return [line for line, event in events() if matches(event)]


@pytest.mark.skipif(not CASES, reason="nothing is recorded here")
@pytest.mark.parametrize("case", CASES, ids=[case["fql"].strip()[:80] for case in CASES])
def test_published_query_selects_the_recorded_events(case: dict[str, Any]) -> None:
    assert selected_lines(case["fql"]) == case["matches"]


@pytest.mark.skipif(not CASES, reason="nothing is recorded here")
def test_every_published_query_can_be_parsed() -> None:
    assert all(matcher(case["fql"]) for case in CASES)
