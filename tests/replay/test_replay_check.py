"""What `check` finds about old events, and what it compares with a golden file."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.fakes import write_events
from support.replay import NOW, acme_file, at
from support.resuming import Segcli
from support.tables import for_each

import segcli as api

ABOUT_AGE = {"SEG504", "SEG511", "SEG512", "SEG513", "SEG514"}


def findings(folder: Path, facts: dict[str, Any], *events: Any, **options: Any) -> Counter[str]:
    """Return the codes of the findings on old events, with how many lines they are about."""
    path = write_events(folder / "events.jsonl", events)
    review = api.check(path, dest=acme_file(folder, facts), now=options.pop("now", NOW), **options)
    found: Counter[str] = Counter()
    for group in review.groups:
        if group.key.code in ABOUT_AGE:
            found[group.key.code] += group.lines
    return found


OLD, NEW = at("01"), at("29", 1)
IDENTIFY = {"subscribe": 'type = "identify"', "mapping": {"id": {"@path": "$.userId"}}}
FUTURE = at("30", 2) | {"timestamp": "2026-11-30T02:00:00Z"}
MESSAGES = [{"path": "backfill", "against": "messages"}]


@for_each(
    "case",
    [
        ({"oldest": "5d", "older": "lost"}, {}, {"SEG511": 1}),
        ({"oldest": "5d", "older": "lost"}, {"older": "send"}, {"SEG511": 1}),
        ({"oldest": "5d", "older": "lost"}, {"older": "reject"}, {"SEG504": 1}),
        ({"oldest": "5d", "older": "silent"}, {}, {"SEG511": 1}),
        ({"oldest": "any"}, {}, {}),
        ({"future": "1h", "later": "now"}, {}, {"SEG512": 1}),
        ({"future": "3h", "later": "now"}, {}, {}),
        ({"messages": "yes"}, {}, {"SEG513": 3}),
        ({"messages": "yes", "set": MESSAGES}, {}, {}),
        ({"messages": "yes", "set": MESSAGES}, {"live": True}, {"SEG513": 3}),
        ({"messages": "recent", "messages_within": "72h"}, {}, {"SEG513": 2}),
        ({"messages": "recent", "messages_within": "23h"}, {}, {"SEG513": 1}),
        ({"messages": "setting", "messages_how": "Pause them"}, {}, {"SEG513": 3}),
        ({"messages": "no"}, {}, {}),
        ({"profiles": "last"}, {}, {}),
        ({}, {}, {}),
    ],
)
def test_old_events_are_found_by_the_facts_of_the_vendor(tmp_path: Path, case: Any) -> None:
    facts, options, expected = case
    assert findings(tmp_path, facts, OLD, NEW, FUTURE, **options) == expected


@for_each(
    "case",
    [
        ("2026-11-28T23:59:59Z", {"SEG514": 1}),
        ("2026-11-29T00:00:00Z", {}),
    ],
)
def test_an_identify_of_more_than_a_day_ago_overwrites_a_profile(tmp_path: Path, case: Any) -> None:
    time, expected = case
    event = {"type": "identify", "userId": "u", "messageId": "m", "timestamp": time}
    path = write_events(tmp_path / "events.jsonl", [event])
    last, guard = {"profiles": "last"}, {"set": [{"path": "once", "against": "profiles"}]}
    for facts, found in ((last, expected), (last | guard, {}), ({"profiles": "none"}, {})):
        dest = acme_file(tmp_path, facts, **{"actions.0": IDENTIFY})
        review = api.check(path, dest=dest, now=NOW)
        assert {group.key.code: group.lines for group in review.groups} == found


@for_each(
    "case",
    [
        (False, "is the same as in an earlier line, and acme counts both"),
        ({"id": "id", "repeat": "first"}, "so acme keeps the first event only"),
        ({"id": "id", "repeat": "updated"}, "so acme changes the first event"),
        ({"id": "id", "repeat": "rejected"}, "so acme refuses it"),
    ],
)
def test_a_repeated_id_says_what_the_vendor_does(tmp_path: Path, case: Any) -> None:
    dedup, said = case
    path = write_events(tmp_path / "events.jsonl", [NEW, NEW])
    [group] = api.check(path, dest=acme_file(tmp_path, {"dedup": dedup})).groups
    assert group.key.code == "SEG501"
    assert said in group.key.problem


def test_the_advice_counts_the_marked_events(tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.jsonl", [OLD, NEW])
    dest = acme_file(tmp_path, {"set": MESSAGES})
    said = "backfill = true is set on 1 of 2 events; --live leaves it out"
    assert api.check(path, dest=dest, now=NOW).advice == said
    assert api.check(path, dest=dest, now=NOW, live=True).advice == ""


def test_the_findings_are_the_same_with_several_processes(tmp_path: Path) -> None:
    facts = {"oldest": "5d", "older": "lost", "messages": "yes", "set": MESSAGES[:0]}
    events = [at("01", number) if number % 3 else at("29", number) for number in range(3000)]
    one, two = (findings(tmp_path, facts, *events, jobs=jobs) for jobs in (1, 2))
    assert one == two == {"SEG511": 2000, "SEG513": 1000}


MARKS = {"set": [{"path": "in.backfill"}]}


@pytest.mark.parametrize("bare", [False, True])
def test_marks_are_compared_with_a_golden_file_only_if_now_is_fixed(
    segcli: Segcli, tmp_path: Path, bare: bool
) -> None:
    dest, golden = acme_file(tmp_path, MARKS), tmp_path / "golden.ndjson"
    path = write_events(tmp_path / "events.jsonl", [NEW])
    form = [] if bare else ["--outcomes"]
    plain = segcli("transform", "-d", dest, "--now", NOW, *form, path).out
    marked = segcli("transform", "-d", dest, "--now", "2027-01-01", *form, path).out
    assert plain != marked
    for written_text in (plain, marked):
        golden.write_text(written_text)
        assert segcli("check", "-d", dest, "--expect", golden, path).code == 0
    fixed = segcli("check", "-d", dest, "--expect", golden, "--now", NOW, path)
    assert fixed.code == 1
    assert "SEG603" in fixed.out


def test_other_fields_are_still_compared(segcli: Segcli, tmp_path: Path) -> None:
    dest, golden = acme_file(tmp_path, MARKS), tmp_path / "golden.ndjson"
    path = write_events(tmp_path / "events.jsonl", [NEW])
    golden.write_text(json.dumps({"name": "Other", "in": {"backfill": True}}) + "\n")
    done = segcli("check", "-d", dest, "--expect", golden, path)
    assert done.code == 1
    assert "name" in done.out
