"""The events that the selection options select."""

from typing import Any

import pytest
from support.samples import event_of, job_for, line_of

from segcli.core.event import parse_time
from segcli.core.line import TooLong
from segcli.core.outcome import Mapped, Skipped, make_mapper, outcome_of
from segcli.core.selection import Selection, is_enabled, reason_to_skip

OFF = "switched off in integrations"
ACME = "Acme"


def skip(selection: Selection, **fields: Any) -> str | None:
    return reason_to_skip(event_of(**fields), selection, ACME)


@pytest.mark.parametrize(
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
def test_the_destination_s_own_key_wins_then_all_and_only_false_is_off(
    integrations: dict[str, Any], on: bool
) -> None:
    assert is_enabled(integrations, ACME) is on
    assert skip(Selection(), integrations=integrations) == (None if on else OFF)


@pytest.mark.parametrize("integrations", [None, ...])
def test_without_an_integrations_object_a_destination_is_on(integrations: Any) -> None:
    assert skip(Selection(), integrations=integrations) is None


def test_ignoring_integrations_takes_what_they_switch_off() -> None:
    selection = Selection(ignore_integrations=True)

    assert skip(selection, integrations={"All": False, "Acme": False}) is None


def test_without_options_every_event_is_taken() -> None:
    for kind in ("identify", "track", "page", "screen", "group", "alias"):
        assert skip(Selection(), type=kind) is None


def test_only_calls_of_the_given_types_are_taken() -> None:
    selection = Selection(types=frozenset({"identify", "page"}))

    assert skip(selection, type="identify") is None
    assert skip(selection, type="page") is None
    assert skip(selection, type="track") == "not of --type"


@pytest.mark.parametrize(
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
def test_event_names_are_shell_patterns_that_tell_case_apart(name: str, taken: bool) -> None:
    selection = Selection(events=("Order *", "Signed ??"))

    assert skip(selection, event=name) == (None if taken else "not of --event")


def test_a_call_that_has_no_event_name_is_not_of_any_pattern() -> None:
    assert skip(Selection(events=("*",)), type="page", event=...) == "not of --event"


@pytest.mark.parametrize(
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
def test_a_user_is_named_by_either_id_whole(fields: dict[str, Any], taken: bool) -> None:
    selection = Selection(users=frozenset({"u7", "42"}))

    assert skip(selection, **fields) == (None if taken else "not of --user")


@pytest.mark.parametrize(
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
def test_since_is_included_until_is_not_and_zones_are_heeded(
    timestamp: str, reason: str | None
) -> None:
    selection = Selection(since=parse_time("2026-02-03"), until=parse_time("2026-02-04"))

    assert skip(selection, timestamp=timestamp) == reason


def test_without_a_timestamp_the_next_best_time_is_held_against_since() -> None:
    selection = Selection(since=parse_time("2026-02-03"))

    assert skip(selection, receivedAt="2026-02-03T10:00:00Z") is None
    assert skip(selection, receivedAt="2026-02-02T10:00:00Z") == "before --since"


def test_an_event_without_any_time_is_left_out_by_since_and_until_only() -> None:
    untimed = "without a time for --since and --until"

    assert skip(Selection(since=parse_time("2026-02-03"))) == untimed
    assert skip(Selection(until=parse_time("2026-02-03"))) == untimed
    assert skip(Selection()) is None


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_first_and_last_moments_of_the_calendar_can_be_compared(moment: str) -> None:
    both = Selection(since=parse_time("2026-02-03"), until=parse_time("2026-02-04"))

    assert skip(both, timestamp=moment) in {"before --since", "not before --until"}


def test_every_option_has_to_be_met() -> None:
    selection = Selection(types=frozenset({"track"}), events=("Order *",), users=frozenset({"u1"}))

    assert skip(selection, event="Order Completed", userId="u1") is None
    assert skip(selection, event="Order Completed", userId="u2") == "not of --user"
    assert skip(selection, event="Signed Up", userId="u1") == "not of --event"
    assert skip(selection, type="page", event="Order Completed") == "not of --type"


def test_the_limit_counts_mapped_events_and_skips_all_that_follow() -> None:
    decide = make_mapper(job_for("webhook", selection=Selection(limit=2)))
    lines = [line_of(type="page"), b"", b"no json", line_of(), line_of(), b"no json", b""]

    # A run maps lines block by block.
    found = [*decide(lines[:3]), *decide(lines[3:])]

    assert [type(one).__name__ for one in found] == [
        "Mapped", "Skipped", "Rejected", "Mapped", "Skipped", "Skipped", "Skipped",
    ]  # fmt: skip
    assert set(found[4:]) == {Skipped("over --limit")}


def test_a_limit_of_none_takes_all_and_of_zero_takes_nothing() -> None:
    everything = make_mapper(job_for("webhook"))
    nothing = make_mapper(job_for("webhook", selection=Selection(limit=0)))

    assert all(isinstance(found, Mapped) for found in everything([line_of()] * 5))
    assert nothing([line_of()]) == [Skipped("over --limit")]


@pytest.mark.parametrize("line", [b"", b"   ", b"\r", b"\t \r"])
def test_a_blank_line_is_skipped(line: bytes) -> None:
    assert outcome_of(line, job_for("webhook")) == Skipped("blank line")


def test_a_line_over_the_bound_is_rejected() -> None:
    found = outcome_of(TooLong(2_000_000, b"{"), job_for("webhook"))

    assert str(found) == "longer than --max-line"


def test_a_call_of_another_kind_is_skipped_before_any_option() -> None:
    page = line_of(type="page", integrations={"All": False})

    assert outcome_of(page, job_for("gist")) == Skipped("page is not for gist")


def test_a_broken_event_is_rejected_even_where_an_option_would_skip_it() -> None:
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
def test_each_vendor_is_switched_off_by_its_name_in_segment_s_catalog(
    name: str, label: str
) -> None:
    line = line_of(timestamp="2026-02-03", integrations={label: False})

    assert outcome_of(line, job_for(name)) == Skipped(OFF)
    assert isinstance(outcome_of(line.replace(b"false", b"true"), job_for(name)), Mapped)


def test_a_webhook_is_known_in_integrations_by_its_label_if_it_has_one() -> None:
    line = line_of(integrations={"All": False, "My Service": True})

    assert isinstance(outcome_of(line, job_for("webhook", label="My Service")), Mapped)
    assert outcome_of(line, job_for("webhook")) == Skipped(OFF)
    assert outcome_of(line, job_for("webhook", label="my service")) == Skipped(OFF)
