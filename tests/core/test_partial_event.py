"""Partial parsing gives the same outcomes as full parsing."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from support.event_strategies import (
    DESTINATIONS,
    events_with_every_kind_of_value,
    jobs,
    mutated_lines,
)
from support.samples import NAMES, event_of, good_events, job_for, line_of, lines_of
from support.tables import for_each

from segcli.core import outcome
from segcli.core.decision import Mapped
from segcli.core.destination import Destination
from segcli.core.event import Event
from segcli.core.line import TooLong
from segcli.core.outcome import Decide, Decision, Job, Skipped, make_mapper, mapping_of
from segcli.core.outcome import event_of as full_event_of
from segcli.core.partial_event import partial_parser, whole_event
from segcli.core.selection import Selection
from segcli.fql import matcher

QUICK = [one for one in DESTINATIONS if one.reads]
PIECES = [
    *(b"\\", b'"', b"\\u", b"\\ud800", b"\\ud83d\\ude00", b"\x00", b"\x1f", b"\xff", b"\xc3"),
    *(b"{", b"}", b"[", b"]", b",", b":", b"-", b".", b"e", b"0", b"1e400", b"0.12345678901234567"),
    *(b"null", b"true", b"NaN", b" ", b"\t", b'""', b"{}", b"[[]]", b"\xef\xbb\xbf", b"\xed\xa0"),
]  # fmt: skip

each_quick_destination = for_each("destination", QUICK)


def shown(outcome: Decision) -> str:
    """Return an outcome as a comparable value; of a rejection, its reason."""
    return f"{outcome!r} {outcome}"


@dataclass(frozen=True, slots=True)
class BothWays:
    """One job with partial parsing, and with full parsing. They are prepared once, as in a run."""

    decide: Decide
    map_: Callable[[Event], Decision]

    def assert_same(self, line: bytes, whole: Event | Decision | None = None) -> None:
        """Map a line both ways; `whole` is what full parsing makes of it, if that is known."""
        if whole is None:
            whole = full_event_of(line)
        self.assert_all_same([(line, whole)])

    def assert_all_same(self, lines: Sequence[tuple[bytes, Event | Decision]]) -> None:
        """Map lines both ways, all in one call. Each stands with what full parsing makes of it."""
        found = self.decide([line for line, _ in lines])
        for (line, whole), decision in zip(lines, found, strict=True):
            expected = self.map_(whole) if isinstance(whole, Event) else whole
            event: Any = whole_event(line)
            decisions = [decision] if event is None else [decision, self.map_(event)]
            # To show both takes as long as all the rest; equal payloads are shown alike.
            for one in decisions:
                if not (isinstance(one, Mapped) and one == expected):
                    assert shown(one) == shown(expected), line


@cache
def ways_of(name: str) -> tuple[BothWays, ...]:
    """Return each job of a destination both ways."""
    [destination] = [one for one in QUICK if one.name == name]
    return tuple(BothWays(make_mapper(job), mapping_of(job)) for job in jobs(destination))


@cache
def damaged_lines() -> tuple[tuple[bytes, Event | Decision], ...]:
    """Return samples with pieces put in and taken out, and what full parsing makes of each."""
    chance = random.Random(7)
    small = [event.raw for event in good_events() if len(event.raw) < 1500]
    found = []
    for _ in range(4000):
        line = chance.choice(small)
        for _ in range(chance.randint(1, 3)):
            at, gone = chance.randrange(len(line)), chance.choice((0, 0, 1, 7))
            line = line[:at] + chance.choice((b"", *PIECES)) + line[at + gone :]
        found.append((line, full_event_of(line)))
    return tuple(found)


def test_all_mappings_with_declared_fields_are_tested_here() -> None:
    assert [one.name for one in QUICK] == ["pointillist", "plotline", "gist", "webhook"]


@each_quick_destination
def test_samples_have_the_same_outcome_with_partial_parsing(
    destination: Destination[Any],
) -> None:
    for ways in ways_of(destination.name):
        for line in (line for name in NAMES for line in lines_of(name)):
            ways.assert_same(line)


@each_quick_destination
def test_fields_of_any_type_have_the_same_outcome(destination: Destination[Any]) -> None:
    for ways in ways_of(destination.name):
        ways.assert_all_same([(event.raw, event) for event in events_with_every_kind_of_value()])


@settings(max_examples=200)
@given(line=mutated_lines())
@each_quick_destination
def test_mutated_events_have_the_same_outcome(destination: Destination[Any], line: bytes) -> None:
    for ways in ways_of(destination.name):
        ways.assert_same(line)


@each_quick_destination
def test_damaged_json_is_rejected_with_the_same_reason(
    destination: Destination[Any],
) -> None:
    ways, *_ = ways_of(destination.name)
    ways.assert_all_same(damaged_lines())


@each_quick_destination
def test_line_of_only_a_byte_order_mark_is_blank_in_both_parsers(
    destination: Destination[Any],
) -> None:
    ways, *_ = ways_of(destination.name)
    for line in (b"\xef\xbb\xbf", b" \xef\xbb\xbf\r\n", b"\xef\xbb\xbf \n"):
        ways.assert_same(line)
        assert ways.decide([line]) == [Skipped("blank line")]


def test_line_longer_than_max_line_is_rejected() -> None:
    assert str(make_mapper(job_for("webhook"))([TooLong(9, b"{")])[0]) == "longer than --max-line"


def test_mapping_is_prepared_once_for_all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[Job] = []

    def counted(job: Job) -> Callable[[Event], Decision]:
        prepared.append(job)
        return mapping_of(job)

    monkeypatch.setattr(outcome, "mapping_of", counted)
    decide = make_mapper(job_for("webhook"))
    # The first is left to full parsing, the second is mapped at once.
    decide([line_of(userId=1.5), line_of(), TooLong(9, b"{"), b"{]"] * 3)

    assert len(prepared) == 1


def test_most_good_events_need_partial_parsing_only() -> None:
    read = partial_parser(["traits", "context.traits"])
    plain = [event for event in good_events() if isinstance(event.data.get("userId", ""), str)]

    assert sum(read([event.raw])[0] is not None for event in plain) > 0.9 * len(plain)


@pytest.mark.parametrize("user", ["u1", 7, 2**70, 0])
def test_partial_event_equals_the_full_event_in_its_fields(user: str | int) -> None:
    fields: dict[str, Any] = {
        "userId": user,
        "anonymousId": None,
        "timestamp": "2026-02-03T10:00:00.000+01:00",
        "receivedAt": "2026-02-03T10:00:01Z",
        "context": {"traits": {"n": 0.1234567890123456789012}, "page": {"url": "x"}, "ip": 1},
        "properties": {"a": 1},
    }
    whole = event_of(**fields)
    [excerpt] = partial_parser(["context.traits", "context.ip"])([line_of(**fields) + b"\r\n"])

    assert excerpt
    for name in ("type", "name", "user_id", "anonymous_id", "user", "time", "traits", "raw"):
        assert getattr(excerpt, name) == getattr(whole, name), name
    assert list(excerpt.times()) == list(whole.times())
    assert excerpt.context == {key: fields["context"][key] for key in ("traits", "ip")}
    assert excerpt.properties
    assert excerpt.properties.keys() == {"a"}


@for_each(
    "fields",
    [
        {"type": "purchase"},
        {"type": ...},
        {"event": ""},
        {"event": ...},
        {"userId": ""},
        {"anonymousId": ""},
        {"userId": 1.5},
        {"userId": True},
        {"timestamp": "yesterday"},
        {"timestamp": ""},
        {"traits": []},
        {"pad": [[[[]]]] * 100},
    ],
)
def test_unusual_events_are_left_to_the_full_parser(fields: dict[str, Any]) -> None:
    assert partial_parser([])([line_of(**fields)]) == [None]


@for_each(
    "fields",
    [
        {"type": "purchase"},
        {"event": ""},
        {"userId": 1.5},
        {"timestamp": "yesterday"},
        {"traits": []},
        {"pad": 1},
        {"": ""},
        {" ": None},
        {"  ": False},
        {"   ": []},
        {"version": [[[[]]]] * 100},
    ],
)
def test_events_with_unknown_or_unusual_fields_are_no_whole_events(fields: dict[str, Any]) -> None:
    line = line_of(**{"timestamp": "2026-02-03", **fields})

    assert whole_event(line) is None
    assert whole_event(line_of(timestamp="2026-02-03"))


def test_an_event_with_a_number_out_of_range_is_no_whole_event() -> None:
    line = line_of(timestamp="2026-02-03", properties={"n": 1.5})

    assert whole_event(line)
    assert whole_event(line.replace(b"1.5", b"1e9999999999999999999")) is None


def test_most_good_events_are_whole_events() -> None:
    events = good_events()
    plain = [one for one in events if isinstance(one.data.get("userId", ""), str) and one.time]

    found = [whole_event(event.raw) for event in plain]

    assert sum(one is not None for one in found) > 0.7 * len(plain)
    for event, whole in zip(plain, found, strict=True):
        known = {name: value for name, value in event.data.items() if value is not None}
        assert not whole or {name: value for name, (_, value) in whole.fields().items()} == known


@pytest.mark.parametrize("user", ["u1", 7, 2**70, 0])
def test_whole_event_has_the_types_as_written(user: str | int) -> None:
    line = line_of(userId=user, anonymousId=None, timestamp="2026-02-03", version=None, name="Home")
    event = whole_event(line)

    assert event
    assert event.user_id == str(user)
    assert event.fields()["userId"][0] is type(user)
    assert event.fields().keys() == {"type", "event", "userId", "timestamp", "name"}
    assert event.name == "Tried"


def test_where_query_may_read_any_field() -> None:
    selection = Selection(where=matcher('context.page.url = "x"'))
    job = replace(job_for("webhook"), selection=selection)

    line = line_of(context={"page": {"url": "x"}})
    assert shown(make_mapper(job)([line])[0]).startswith("Mapped")


def test_nested_path_is_parsed_completely() -> None:
    line = line_of(timestamp="2026-02-03", properties={"a": {"b": {"c": 1}}, "d": 2}) + b"\n"
    [event] = partial_parser(["properties.a.b.c"])([line])

    assert event
    assert event.properties == {"a": {"b": {"c": 1}}}
