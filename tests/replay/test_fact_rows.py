"""The facts about replays in words: what is known, and what is not."""

from dataclasses import asdict
from typing import Any

from support.tables import for_each

from segcli.core.replay import Dedup, Evidence, Replay, ReplayMark, UserLimits
from segcli.replay.fact_rows import UNKNOWN, fact_rows, one_line

DOC = Evidence("oldest", "doc", "acme.example")
WHOLE = Evidence("", "code", "all.example")


def known(facts: Replay) -> dict[str, str]:
    return {asked: said for asked, said, _ in fact_rows(facts)}


def test_what_is_not_given_is_said_as_not_known() -> None:
    said = known(Replay())
    assert {asked for asked, text in said.items() if text != UNKNOWN} == {
        "never in one request",
        "marks of old events",
    }
    assert one_line(Replay()) == "nothing is known of old events"
    assert one_line(None) == ""


@for_each(
    "case",
    [
        (Replay(oldest="any"), "old events", "all are taken"),
        (
            Replay(oldest="5d", older="lost"),
            "old events",
            "more than 5 days old: the vendor takes it and loses it",
        ),
        (
            Replay(oldest="1971-01-01", older="refused"),
            "old events",
            "from before 1971-01-01: the vendor refuses it",
        ),
        (
            Replay(future="1h", later="hidden"),
            "events in the future",
            "by more than 1 hour: the vendor stores it and does not show it",
        ),
        (Replay(time=False), "time of an event", "none is sent"),
        (Replay(future="any"), "events in the future", "all are taken"),
        (Replay(dedup=False), "duplicates", "none is recognized: a repeat counts twice"),
        (
            Replay(dedup=Dedup(id="uuid", others=("day",), form="uuid", sure=False)),
            "duplicates",
            "by uuid, day (a UUID), for how long is not known, but not promised",
        ),
        (
            Replay(dedup=Dedup(id="id", window="unstated", repeat="updated")),
            "duplicates",
            "by id, without a stated end; a repeat updates the first one",
        ),
        (
            Replay(messages="recent", messages_within="72h"),
            "messages to people",
            "events start them up to an age of 72 hours",
        ),
        (
            Replay(messages="setting", messages_how="Pause them"),
            "messages to people",
            "a setting at the vendor decides: Pause them",
        ),
        (Replay(profiles="newest", profiles_time="at"), "profiles", "the newest value stays by at"),
        (
            Replay(set=(ReplayMark(path="a.b", at="request", against="spikes"),)),
            "marks of old events",
            "a.b = true in the request, after 24 hours, against spikes",
        ),
        (
            Replay(user=UserLimits(rate=30, day=500_000, pause=30)),
            "limits of a user",
            "30 events a second, 500,000 events a day, a pause of 30 seconds after a 429",
        ),
        (
            Replay(split=frozenset({"user"}), oldest="7d", older="request"),
            "never in one request",
            "events of two users; events that are too old with others",
        ),
        (Replay(undo=False), "can be taken back", "no"),
        (Replay(order="none"), "order", "none is promised"),
    ],
)
def test_a_fact_is_said_in_words(case: Any) -> None:
    facts, asked, said = case
    assert known(facts)[asked] == said


def test_each_fact_shows_its_evidence() -> None:
    rows = fact_rows(Replay(oldest="any", source=(DOC,)))
    assert {asked: source for asked, _, source in rows if source} == {
        "old events": "acme.example [doc]"
    }


def test_evidence_without_a_fact_is_that_of_all() -> None:
    rows = list(fact_rows(Replay(source=(Evidence("", "guess", "us"),))))
    assert all(source == "us [guess]" for _, _, source in rows)


def test_the_facts_can_be_written_as_json() -> None:
    assert asdict(Replay(source=(DOC,)))["source"] == (asdict(DOC),)


def test_a_row_has_the_evidence_of_all_that_it_says() -> None:
    guess = Evidence("older", "guess", "nothing is said")
    facts = Replay(oldest="5d", older="refused", order="none", source=(DOC, guess, WHOLE))
    sources = {asked: source for asked, _, source in fact_rows(facts)}
    assert sources["old events"] == "acme.example [doc]; older: nothing is said [guess]"
    assert sources["order"] == "all.example [code]"
