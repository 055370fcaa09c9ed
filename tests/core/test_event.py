"""A line is parsed to a checked event, or rejected with a reason."""

import base64
import json
import re
from typing import Any

import pytest
from support.samples import SAMPLES, event_of, good_events, line_of, lines_of
from support.tables import for_each

from segcli.accounting.rejects import Rejects
from segcli.core.event import Event, Rejected, is_blank, parse
from segcli.core.event_time import parse_time
from segcli.core.line import Line, Result

HOSTILE = lines_of("hostile")
TABLE = re.compile(r"^\| (\d+) \| (.+) \|$", re.MULTILINE)
SAYS = {int(number): what for number, what in TABLE.findall((SAMPLES / "README.md").read_text())}
BLANK = {2, 3}

REASONS = {
    5: "not JSON: ",
    6: "not JSON: ",
    8: "type is required",
    9: "not a JSON object",
    10: "not a JSON object",
    11: "not a JSON object",
    12: "not a JSON object",
    14: "type is none of alias, group, identify, page, screen, track",
    15: "type is required",
    16: "type is none of alias, group, identify, page, screen, track",
    18: "userId is required, or anonymousId",
    20: "userId is required, or anonymousId",
    22: "userId is neither a string nor a number",
    23: "userId is neither a string nor a number",
    25: "event is required on track",
    26: "event is required on track",
    27: "event is not a string",
    29: "traits is not an object",
    30: "traits is not an object",
    31: "properties is not an object",
    32: "context is not an object",
    33: "integrations is not an object",
    35: "timestamp is not a time that segcli reads",
    36: "timestamp is not a time that segcli reads",
    40: "not UTF-8 text",
    41: "not JSON: ",
    46: "not JSON: ",
    47: "not JSON: ",
    54: "nested deeper than 100 levels",
    55: "nested deeper than 100 levels",
    58: "not JSON: ",
    59: "not JSON: ",
    60: "several JSON values on one line",
    61: "not JSON: ",
}


def is_event(number: int) -> bool:
    """True if a line passes the spec checks, by the README of the samples."""
    return SAYS[number].startswith("good") or "good for the others" in SAYS[number]


def reason_of(line: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        parse(line)
    return str(caught.value)


def test_samples_readme_describes_every_hostile_line() -> None:
    assert list(SAYS) == list(range(1, len(HOSTILE) + 1))
    assert {number for number in SAYS if not is_event(number)} == set(REASONS) | BLANK


@for_each("number", [number for number in SAYS if is_event(number)])
def test_hostile_line_described_as_good_is_an_event(number: int) -> None:
    event = parse(HOSTILE[number - 1])

    assert event.user
    assert json.loads(event.raw, parse_constant=pytest.fail)["type"] == event.type


@for_each(("number", "reason"), REASONS.items())
def test_hostile_line_described_as_bad_is_rejected_with_its_reason(
    number: int, reason: str
) -> None:
    assert reason_of(HOSTILE[number - 1]).startswith(reason)


def test_a_byte_order_mark_and_white_space_around_an_event_are_dropped() -> None:
    line = line_of()

    assert parse(b"\xef\xbb\xbf" + line).raw == line
    assert parse(b" \t" + line + b" \r").raw == line


@for_each("mark", [b"", b"\xef\xbb\xbf"])
@for_each("space", [b"", b"\n", b" \t\r\n", b"\x0b\x0c"])
def test_line_of_only_white_space_and_a_byte_order_mark_is_blank(mark: bytes, space: bytes) -> None:
    assert is_blank(mark + space)
    assert is_blank(space + mark)
    assert not is_blank(mark + space + mark + b"x")


@for_each(
    ("fields", "user_id", "anonymous_id", "user"),
    [
        ({"userId": "u1", "anonymousId": "a1"}, "u1", "a1", "u1"),
        ({"userId": ..., "anonymousId": "a1"}, None, "a1", "a1"),
        ({"userId": None, "anonymousId": "a1"}, None, "a1", "a1"),
        ({"userId": "", "anonymousId": "a1"}, None, "a1", "a1"),
        ({"userId": 0}, "0", None, "0"),
        ({"userId": 9007199254740993}, "9007199254740993", None, "9007199254740993"),
        ({"userId": 10**30}, "1" + "0" * 30, None, "1" + "0" * 30),
        ({"userId": 1.5}, "1.5", None, "1.5"),
    ],
)
def test_user_is_the_user_id_else_the_anonymous_id_as_text(
    fields: dict[str, Any], user_id: str | None, anonymous_id: str | None, user: str
) -> None:
    event = event_of(**fields)

    assert (event.user_id, event.anonymous_id, event.user) == (user_id, anonymous_id, user)


@for_each("left_out", range(5))
def test_event_time_is_the_first_of_four_fields_as_written(left_out: int) -> None:
    times = ["timestamp", "originalTimestamp", "receivedAt", "sentAt"]
    given = {name: f"2026-02-0{place + 1}T10:00:00+02:00" for place, name in enumerate(times)}
    missing: dict[str, Any] = dict.fromkeys(times[:left_out], None)

    expected = given[times[left_out]] if left_out < 4 else None
    assert event_of(**(given | missing)).time == expected


@pytest.mark.parametrize("name", ["context", "traits", "properties", "integrations"])
def test_spec_object_may_be_absent_null_or_an_empty_array_only(name: str) -> None:
    assert event_of(**{name: None}).object(name) == {}
    assert event_of().object(name) == {}
    assert event_of(**{name: []}).object(name) == {}
    assert event_of(**{name: []}).data[name] == {}
    for other in ("text", 1, True, ["list"], [[]], [{}]):
        assert reason_of(line_of(**{name: other})) == f"{name} is not an object"


UNREADABLE = ("yesterday", 1770000000, {}, "2026-13-01T00:00:00Z", "2026-02-16T09:03:51;Z")


@for_each("bad", UNREADABLE)
def test_unreadable_timestamp_is_rejected(bad: object) -> None:
    assert reason_of(line_of(timestamp=bad)) == "timestamp is not a time that segcli reads"


@for_each("bad", [*UNREADABLE, ""])
@for_each("name", ["originalTimestamp", "receivedAt", "sentAt"])
def test_unreadable_other_time_counts_as_absent(name: str, bad: object) -> None:
    good = "2026-02-03T10:00:00Z"

    assert event_of(timestamp=good, **{name: bad}).time == good
    assert event_of(timestamp="", **{name: bad}).time is None
    others: dict[str, Any] = dict.fromkeys(("originalTimestamp", "receivedAt", "sentAt"), good)
    assert event_of(**{**others, name: bad}).time == good


def test_a_time_without_a_zone_is_utc() -> None:
    assert parse_time("2026-02-03T10:00:00") == parse_time("2026-02-03T12:00:00+02:00")
    assert parse_time("2026-02-03") == parse_time("2026-02-03T00:00:00Z")


def test_dotted_path_follows_objects_only() -> None:
    event = event_of(context={"a": {"b": 1}, "list": [1], "text": "x", "none": None})

    assert event.get("context.a.b") == 1
    for nothing in ("context.a.c", "context.list.0", "context.text.0", "context.none", "x.y"):
        assert event.get(nothing) is None
    assert event.object("context.a") == {"b": 1}
    assert event.object("context.text") == {}


@pytest.mark.parametrize("empty", [None, "", ...])
def test_require_rejects_an_absent_or_empty_field(empty: Any) -> None:
    with pytest.raises(Rejected, match=r"^context\.email is required by Acme$"):
        event_of(context={} if empty is ... else {"email": empty}).require(
            "context.email", "is required by Acme"
        )
    assert event_of(context={"email": False}).require("context.email") is False


def test_reason_of_a_rejection_has_no_value_of_the_event() -> None:
    assert reason_of(line_of(type="purchase")) == reason_of(line_of(type="heartbeat"))
    assert reason_of(line_of(timestamp="now")) == reason_of(line_of(timestamp="then"))


def record_of(line: bytes, tmp_path: Any) -> bytes:
    """Return the record of a line in a rejects file."""
    rejects = Rejects(tmp_path / "rejects.ndjson")
    rejects.keep(Result([Line("in.jsonl", 7, line)], "refused", "HTTP 400: no", 400, 1))
    rejects.close()
    record: bytes = (tmp_path / "rejects.ndjson").read_bytes().removesuffix(b"\n")
    return record


@pytest.mark.parametrize(
    "number",
    [number for number in SAYS if is_event(number)],
)
def test_event_in_a_rejects_file_is_read_back_byte_for_byte(number: int, tmp_path: Any) -> None:
    line = HOSTILE[number - 1]

    assert parse(record_of(line, tmp_path)) == parse(line)


@pytest.mark.parametrize("number", REASONS)
def test_line_in_a_rejects_file_is_rejected_again_with_the_same_reason(
    number: int, tmp_path: Any
) -> None:
    line = HOSTILE[number - 1]

    assert reason_of(record_of(line, tmp_path)) == reason_of(line)


@pytest.mark.parametrize(
    "content",
    [
        {"event": {"type": "track", "event": "Tried", "userId": "u1"}},
        {"raw": '{"type": "track", "event": "Tried", "userId": "u1"}'},
        {"raw": '\ufeff{"type": "track",\n "event": "Tried",\r\n "userId": "u1"}\n'},
        {"raw_base64": base64.b64encode(line_of()).decode()},
    ],
)
def test_repaired_rejects_record_is_read_as_an_event_on_one_line(
    content: dict[str, Any],
) -> None:
    record = {"file": "in.jsonl", "line": 7, "state": "rejected", "reason": "?"} | content

    event = parse(json.dumps(record).encode())

    assert event.data == parse(line_of()).data
    assert b"\n" not in event.raw


@for_each("content", [{}, {"raw": 1}, {"raw_base64": "%"}, {"raw_base64": 1}, {"event": "Tried"}])
def test_rejects_record_without_an_event_is_rejected(content: dict[str, Any]) -> None:
    assert reason_of(json.dumps({"state": "rejected"} | content).encode()) == "type is required"


def test_event_with_a_state_field_is_not_a_rejects_record() -> None:
    assert event_of(state="rejected").data["state"] == "rejected"


def test_there_are_enough_good_sample_events_of_every_type() -> None:
    assert len(good_events()) > 200
    assert {event.type for event in good_events()} == {
        "identify", "track", "page", "screen", "group", "alias",
    }  # fmt: skip
    assert all(isinstance(event, Event) for event in good_events())
