"""Old events: which are left out, which are marked, and which never share a request."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.destination_file import acme
from support.tables import for_each

from segcli.core.decision import Decision, FanOut, Mapped, Skipped
from segcli.core.destination import Destination, Payload
from segcli.core.event import Rejected, parse
from segcli.core.outcome import Job, map_event, outcome_of
from segcli.core.replay import Replay, ReplayMark, age_of
from segcli.core.replay_age import ReplayOptions, age_judge_of, in_words

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
OPTIONS = ReplayOptions(now=NOW, is_fixed=True)
MAPPING = {
    "name": {"@path": "$.event"},
    "at": {"@path": "$.timestamp"},
    "in": {"@path": "$.properties"},
}
BACKFILL = ReplayMark(path="in.backfill", against="messages")


def vendor(facts: Replay, **others: Replay) -> Destination[Any]:
    found = acme({"actions.0.mapping": MAPPING})
    return replace(
        found,
        replay=facts,
        action_replay=others,
        marked_request=lambda route, bodies, settings, _: found.request(route, bodies, settings),
    )


def line_at(moment: datetime | None, **fields: Any) -> bytes:
    event = {"type": "track", "event": "Order", "userId": "u1"} | fields
    if moment:
        event["timestamp"] = moment.isoformat().replace("+00:00", "Z")
    return json.dumps(event).encode()


def decided(
    facts: Replay, moment: datetime | None, options: ReplayOptions = OPTIONS, **fields: Any
) -> Decision:
    destination = vendor(facts)
    job = Job(destination=destination, settings=destination.settings(), replay=options)
    return outcome_of(line_at(moment, **fields), job)


def mapped(
    facts: Replay, moment: datetime | None, options: ReplayOptions = OPTIONS, **fields: Any
) -> Mapped:
    found = decided(facts, moment, options, **fields)
    assert isinstance(found, Mapped), found
    return found


def payload_of(found: Mapped) -> Mapping[str, Any]:
    body: Mapping[str, Any] = json.loads(found.body)
    return body


FIVE_DAYS = Replay(time="at", oldest="5d", older="refused")
SECOND = timedelta(seconds=1)


@for_each(
    "case",
    [
        (FIVE_DAYS, NOW - timedelta(days=5)),
        (Replay(oldest="1971-01-01", older="refused"), datetime(1971, 1, 1, tzinfo=UTC)),
        (Replay(oldest="72h", older="request"), NOW - timedelta(hours=72)),
        (Replay(oldest="72h", older="lost"), NOW - timedelta(hours=72)),
        (Replay(oldest="72h", older="now"), NOW - timedelta(hours=72)),
    ],
)
def test_an_event_is_left_out_beyond_the_bound_and_sent_at_it(case: Any) -> None:
    facts, bound = case
    assert isinstance(decided(facts, bound), Mapped)
    assert isinstance(decided(facts, bound - SECOND), Skipped)


def test_a_skipped_event_says_what_the_vendor_would_do() -> None:
    found = decided(FIVE_DAYS, NOW - timedelta(days=6))
    assert found == Skipped("too old for acme, which refuses it: more than 5 days old")


def test_reject_keeps_what_is_too_old_as_rejected() -> None:
    found = decided(FIVE_DAYS, NOW - timedelta(days=6), replace(OPTIONS, older="reject"))
    assert isinstance(found, Rejected)
    assert found.code == "SEG504"
    assert "more than 5 days old" in str(found)


@for_each("older", ["refused", "request", "lost", "now"])
def test_send_sends_what_is_too_old_with_a_note(older: Any) -> None:
    facts = replace(FIVE_DAYS, older=older)
    found = mapped(facts, NOW - timedelta(days=6), replace(OPTIONS, older="send"))
    assert "--older send" in found.notes[0]
    assert found.replayed
    assert bool(found.replayed.group) is (older == "request")


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (Replay(), set()),
        (Replay(time="at"), set()),
        (Replay(profiles="newest", messages="no"), set()),
        (Replay(profiles="last"), {"identify"}),
        (Replay(messages="setting"), {"identify", "track"}),
        (FIVE_DAYS, {"identify", "track"}),
    ],
)
def test_only_events_whose_replay_may_do_anything_are_judged(facts: Replay, told: set[str]) -> None:
    options = replace(OPTIONS, tells_all=True)
    destination = replace(vendor(facts), types=frozenset({"identify", "track"}))
    body = Payload("/events", {"at": NOW.isoformat()})
    judge = age_judge_of(destination, options)

    judged = {
        kind: judge(parse(line_at(NOW, type=kind)), body).replayed if judge else None
        for kind in ("identify", "track")
    }

    assert {kind for kind, replayed in judged.items() if replayed} == told


@for_each("older", ["silent", ""])
def test_what_is_stored_or_not_known_is_only_told(older: Any) -> None:
    found = mapped(replace(FIVE_DAYS, older=older), NOW - timedelta(days=6))
    assert "more than 5 days old" in found.notes[0]
    assert "--older" not in found.notes[0]


def test_the_time_in_the_payload_is_judged_before_that_of_the_event() -> None:
    fields = {"properties": {"at": (NOW - timedelta(days=9)).isoformat()}}
    facts = replace(FIVE_DAYS, time="in.at")
    assert isinstance(decided(facts, NOW, **fields), Skipped)
    assert isinstance(decided(replace(facts, time="in.none"), NOW, **fields), Mapped)


@for_each(
    "case",
    [
        ("", 1, NOW.timestamp()),
        ("", 1, NOW.timestamp() * 1000),
        ("", 1, int(NOW.timestamp() * 1_000_000)),
        ("seconds", 1, NOW.timestamp()),
        ("milliseconds", 1000, 31_536_000_000),
        ("microseconds", 1_000_000, 31_536_000_000_000),
    ],
)
def test_a_number_is_a_time_by_its_unit_or_its_size(case: Any) -> None:
    unit, parts, number = case
    facts = Replay(time="in.at", time_unit=unit, oldest="1971-01-01", older="refused")
    assert isinstance(decided(facts, None, properties={"at": number}), Mapped)
    if parts > 1:
        assert isinstance(decided(facts, None, properties={"at": number - parts}), Skipped)


def test_an_event_without_a_time_is_never_too_old() -> None:
    assert isinstance(decided(FIVE_DAYS, None), Mapped)


def test_without_a_clock_only_dates_are_judged() -> None:
    long_ago = datetime(1970, 1, 2, tzinfo=UTC)
    assert isinstance(decided(FIVE_DAYS, long_ago, ReplayOptions()), Mapped)
    by_date = Replay(oldest="1971-01-01", older="refused")
    assert isinstance(decided(by_date, long_ago, ReplayOptions()), Skipped)


def test_an_event_in_the_future_is_sent_and_told() -> None:
    facts = Replay(future="1h", later="refused")
    hour = timedelta(hours=1)
    assert mapped(facts, NOW + hour).notes == ()
    [note] = mapped(facts, NOW + hour + SECOND).notes
    assert note == "timestamp is more than 1 hour in the future: acme refuses it"


def test_a_mark_is_set_on_events_older_than_a_day_only() -> None:
    facts = Replay(time="at", set=(BACKFILL,))
    day = timedelta(days=1)
    assert "in" not in payload_of(mapped(facts, NOW - day))
    marked = mapped(facts, NOW - day - SECOND, properties={"total": 1})
    assert payload_of(marked)["in"] == {"total": 1, "backfill": True}
    assert marked.notes == ("marked as old: in.backfill = true",)


def test_a_mark_leaves_the_event_as_it_was() -> None:
    destination = vendor(Replay(set=(replace(BACKFILL, path="properties.old"),)))
    whole = replace(
        destination,
        payloads=None,
        payload=lambda event, _: replace_body(destination.payload(event, None), event),
    )
    line = line_at(NOW - timedelta(days=9), properties={"a": 1})
    event = parse(line)
    found = map_event(event, Job(destination=whole, settings=whole.settings(), replay=OPTIONS))
    assert isinstance(found, Mapped)
    assert payload_of(found)["properties"] == {"a": 1, "old": True}
    assert event.data == json.loads(line)


def replace_body(payload: Any, event: Any) -> Any:
    return type(payload)(payload.route, event.data)


def test_an_event_that_cannot_be_marked_is_rejected() -> None:
    facts = Replay(set=(replace(BACKFILL, path="name.old"),))
    found = decided(facts, NOW - timedelta(days=9))
    assert isinstance(found, Rejected)
    assert "cannot be set in it" in str(found)


@for_each("options", [replace(OPTIONS, live=True), ReplayOptions()])
def test_no_mark_is_set_on_live_events_or_without_a_clock(options: ReplayOptions) -> None:
    found = mapped(Replay(set=(BACKFILL,)), NOW - timedelta(days=9), options)
    assert payload_of(found) == {"name": "Order", "at": "2026-11-21T12:00:00Z"}
    assert found.notes == ()


def test_a_plug_in_with_marks_of_requests_must_make_them() -> None:
    facts = Replay(set=(ReplayMark(path="historical", at="request"),))
    job = Job(destination=replace(vendor(facts), marked_request=None), settings=None)
    with pytest.raises(ValueError, match="no marked_request"):
        outcome_of(line_at(NOW), job)


def test_a_mark_of_the_request_parts_old_events_from_new_ones() -> None:
    facts = Replay(set=(ReplayMark(path="historical", at="request"),))
    old, new = mapped(facts, NOW - timedelta(days=9)), mapped(facts, NOW)
    assert old.replayed
    assert new.replayed
    assert old.replayed.fields == {"historical": True}
    assert new.replayed.fields == {}
    assert old.replayed.group != new.replayed.group


@for_each("case", [(frozenset(), True), (frozenset({"age"}), False)])
def test_marked_events_share_requests_with_others_unless_they_are_split(case: Any) -> None:
    split, shares = case
    facts = Replay(set=(BACKFILL,), split=split)
    old, new = mapped(facts, NOW - timedelta(days=9)), mapped(facts, NOW)
    assert old.replayed
    assert new.replayed
    assert (old.replayed.group == new.replayed.group) is shares


def test_users_are_split_where_a_request_holds_one() -> None:
    facts = Replay(split=frozenset({"user"}))
    groups = {mapped(facts, NOW, userId=user).replayed.group for user in ("a", "b")}  # type: ignore[union-attr]
    assert len(groups) == 2


def test_an_event_expires_only_by_the_clock() -> None:
    moving, fixed = replace(OPTIONS, is_fixed=False), OPTIONS
    found = mapped(FIVE_DAYS, NOW, moving).replayed
    assert found
    assert found.expires == (NOW + timedelta(days=5)).timestamp()
    unmoved = mapped(FIVE_DAYS, NOW, fixed).replayed
    assert unmoved
    assert unmoved.expires is None


def test_the_facts_of_an_action_win() -> None:
    destination = vendor(FIVE_DAYS, **{"actions[0]": Replay(oldest="any")})
    job = Job(destination=destination, settings=destination.settings(), replay=OPTIONS)
    assert isinstance(outcome_of(line_at(NOW - timedelta(days=6)), job), Mapped)


@for_each(
    "case",
    [
        ("72h", "72 hours"),
        ("3d", "72 hours"),
        ("5d", "5 days"),
        ("365d", "365 days"),
        ("1h", "1 hour"),
        ("90s", "90 seconds"),
        ("30min", "30 minutes"),
    ],
)
def test_an_age_is_said_in_whole_units(case: tuple[str, str]) -> None:
    text, said = case
    assert in_words(age_of(text)) == said


@for_each("text", ["5", "0d", "-1d", "5 weeks", "9999999d", ""])
def test_what_is_no_age_is_an_error(text: str) -> None:
    with pytest.raises((ValueError, KeyError, OverflowError)):
        age_of(text)


TWO = {"actions.1": {"name": "B", "subscribe": 'type = "track"', "mapping": MAPPING}}


def several(older_of_b: dict[str, Any], **options: Any) -> Decision:
    found = acme({"actions.0.name": "A", **TWO, "actions.1.replay": older_of_b})
    job = Job(destination=found, settings=found.settings(), replay=replace(OPTIONS, **options))
    return outcome_of(line_at(NOW - timedelta(days=6)), job)


def test_the_age_leaves_out_one_of_several_actions() -> None:
    found = several({"oldest": "5d", "older": "lost"})
    # It stays an event of several actions, so that a resumed run knows what was delivered.
    assert isinstance(found, FanOut)
    assert [one.action for one in found.requests] == ["A"]
    [note] = found.notes
    assert note.startswith("one action: too old for acme")


def test_reject_keeps_the_action_that_cannot_be_sent() -> None:
    found = several({"oldest": "5d", "older": "lost"}, older="reject")
    assert isinstance(found, FanOut)
    assert [one.rejected.code for one in found.unmapped] == ["SEG504"]
    assert [one.action for one in found.mapped] == ["A"]


def test_an_event_that_is_too_old_for_every_action_is_skipped() -> None:
    facts = {"oldest": "5d", "older": "lost"}
    found = acme({"actions.0.name": "A", **TWO, "replay": facts})
    job = Job(destination=found, settings=found.settings(), replay=OPTIONS)
    assert isinstance(outcome_of(line_at(NOW - timedelta(days=6)), job), Skipped)
