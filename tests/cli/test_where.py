"""`--where` selects the events that match an FQL query, in every command that maps events."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.fakes import report_in, tracks, write_events
from support.resuming import LimitedVendor, Segcli, Serve, to_webhook
from support.samples import event_of, line_of

from segcli.core.selection import Selection, reason_to_skip
from segcli.fql import matcher

LARGE = 'properties.total >= 100 and event != "Order Cancelled"'


def order(number: int, total: Any, **fields: Any) -> bytes:
    more = {"messageId": f"m{number}", "timestamp": "2026-02-03", "properties": {"total": total}}
    return line_of(**(more | fields))


LINES = [
    order(1, 150),
    order(2, "150"),
    order(3, 150, event="Order Cancelled"),
    order(4, 99.99),
    order(5, 100.0),
    order(6, 150, properties=["no object"]),
]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return write_events(tmp_path / "events.jsonl", LINES)


def test_transform_maps_the_events_that_match_where(segcli: Segcli, events: Path) -> None:
    said = segcli("transform", "-d", "webhook", "--where", LARGE, events)

    assert [json.loads(line)["messageId"] for line in said.out.splitlines()] == ["m1", "m5"]
    assert "3  not of --where" in said.err
    assert "properties is not an object" in said.err


def test_send_sends_the_events_that_match_where(
    segcli: Segcli, events: Path, vendor: Serve, tmp_path: Path
) -> None:
    limited_vendor = LimitedVendor()
    said = segcli(*to_webhook(vendor(limited_vendor).url, "--where", LARGE, events))

    assert limited_vendor.taken == ["m1", "m5"]
    assert "3  not of --where" in said.err
    assert report_in(tmp_path)["ledger"]["skipped"] == 3


def test_check_checks_the_events_that_match_where(segcli: Segcli, events: Path) -> None:
    said = segcli("check", "-d", "webhook", "--where", LARGE, events)

    assert "6 lines: 2 mapped, 1 rejected, 3 skipped" in said.out


@pytest.mark.parametrize("command", ["transform", "send", "check"])
def test_invalid_query_is_a_usage_error_that_marks_the_position(
    command: str, segcli: Segcli, events: Path
) -> None:
    said = segcli(command, "-d", "webhook", "--where", 'type = "track" and total > 5', events)

    assert said.code == 2
    assert said.out == ""
    assert "Invalid value for '--where': expected a field (type, event, " in said.err
    assert '\n  type = "track" and total > 5\n                     ^\n' in said.err


@pytest.mark.parametrize(
    ("typed", "guess"),
    [
        ("propertis.total > 5", "properties.total"),
        ('typ = "track"', "type"),
        ("total > 5", "properties.total"),
    ],
)
def test_a_name_that_is_no_field_gets_a_guess(
    typed: str, guess: str, segcli: Segcli, events: Path
) -> None:
    said = segcli("transform", "-d", "webhook", "--where", typed, events)

    assert f"contains( or match(; did you mean {guess}?\n" in said.err


def test_query_text_that_segment_would_ignore_is_an_error(segcli: Segcli, events: Path) -> None:
    said = segcli("transform", "--where", 'type == "track"', events)

    assert said.code == 2
    assert '\n  type == "track"\n        ^\n' in said.err


def test_events_must_match_where_and_all_other_options(segcli: Segcli, events: Path) -> None:
    options = ["--where", "properties.total >= 1", "--event", "Order *"]
    said = segcli("transform", "-d", "webhook", *options, events)

    assert [json.loads(line)["messageId"] for line in said.out.splitlines()] == ["m3"]
    assert "1  not of --where" not in said.err
    assert "4  not of --event" in said.err


def test_where_is_applied_before_the_integrations_object() -> None:
    event = event_of(integrations={"All": False})

    picks, leaves = Selection(where=matcher("type = track")), Selection(where=matcher("type = x"))
    assert reason_to_skip(event, leaves, "Acme") == "not of --where"
    assert reason_to_skip(event, picks, "Acme") == "switched off in integrations"


QUERY = 'event = "Tested"'


@pytest.mark.parametrize(
    "now", [["--where", "event = Tested"], ["--where", 'event != "x"'], []], ids=str
)
def test_resume_requires_the_same_where_query(
    now: list[str], segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    limited_vendor = LimitedVendor(left=5)
    command = to_webhook(
        vendor(limited_vendor).url, write_events(tmp_path / "events.jsonl", tracks(12))
    )
    assert segcli(*command, "--where", QUERY).code == 3
    limited_vendor.accept_all()

    refused = segcli(*command, *now, "--resume")
    assert refused.code == 2
    assert f"the run to resume had --where {QUERY}; this one has " in refused.err
    assert len(limited_vendor.taken) == 5

    assert segcli(*command, "--where", QUERY, "--resume").code == 0
    assert len(set(limited_vendor.taken)) == 12
