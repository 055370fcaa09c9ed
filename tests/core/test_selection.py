"""The events that the selection options select."""

from typing import Any

import pytest
from support.samples import event_of, job_for, line_of
from support.tables import for_each

from segcli.core.event_time import parse_time
from segcli.core.line import TooLong
from segcli.core.outcome import Mapped, Skipped, make_mapper, outcome_of
from segcli.core.selection import Selection, is_enabled, reason_to_skip

OFF = "switched off in integrations"
ACME = "Acme"


def skip(selection: Selection, **fields: Any) -> str | None:
    return reason_to_skip(event_of(**fields), selection, ACME)


@for_each(
    ("integrations", "on"),
    [
        ({}, True),
        ({"All": True}, True),
        ({"All": False}, False),
        ({"all": False}, False),
        ({"All": None}, True),
        ({"All": {}}, True),
        ({"All": 0}, True),
        ({"All": "false"}, True),
        ({"All": True, "all": False}, True),
        ({"ALL": False}, True),
        ({"Acme": True}, True),
        ({"Acme": False}, False),
        ({"Acme": None}, True),
        ({"Acme": {}}, True),
        ({"Acme": {"option": False}}, True),
        ({"Acme": 0}, True),
        ({"acme": False}, True),
        ({"All": False, "Acme": True}, True),
        ({"All": False, "Acme": {}}, True),
        ({"All": False, "Acme": None}, True),
        ({"All": False, "acme": True}, False),
        ({"All": False, "Gist": True}, False),
        ({"All": True, "Acme": False}, False),
        ({"Gist": False}, True),
    ],
)
def test_integrations_disable_by_own_name_then_all_and_only_if_false(
    integrations: dict[str, Any], on: bool
) -> None:
    assert is_enabled(integrations, ACME) is on
    assert skip(Selection(), integrations=integrations) == (None if on else OFF)


@pytest.mark.parametrize("integrations", [None, ...])
def test_destination_is_enabled_without_an_integrations_object(integrations: Any) -> None:
    assert skip(Selection(), integrations=integrations) is None


def test_ignore_integrations_selects_disabled_events() -> None:
    selection = Selection(ignore_integrations=True)

    assert skip(selection, integrations={"All": False, "Acme": False}) is None


def test_every_event_is_selected_without_options() -> None:
    for kind in ("identify", "track", "page", "screen", "group", "alias"):
        assert skip(Selection(), type=kind) is None


def test_type_option_selects_the_given_types() -> None:
    selection = Selection(types=frozenset({"identify", "page"}))

    assert skip(selection, type="identify") is None
    assert skip(selection, type="page") is None
    assert skip(selection, type="track") == "not of --type"


@for_each(
    ("name", "taken"),
    [
        ("Order Completed", True),
        ("Order Refunded", True),
        ("order completed", False),
        ("Reorder Completed", False),
        ("Signed Up", True),
        ("Signed Up Again", False),
    ],
)
def test_event_option_is_a_case_sensitive_shell_pattern(name: str, taken: bool) -> None:
    selection = Selection(events=("Order *", "Signed ??"))

    assert skip(selection, event=name) == (None if taken else "not of --event")


def test_call_without_an_event_name_matches_no_event_pattern() -> None:
    assert skip(Selection(events=("*",)), type="page", event=...) == "not of --event"


@for_each(
    ("fields", "taken"),
    [
        ({"userId": "u7"}, True),
        ({"userId": "u1", "anonymousId": "u7"}, True),
        ({"userId": ..., "anonymousId": "u7"}, True),
        ({"userId": 42}, True),
        ({"userId": "u1"}, False),
        ({"userId": "u70"}, False),
    ],
)
def test_user_option_matches_either_whole_id(fields: dict[str, Any], taken: bool) -> None:
    selection = Selection(users=frozenset({"u7", "42"}))

    assert skip(selection, **fields) == (None if taken else "not of --user")


@for_each(
    ("timestamp", "reason"),
    [
        ("2026-02-02T23:59:59.999Z", "before --since"),
        ("2026-02-03T00:00:00Z", None),
        ("2026-02-03T01:30:00+02:00", "before --since"),
        ("2026-02-02T23:30:00-02:00", None),
        ("2026-02-03", None),
        ("2026-02-03T23:59:59.999", None),
        ("2026-02-04T00:00:00Z", "not before --until"),
        ("2026-02-04T01:00:00+02:00", None),
    ],
)
def test_since_is_inclusive_until_exclusive_and_zones_count(
    timestamp: str, reason: str | None
) -> None:
    selection = Selection(since=parse_time("2026-02-03"), until=parse_time("2026-02-04"))

    assert skip(selection, timestamp=timestamp) == reason


def test_since_uses_the_next_time_without_a_timestamp() -> None:
    selection = Selection(since=parse_time("2026-02-03"))

    assert skip(selection, receivedAt="2026-02-03T10:00:00Z") is None
    assert skip(selection, receivedAt="2026-02-02T10:00:00Z") == "before --since"


def test_event_without_a_time_is_skipped_by_since_and_until_only() -> None:
    untimed = "without a time for --since and --until"

    assert skip(Selection(since=parse_time("2026-02-03"))) == untimed
    assert skip(Selection(until=parse_time("2026-02-03"))) == untimed
    assert skip(Selection()) is None


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_first_and_last_moments_of_the_calendar_can_be_compared(moment: str) -> None:
    both = Selection(since=parse_time("2026-02-03"), until=parse_time("2026-02-04"))

    assert skip(both, timestamp=moment) in {"before --since", "not before --until"}


def test_event_must_match_every_option() -> None:
    selection = Selection(types=frozenset({"track"}), events=("Order *",), users=frozenset({"u1"}))

    assert skip(selection, event="Order Completed", userId="u1") is None
    assert skip(selection, event="Order Completed", userId="u2") == "not of --user"
    assert skip(selection, event="Signed Up", userId="u1") == "not of --event"
    assert skip(selection, type="page", event="Order Completed") == "not of --type"


def test_limit_counts_mapped_events_and_skips_all_later_lines() -> None:
    decide = make_mapper(job_for("webhook", selection=Selection(limit=2)))
    lines = [line_of(type="page"), b"", b"no json", line_of(), line_of(), b"no json", b""]

    # A run maps lines block by block.
    found = [*decide(lines[:3]), *decide(lines[3:])]

    assert [type(one).__name__ for one in found] == [
        "Mapped", "Skipped", "Rejected", "Mapped", "Skipped", "Skipped", "Skipped",
    ]  # fmt: skip
    assert set(found[4:]) == {Skipped("over --limit")}


def test_limit_none_selects_all_and_zero_selects_nothing() -> None:
    everything = make_mapper(job_for("webhook"))
    nothing = make_mapper(job_for("webhook", selection=Selection(limit=0)))

    assert all(isinstance(found, Mapped) for found in everything([line_of()] * 5))
    assert nothing([line_of()]) == [Skipped("over --limit")]


@pytest.mark.parametrize("line", [b"", b"   ", b"\r", b"\t \r"])
def test_a_blank_line_is_skipped(line: bytes) -> None:
    assert outcome_of(line, job_for("webhook")) == Skipped("blank line")


def test_line_longer_than_max_line_is_rejected() -> None:
    found = outcome_of(TooLong(2_000_000, b"{"), job_for("webhook"))

    assert str(found) == "longer than --max-line"


def test_unsupported_call_type_is_skipped_before_any_option() -> None:
    page = line_of(type="page", integrations={"All": False})

    assert outcome_of(page, job_for("gist")) == Skipped("page is not for gist")


def test_invalid_event_is_rejected_even_if_an_option_would_skip_it() -> None:
    selection = Selection(types=frozenset({"identify"}))
    broken = line_of(context="text", integrations={"All": False})

    found = outcome_of(broken, job_for("gist", selection=selection))

    assert str(found) == "context is not an object"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("pointillist", "Pointillist"),
        ("plotline", "Plotline"),
        ("gist", "Gist"),
        ("segment", "Segment.io"),
    ],
)
def test_destination_is_disabled_by_its_name_in_segments_catalog(name: str, label: str) -> None:
    line = line_of(timestamp="2026-02-03", integrations={label: False})

    assert outcome_of(line, job_for(name)) == Skipped(OFF)
    assert isinstance(outcome_of(line.replace(b"false", b"true"), job_for(name)), Mapped)


def test_webhook_is_enabled_in_integrations_by_its_label() -> None:
    line = line_of(integrations={"All": False, "My Service": True})

    assert isinstance(outcome_of(line, job_for("webhook", label="My Service")), Mapped)
    assert outcome_of(line, job_for("webhook")) == Skipped(OFF)
    assert outcome_of(line, job_for("webhook", label="my service")) == Skipped(OFF)
