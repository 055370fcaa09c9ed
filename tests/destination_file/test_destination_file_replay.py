"""The table `replay` of a destination file: read into facts, and checked with all its mistakes."""

import json
from typing import Any

from support.destination_file import ACME, acme, changed, mistakes_in
from support.tables import for_each

from segcli.core.replay import Dedup, Evidence, Replay, ReplayMark, UserLimits

WHOLE: dict[str, Any] = {
    "checked": "2026-11-30",
    "time": "attributes.time",
    "time_unit": "seconds",
    "oldest": "72h",
    "older": "request",
    "future": "1h",
    "later": "refused",
    "split": ["age", "user"],
    "dedup": {
        "id": "uuid",
        "with": ["name"],
        "form": "uuid",
        "window": "7d",
        "repeat": "first",
        "sure": False,
    },
    "messages": "recent",
    "messages_within": "72h",
    "profiles": "newest",
    "profiles_time": "at",
    "set": [{"path": "backfill", "value": "yes", "after": "48h", "against": "messages"}],
    "user": {"ids": ["id"], "rate": 30, "day": 500, "pause": "30s"},
    "order": "time",
    "undo": False,
    "source": [{"fact": "oldest", "mark": "doc", "page": "acme.example/docs"}],
}


def test_every_key_is_read() -> None:
    assert acme({"replay": WHOLE}).replay == Replay(
        checked="2026-11-30",
        time="attributes.time",
        time_unit="seconds",
        oldest="72h",
        older="request",
        future="1h",
        later="refused",
        split=frozenset({"age", "user"}),
        dedup=Dedup(
            id="uuid", others=("name",), form="uuid", window="7d", repeat="first", sure=False
        ),
        messages="recent",
        messages_within="72h",
        profiles="newest",
        profiles_time="at",
        set=(ReplayMark(path="backfill", value="yes", after=48 * 3600.0, against="messages"),),
        user=UserLimits(ids=("id",), rate=30.0, day=500, pause=30.0),
        order="time",
        undo=False,
        source=(Evidence("oldest", "doc", "acme.example/docs"),),
    )


def test_what_is_left_out_is_not_known() -> None:
    assert acme({"replay": {}}).replay == Replay()
    assert acme().replay is None
    assert acme({"replay": {"dedup": False}}).replay == Replay(dedup=False)
    assert acme({"replay": {"time": False}}).replay == Replay(time=False)


def test_the_keys_of_an_action_win_one_by_one() -> None:
    found = acme({"replay": {"oldest": "72h", "older": "lost"}, "actions.0.replay.oldest": "any"})
    assert found.replay == Replay(oldest="72h", older="lost")
    assert found.action_replay == {"actions[0]": Replay(oldest="any", older="lost")}


def test_the_evidence_of_the_file_holds_for_an_action_where_its_facts_do() -> None:
    shared = [
        {"fact": "oldest", "mark": "doc", "page": "events"},
        {"fact": "order", "mark": "doc", "page": "both"},
        {"fact": "profiles", "mark": "doc", "page": "events"},
    ]
    own = [{"fact": "profiles", "mark": "guess", "page": "profiles"}]
    whole = {"oldest": "72h", "order": "user", "profiles": "last", "source": shared}
    found = acme({"replay": whole, "actions.0.replay": {"oldest": "any", "source": own}})
    assert found.replay
    assert [one.page for one in found.replay.source] == ["events", "both", "events"]
    facts = found.action_replay["actions[0]"]
    assert [one.page for one in facts.source] == ["profiles", "both"]


AGE = "must be an age with its unit, such as 72h or 7d"
NO_TIME = "must be false, or the path of the time in the payload"
AHEAD = 'must be an age such as "1h", or "any"'
BOUND = 'must be an age such as "72h", a date such as "1971-01-01", or "any"'


@for_each(
    "case",
    [
        ({"replay.oldst": "1d"}, ["replay.oldst: is not a key here. Did you mean oldest?"]),
        ({"replay.oldest": "soon"}, [f"replay.oldest: {BOUND}"]),
        ({"replay.oldest": "72"}, [f"replay.oldest: {BOUND}"]),
        ({"replay.future": "1"}, [f"replay.future: {AHEAD}"]),
        ({"replay.future": "0h"}, [f"replay.future: {AHEAD}"]),
        ({"replay.older": "lost"}, ["replay.older: means nothing without oldest"]),
        ({"replay.time": True}, [f"replay.time: {NO_TIME}"]),
        ({"replay.later": "now"}, ["replay.later: means nothing without future"]),
        ({"replay.time_unit": "seconds"}, ["replay.time_unit: means nothing without time"]),
        (
            {"replay.messages": "yes", "replay.messages_within": "1d"},
            ['replay.messages_within: means nothing without messages = "recent"'],
        ),
        (
            {"replay.messages": "recent"},
            ['replay.messages_within: is missing: messages = "recent" requires it'],
        ),
        ({"replay.dedup": True}, ["replay.dedup: must be false, or a table such as "
                                  '{ id = "uuid" }']),
        ({"replay.dedup.window": "long"}, [f"replay.dedup.window: {AGE}"]),
        ({"replay.checked": "2026-02-30"}, ["replay.checked: is not a date of the calendar"]),
        ({"replay.checked": "today"}, ["replay.checked: must be a date in quotes, such as "
                                       '"2026-11-30"']),
        ({"replay.split": ["age"]}, ['replay.split: "age" means nothing without set: its after '
                                     "is the border"]),
        ({"replay.set": [{"path": "a", "after": "day"}]}, [f"replay.set[0].after: {AGE}"]),
        ({"replay.set": [{"path": "a", "at": "request"}]},
         ['replay.set[0].at: needs batch.under, an object around the events; or use at = "item"']),
        ({"replay.set": [{"path": "a.b", "at": "request"}], "batch": {"events": 2, "under": "e"}},
         ["replay.set[0].path: must be a key of the body, without a dot"]),
        ({"replay.set": [{"path": "e", "at": "request"}], "batch": {"events": 2, "under": "e"}},
         ["replay.set[0].path: is already the key of the events, by batch.under"]),
        ({"actions.0.replay.older": "lost"},
         ["actions[0].replay.older: means nothing without oldest"]),
        (
            {"replay.oldest": "x", "replay.future": "y", "replay.order": "z"},
            ["replay.future: " + AHEAD, "replay.order: must be user, time or none",
             f"replay.oldest: {BOUND}"],
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_key(case: tuple[dict[str, Any], list[str]]) -> None:
    changes, said = case
    assert mistakes_in(changed(ACME, changes)) == said


BATCH = {"events": 2, "bytes": 100, "under": "events", "with": {"historical": False}}
HISTORICAL = {"set": [{"path": "historical", "at": "request"}]}


def test_a_mark_of_the_request_replaces_the_field_around_the_events() -> None:
    found = acme({"batch": BATCH, "replay": HISTORICAL})
    settings = found.settings()
    assert found.marked_request
    plain = found.request("/", [b"{}"], settings)
    marked = found.marked_request("/", [b"{}"], settings, {"historical": True})
    assert json.loads(plain.body) == {"historical": False, "events": [{}]}
    assert json.loads(marked.body) == {"historical": True, "events": [{}]}


def test_the_mark_of_the_request_counts_to_its_bytes() -> None:
    long = {"set": [{"path": "mark", "value": "x" * 20, "at": "request"}]}
    settings = acme().settings()
    with_mark = acme({"batch": BATCH, "replay": long}).bytes_per_request("/", settings)
    without = acme({"batch": BATCH}).bytes_per_request("/", settings)
    assert with_mark is not None
    assert without is not None
    assert without - with_mark == len(b'"mark":"",') + 20


def test_only_marks_change_the_revision() -> None:
    plain = acme().revision
    assert acme({"replay": {"oldest": "72h"}}).revision == plain
    assert acme({"replay": {"set": [{"path": "a"}]}}).revision != plain
