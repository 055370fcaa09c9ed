"""What `send` counts, says and asks before the first request."""

from pathlib import Path
from typing import Any

import pytest
from support.fakes import Answer, ReceivedRequest, write_events
from support.replay import NOW, acme_file, at
from support.resuming import JOURNAL, Segcli, Serve
from support.samples import Run
from support.tables import for_each
from support.terminals import Terminal

import segcli as api
from segcli.cli.replay_prompt import ReplayPrompt, ask_about_replay
from segcli.core.outcome import Job
from segcli.errors import UsageError
from segcli.inputs import inputs
from segcli.job_spec import ReplaySpec
from segcli.runs import replay_start
from segcli.runs.job_request import JobRequest
from segcli.runs.replay_start import Survey, message_risk, sentences_of, survey

OLD, NEW = at("01"), at("29", 1)
MARK = {"path": "backfill", "value": True, "against": "messages"}


def job_with(folder: Path, facts: dict[str, Any], **options: Any) -> Job:
    replay = ReplaySpec(now=NOW, **options)
    return JobRequest(dest=acme_file(folder, facts), replay=replay).resolved().job


def surveyed(folder: Path, job: Job, *events: Any) -> Survey:
    path = write_events(folder / "events.jsonl", events)
    return survey(job, inputs([str(path)]), 1_000_000)


@for_each(
    "case",
    [
        (
            {"oldest": "7d", "older": "request"},
            {},
            "1 of 2 events are more than 7 days old: acme refuses every request that holds one "
            "of them. They are left out; --older send sends them.",
        ),
        (
            {"oldest": "7d", "older": "now"},
            {"older": "send"},
            "1 of 2 events are more than 7 days old: acme gives them the current time, so their "
            "own is lost. They are sent all the same, because of --older send.",
        ),
        (
            {"oldest": "7d", "older": "lost"},
            {"older": "reject"},
            "1 of 2 events are more than 7 days old: acme takes them and loses them. They are "
            "rejected; --older send sends them.",
        ),
        (
            {"oldest": "7d", "older": "silent"},
            {},
            "1 of 2 events are more than 7 days old: acme stores them, and they start nothing.",
        ),
        (
            {"oldest": "7d"},
            {},
            "1 of 2 events are more than 7 days old: it is not known what acme does with them.",
        ),
        (
            {"oldest": "7d", "older": "lost", "future": "1h", "later": "refused"},
            {"older": "send"},
            "1 of 2 events are more than 7 days old: acme takes them and loses them. They are sent "
            "all the same, because of --older send.",
        ),
        (
            {"set": [MARK | {"after": "1h"}]},
            {},
            "backfill = true is set on all 2 events; --live leaves it out.",
        ),
        (
            {"messages": "setting", "messages_how": "Pause campaigns", "split": ["user"]},
            {},
            "2 may start messages to people at acme. Pause campaigns.",
        ),
        (
            {"user": {"rate": 0.01}},
            {},
            "u has 2 events: at 0.01 a second that user alone takes 3 minutes; others go ahead.",
        ),
    ],
)
def test_the_events_are_counted_and_the_sentence_says_what_to_type(
    tmp_path: Path, case: Any
) -> None:
    facts, options, said = case
    job = job_with(tmp_path, facts, **options)
    ahead = NEW | {"timestamp": "2026-12-24T00:00:00Z"}
    found = surveyed(tmp_path, job, OLD, ahead if "future" in facts else NEW)
    assert found.is_whole
    assert list(sentences_of(job, found, rehearsal=True)) == [said]


@for_each(
    "case",
    [
        (
            {"dedup": False, "messages": "no"},
            "acme recognizes no repeated event: what was delivered before counts twice, and what "
            "a stopped run had in flight may do so.",
        ),
        (
            {"dedup": {"id": "id", "window": "7d"}, "messages": "no"},
            "acme recognizes repeated events for 7 days only: if the run stops, resume it before "
            "2026-12-07 00:00 UTC.",
        ),
        ({}, "It is not known whether old events start messages at acme."),
        (
            {"profiles": "last", "messages": "no"},
            "acme keeps the value of a profile that is written last, so an old identify overwrites "
            "newer values. Leave them out with --type track.",
        ),
    ],
)
def test_what_holds_for_every_replay_is_said_without_counts(tmp_path: Path, case: Any) -> None:
    facts, said = case
    job = job_with(tmp_path, facts)
    assert list(sentences_of(job, Survey())) == [said]


def test_only_the_first_events_are_counted_of_large_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_start, "_MOST_BYTES", 10)
    job = job_with(tmp_path, {"set": [MARK]})
    found = surveyed(tmp_path, job, OLD, OLD)
    assert not found.is_whole
    first, *_ = sentences_of(job, found, rehearsal=True)
    assert first.startswith("Of the first 2 events: ")


RECENT = {"messages": "recent", "messages_within": "72h"}
# Facts, options, events, and whether a person has to agree.
RISKS = [
    ({"messages": "yes"}, {}, [OLD], True),
    ({"messages": "yes", "set": [MARK]}, {}, [OLD], False),
    ({"messages": "yes", "set": [MARK]}, {"live": True}, [OLD], True),
    ({"messages": "yes", "set": [MARK | {"against": "profiles"}]}, {}, [OLD], True),
    ({"messages": "setting"}, {}, [OLD], True),
    (RECENT, {}, [OLD, NEW], True),
    (RECENT, {}, [OLD], False),
    ({"messages": "no"}, {}, [NEW], False),
    ({}, {}, [NEW], False),
]


@for_each("case", RISKS)
def test_a_person_has_to_agree_where_people_may_get_messages(tmp_path: Path, case: Any) -> None:
    facts, options, events, asks = case
    job = job_with(tmp_path, facts, **options)
    assert bool(message_risk(job, surveyed(tmp_path, job, *events))) is asks


IDENTIFY = OLD | {"type": "identify", "traits": {"email": "a@b.example"}}


@for_each(
    "case", [("klaviyo", OLD, False), ("klaviyo", IDENTIFY, True), ("customerio", OLD, False)]
)
def test_an_action_that_takes_none_of_the_events_asks_nothing(tmp_path: Path, case: Any) -> None:
    name, event, asks = case
    job = JobRequest(dest=name, replay=ReplaySpec(now=NOW)).resolved().job
    assert bool(message_risk(job, surveyed(tmp_path, job, event))) is asks
    assert message_risk(job, Survey())


def test_old_profiles_are_told_where_only_events_have_a_mark() -> None:
    job = JobRequest(dest="amplitude", replay=ReplaySpec(now=NOW)).resolved().job
    assert any("overwrites newer values" in one for one in sentences_of(job, Survey()))


def test_old_profiles_are_counted_and_not_told_where_there_are_none(tmp_path: Path) -> None:
    job = JobRequest(dest="amplitude", replay=ReplaySpec(now=NOW)).resolved().job
    assert "profile" not in " ".join(sentences_of(job, surveyed(tmp_path, job, OLD)))
    said = "2 identify calls are more than a day old: amplitude keeps the value of a profile"
    found = surveyed(tmp_path, job, OLD, IDENTIFY, IDENTIFY, NEW | {"type": "identify"})
    assert any(one.startswith(said) for one in sentences_of(job, found))


def test_what_cannot_be_counted_may_be_recent(tmp_path: Path) -> None:
    assert message_risk(job_with(tmp_path, RECENT), Survey())


def test_a_program_has_to_confirm_messages(vendor: Serve, tmp_path: Path) -> None:
    got: list[ReceivedRequest] = []

    def answer(one: ReceivedRequest) -> Answer:
        got.append(one)
        return Answer()

    path, dest = (
        write_events(tmp_path / "events.jsonl", [OLD]),
        acme_file(tmp_path, {"messages": "yes"}),
    )
    to = {"endpoint": vendor(answer).url, "api_key": "k"}
    with pytest.raises(UsageError, match="starts messages") as refused:
        api.send(path, dest=dest, settings=to)
    assert "confirm_messages=True" in refused.value.hint
    assert not got
    assert api.send(path, dest=dest, settings=to, confirm_messages=True).ok
    assert len(got) == 1


def test_in_a_pipe_messages_need_yes(vendor: Serve, segcli: Segcli, tmp_path: Path) -> None:
    got: list[ReceivedRequest] = []

    def answer(one: ReceivedRequest) -> Answer:
        got.append(one)
        return Answer(401 if len(got) == 2 else 200)

    path = write_events(tmp_path / "events.jsonl", [OLD, NEW])
    dest = acme_file(tmp_path, {"messages": "yes"})
    to = ["--endpoint", vendor(answer).url, "--set", "api_key=k", "--concurrency", "1"]
    command = ["send", "-d", dest, *to, "--journal", JOURNAL, path]
    refused = segcli(*command)
    assert refused.code == 2
    assert "acme starts messages to people for old events too; nothing was sent" in refused.err
    assert "--yes" in refused.err
    assert not (tmp_path / JOURNAL).exists()
    assert not got
    assert segcli(*command, "--yes").code == 3
    # What was agreed to is not asked again.
    assert segcli(*command, "--resume").code == 0
    assert len(got) == 3


@for_each("words", [["--sandbox"], ["--dry-run"]])
def test_a_rehearsal_asks_nothing(run_segcli: Run, tmp_path: Path, words: list[str]) -> None:
    path = write_events(tmp_path / "events.jsonl", [OLD])
    dest = acme_file(tmp_path, {"messages": "yes"})
    assert run_segcli("send", "-d", dest, *words, str(path)).returncode == 0


@for_each("case", [("y\n", True), ("yes\n", True), ("\n", False), ("n\n", False), ("", False)])
def test_on_a_terminal_a_person_is_asked(tmp_path: Path, case: tuple[str, bool]) -> None:
    typed, agrees = case
    job = job_with(tmp_path, {"messages": "yes"})
    found = inputs([str(write_events(tmp_path / "events.jsonl", [OLD]))])
    prompt = ReplayPrompt(is_agreed=False, quiet=True, rehearsal=False, max_line=1_000_000)
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", Terminal(typed))
        patch.setattr("sys.stderr", screen)
        if agrees:
            ask_about_replay(job, found, prompt)
        else:
            with pytest.raises(UsageError, match="nothing was sent"):
                ask_about_replay(job, found, prompt)
    said = "acme starts messages to people for old events too. Send all the same? [y/N] "
    assert screen.getvalue() == said
