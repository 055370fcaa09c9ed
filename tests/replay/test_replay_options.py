"""`--older`, `--now` and `--live`, alike in every command and in Python."""

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.fakes import Answer, ReceivedRequest, write_events
from support.replay import FACTS, NOW, acme_file, at
from support.resuming import JOURNAL, Segcli, Serve
from support.samples import Run
from support.tables import for_each

import segcli as api
from segcli.core.event_time import parse_time
from segcli.errors import UsageError
from segcli.job_spec import ReplaySpec, spec_from
from segcli.runs.job_request import JobRequest
from segcli.runs.send_start import check_now


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Three events: of one day ago, of three days ago, and too old."""
    return write_events(tmp_path / "events.jsonl", [at("29"), at("27", 1), at("01", 2)])


def transform(events: Path, dest: str, **options: Any) -> list[tuple[str, Any]]:
    found = api.transform(events, dest=dest, **options)
    return [(one.state, one.payload) for one in found]


MARKED = {"name": "E", "backfill": True}
PLAIN = {"name": "E"}


@for_each(
    "case",
    [
        ({"now": NOW}, [("mapped", PLAIN), ("mapped", MARKED), ("skipped", None)]),
        (
            {"now": NOW, "older": "reject"},
            [("mapped", PLAIN), ("mapped", MARKED), ("rejected", None)],
        ),
        (
            {"now": NOW, "older": "send"},
            [("mapped", PLAIN), ("mapped", MARKED), ("mapped", MARKED)],
        ),
        (
            {"now": NOW, "live": True},
            [("mapped", PLAIN), ("mapped", PLAIN), ("skipped", None)],
        ),
        ({"now": "2026-11-27"}, [("mapped", PLAIN), ("mapped", PLAIN), ("skipped", None)]),
    ],
)
def test_old_events_are_handled_as_asked(tmp_path: Path, events: Path, case: Any) -> None:
    options, expected = case
    assert transform(events, acme_file(tmp_path), **options) == expected


def test_the_clock_counts_without_now(tmp_path: Path, events: Path) -> None:
    states = [
        state for state, _ in transform(events, acme_file(tmp_path, FACTS | {"oldest": "1h"}))
    ]
    assert states == ["skipped"] * 3


def test_now_is_also_the_time_from_which_days_count(tmp_path: Path, events: Path) -> None:
    found = transform(events, acme_file(tmp_path, {}), now=NOW, since="4d")
    assert [state for state, _ in found] == ["mapped", "mapped", "skipped"]


@for_each("options", [{"older": "drop"}, {"now": "soon"}])
def test_a_value_that_means_nothing_is_an_error(
    tmp_path: Path, events: Path, options: dict[str, str]
) -> None:
    [name] = options
    with pytest.raises(UsageError, match=name):
        transform(events, acme_file(tmp_path), **options)


def test_a_job_keeps_them_on_its_way_to_another_process(tmp_path: Path) -> None:
    replay = ReplaySpec(older="reject", now=NOW, live=True)
    spec = JobRequest(dest=acme_file(tmp_path), replay=replay).resolved().spec
    again = spec_from(json.loads(json.dumps(spec.document())), {})
    assert again.replay == replay
    assert again.job().replay == spec.job().replay


@for_each("command", ["transform", "send"])
def test_what_is_too_old_is_named_first_and_fails_nothing(
    run_segcli: Run, tmp_path: Path, events: Path, command: str
) -> None:
    more = [at("29", number) | {"type": "page"} for number in range(5)]
    write_events(events, [at("29"), at("01", 2), *more])
    to = ["--sandbox"] if command == "send" else []
    done = run_segcli(command, "-d", acme_file(tmp_path), "--now", NOW, *to, str(events))
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stderr.decode().splitlines()]
    first = lines.index("6  skipped") + 1
    assert lines[first] == "1  too old for acme, which takes it and loses it: more than 5 days old"
    assert lines[first + 1] == "5  page is not for acme"


def test_reject_keeps_old_events_in_the_rejects_file(
    run_segcli: Run, tmp_path: Path, events: Path
) -> None:
    rejects = tmp_path / "rejects.ndjson"
    words = ["--older", "reject", "--now", NOW, "--rejects", str(rejects)]
    done = run_segcli("transform", "-d", acme_file(tmp_path), *words, str(events))
    assert done.returncode == 1
    [record] = map(json.loads, rejects.read_bytes().splitlines())
    assert record["event"]["messageId"] == "m2"


def long_ago(number: int) -> dict[str, Any]:
    return at("29", number) | {"timestamp": "2020-01-01T00:00:00Z", "userId": f"u{number}"}


# What was typed, and what each payload is then, by any clock of today.
KEPT: list[tuple[list[str], dict[str, Any]]] = [
    (["--older", "send"], MARKED),
    (["--older", "send", "--live"], PLAIN),
    (["--now", "2020-01-01T06:00:00Z"], PLAIN),
    (["--now", "2020-01-04"], MARKED),
]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("kept", KEPT)
def test_a_resumed_run_keeps_them_without_typing_them_again(
    vendor: Serve, segcli: Segcli, tmp_path: Path, kept: Any, shared: bool
) -> None:
    words, payload = kept
    path = write_events(tmp_path / "events.jsonl", map(long_ago, range(4)))
    taken: list[dict[str, Any]] = []
    open_for = [2]

    def answer(got: ReceivedRequest) -> Answer:
        if len(taken) == open_for[0]:
            return Answer(401)
        taken.append(json.loads(got.body))
        return Answer()

    place = "shared/" if shared else JOURNAL
    where = ["--endpoint", vendor(answer).url, "--set", "api_key=k", "--journal", place]
    command = ["send", "-d", acme_file(tmp_path), "--concurrency", "1", *where, str(path)]
    assert segcli(*command, *words).code == 3
    open_for[0] = 9
    changed = segcli(*command, "--older", "reject", "--resume")
    assert changed.code == 2
    assert "the run to resume had" in changed.err
    done = segcli(*command, "--resume")
    assert done.code == 0, done.err
    assert taken == [payload] * 4


@for_each(
    "batch",
    [
        {"events": 10, "under": "batch", "with": {"historical": False}},
        {"events": 10, "under": "batch"},
    ],
)
def test_the_sandbox_takes_the_marks_of_requests(
    run_segcli: Run, tmp_path: Path, batch: dict[str, Any]
) -> None:
    path = write_events(tmp_path / "events.jsonl", [at("29"), at("01", 1)])
    marks = {"set": [{"path": "historical", "at": "request"}]}
    dest, kept = acme_file(tmp_path, marks, batch=batch), tmp_path / "kept.ndjson"
    words = ["send", "-d", dest, "--sandbox", "--now", NOW, "--keep", str(kept)]
    done = run_segcli(*words, str(path))
    assert done.returncode == 0, done.stderr
    assert len(kept.read_bytes().splitlines()) == 2
    assert b"note: historical = true is set on 1 of 2 events" in done.stderr
    kept.unlink()


CLOCK = parse_time("2026-12-01T12:00:00Z")
NEVER_MARKED: dict[str, Any] = {"messages": "yes", "profiles": "last"}


@for_each(
    ("now", "endpoint", "facts", "is_refused"),
    [
        ("2026-12-01T12:00:01Z", "https://acme.example", FACTS, True),
        ("2026-12-01T12:00:00Z", "https://acme.example", FACTS, False),
        ("2020-01-01", "https://acme.example", FACTS, False),
        (None, "https://acme.example", FACTS, False),
        ("2027-01-01", "http://127.0.0.1:8080/acme", FACTS, False),
        ("2027-01-01", "https://acme.example", {"messages": "recent"}, True),
        ("2027-01-01", "https://acme.example", NEVER_MARKED, False),
        ("2027-01-01", "https://acme.example", {}, False),
    ],
)
def test_ages_are_not_counted_from_a_time_that_the_vendor_has_not_seen(
    tmp_path: Path, now: str | None, endpoint: str, facts: dict[str, Any], is_refused: bool
) -> None:
    within = {"messages_within": "3d"} if facts.get("messages") == "recent" else {}
    request = JobRequest(
        dest=acme_file(tmp_path, facts | within),
        settings={"endpoint": endpoint},
        replay=ReplaySpec(now=now),
    )
    job = request.resolved().job
    job = replace(job, replay=replace(job.replay, now=job.replay.now if now else CLOCK))

    with pytest.raises(UsageError, match="ahead of the clock") if is_refused else nullcontext():
        check_now(job, CLOCK)


@for_each("more", [[], ["--older", "send"], ["--yes", "--quiet"]])
def test_send_refuses_a_time_to_come_before_anything_is_sent(
    segcli: Segcli, tmp_path: Path, events: Path, more: list[str]
) -> None:
    words = ["-d", acme_file(tmp_path), "--now", "9999-01-01", *more, str(events)]
    sent = segcli("send", "--set", "api_key=k", *words)

    assert sent.code == 2
    assert "--now is ahead of the clock, but acme counts ages from its own" in sent.err
    assert segcli("send", "--sandbox", *words).code == 0
    assert segcli("transform", *(word for word in words if word not in more)).code == 0


def test_python_refuses_a_time_to_come(tmp_path: Path, events: Path) -> None:
    with pytest.raises(UsageError, match="ahead of the clock"):
        api.send(events, dest=acme_file(tmp_path), now="9999-01-01", settings={"api_key": "k"})
