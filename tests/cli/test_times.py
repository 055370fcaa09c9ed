"""The time of an event in every command: the field it comes from, and the value that is sent."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.fakes import CommandResult
from support.samples import line_of

Events = Callable[..., Path]
Segcli = Callable[..., CommandResult]

GOOD, SECONDS = "2026-02-16T09:03:51Z", 1_771_232_631
ZERO = "0001-01-01T00:00:00Z"
SECOND_UNREADABLE: Sequence[Mapping[str, Any]] = (
    {
        "timestamp": "2021-10-16T16:00:27.150Z",
        "originalTimestamp": "2021-10-16T16:00:27.029:Z",
        "sentAt": "2021-10-16T16:00:27.957:Z",
        "receivedAt": "2021-10-16T16:00:28.078Z",
    },
    {
        "timestamp": "2016-07-18T08:20:30.123Z",
        "originalTimestamp": "2016-07-18 10:20:30.123456789 +0200 CEST",
    },
    {"timestamp": "2022-07-15T03:17:39Z", "originalTimestamp": "1657855059"},
)
NEXT_BEST: Sequence[tuple[Mapping[str, Any], int | None]] = (
    ({"timestamp": ZERO, "receivedAt": GOOD}, SECONDS),
    ({"timestamp": "1969-12-31T23:00:00Z", "sentAt": GOOD}, SECONDS),
    ({"timestamp": ZERO, "originalTimestamp": ZERO, "receivedAt": "no", "sentAt": GOOD}, SECONDS),
    ({"originalTimestamp": "1657855059", "receivedAt": GOOD}, SECONDS),
    ({"timestamp": "", "originalTimestamp": "", "receivedAt": None, "sentAt": GOOD}, SECONDS),
    ({"timestamp": "1970-01-01T00:00:00Z", "receivedAt": GOOD}, 0),
    ({"timestamp": "1970-01-01T00:30:00+01:00", "receivedAt": GOOD}, SECONDS),
    ({"timestamp": "1969-12-31T23:00:00Z"}, None),
    ({"timestamp": ZERO, "receivedAt": ZERO}, None),
)
UNDATED = "note: sent without its time, which is before 1970: Gist takes none of these"


def occurred(segcli: Segcli, file: Path, *options: str) -> list[int | None]:
    said = segcli("transform", "-d", "gist", *options, file)
    return [json.loads(line).get("occurred_at") for line in said.out.splitlines()]


def test_only_the_time_field_in_use_must_be_readable(segcli: Segcli, events: Events) -> None:
    file = events(*(line_of(**fields) for fields in SECOND_UNREADABLE))

    for jobs in ("1", "2"):
        found = occurred(segcli, file, "--jobs", jobs)
        assert found == [1634400027, 1468830030, 1657855059]


def test_time_that_gist_cannot_carry_is_replaced_by_the_next_field(
    segcli: Segcli, events: Events
) -> None:
    file = events(*(line_of(**fields) for fields, _ in NEXT_BEST))

    assert occurred(segcli, file) == [seconds for _, seconds in NEXT_BEST]
    # A query makes every line be read in full.
    assert occurred(segcli, file, "--where", 'type = "track"') == [s for _, s in NEXT_BEST]


@pytest.mark.parametrize("command", [["transform"], ["send", "--sandbox"]])
def test_summary_counts_events_sent_without_their_time(
    segcli: Segcli, events: Events, command: list[str]
) -> None:
    file = events(*(line_of(**fields) for fields, _ in NEXT_BEST))

    said = segcli(*command, "-d", "gist", file)

    assert said.code == 0, said.err
    assert f"2  {UNDATED}" in said.err


@pytest.mark.parametrize(
    ("fields", "since_2026", "until_2026"),
    [
        ({"timestamp": ZERO, "receivedAt": GOOD}, True, False),
        ({"timestamp": "2025-06-01", "receivedAt": GOOD}, False, True),
        ({"timestamp": "", "receivedAt": "2025-06-01 09:00:00 UTC"}, False, True),
        ({"originalTimestamp": "soon", "sentAt": GOOD}, True, False),
        ({"timestamp": ZERO}, False, False),
    ],
)
def test_since_and_until_compare_the_time_that_is_sent(
    segcli: Segcli,
    events: Events,
    fields: Mapping[str, Any],
    since_2026: bool,
    until_2026: bool,
) -> None:
    file = events(line_of(**fields))

    assert bool(occurred(segcli, file, "--since", "2026-01-01")) is since_2026
    assert bool(occurred(segcli, file, "--until", "2026-01-01T00:00:00")) is until_2026


def test_since_and_until_use_the_timestamp_if_the_destination_carries_any_time(
    segcli: Segcli, events: Events
) -> None:
    file = events(line_of(timestamp=ZERO, receivedAt=GOOD))

    for dest in ("segment", "pointillist", "webhook", "plotline"):
        assert not segcli("transform", "-d", dest, "--since", "2026-01-01", file).out
        assert segcli("transform", "-d", dest, "--until", "2026-01-01", file).out


@pytest.mark.parametrize("dest", ["pointillist", "segment", "gist", "webhook", "plotline"])
def test_readable_times_are_accepted_by_the_sandbox(
    segcli: Segcli, events: Events, dest: str
) -> None:
    times = ("2026-02-16 09:03:51 UTC", "2026-02-16 09:03:51.123 +0000", "2026-02-16")
    file = events(*(line_of(timestamp=time, messageId=time) for time in times))

    said = segcli("send", "--sandbox", "-d", dest, file)

    assert said.code == 0, said.err
    assert "3  delivered" in said.err


def test_segment_and_pointillist_get_the_time_as_written(segcli: Segcli, events: Events) -> None:
    time = "2026-02-16 09:03:51 UTC"
    file = events(line_of(timestamp="", originalTimestamp="x", receivedAt=time))

    for dest, name in (("segment", "timestamp"), ("pointillist", "eventTime")):
        payload = json.loads(segcli("transform", "-d", dest, file).out)
        assert payload[name] == time


def test_unreadable_timestamp_rejects_the_event_despite_other_times(
    segcli: Segcli, events: Events
) -> None:
    file = events(line_of(timestamp="2026-02-16T09:03:51;Z", receivedAt=GOOD))

    for dest in ("segment", "pointillist", "gist", "webhook", "plotline"):
        said = segcli("transform", "-d", dest, file)
        assert said.code == 1
        assert "timestamp is not a time that segcli reads" in said.err


@pytest.mark.parametrize("text", ["1771232631", "20260216", "1771232631123", "7.5"])
def test_since_option_refuses_a_bare_number(segcli: Segcli, events: Events, text: str) -> None:
    said = segcli("transform", "--since", text, events(line_of()))

    assert said.code == 2
    assert f"'{text}' is not a time. For how long ago, add a unit: 7d." in said.err
