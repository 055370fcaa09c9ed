"""An event that several actions take: order, states, counts, rejects, resuming, kills."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fakes import PATIENCE, Answer, ReceivedRequest, Vendor, records, write_events
from support.fan_out import (
    NAMES,
    STATES,
    ThreeRoutes,
    check_counts,
    check_order,
    check_rejects,
    event,
    events_in,
    failed,
    file_of,
    state_at,
)
from support.fork_server import ForkedProcess

import segcli
from segcli.errors import Stopped
from segcli.journal.checkpoint import read_checkpoint
from segcli.journal.journal import Journal

Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]
COUNT = 60


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segcli.delivery.retry.backoff", lambda _attempt, chance: chance / 50)


def delivered() -> set[tuple[int, str]]:
    every = {(number, name) for number in range(COUNT) for name in NAMES}
    return {sent for sent in every if state_at(*sent) == "delivered"}


@pytest.mark.parametrize("journal", [False, True], ids=["no journal", "a journal"])
@pytest.mark.parametrize(
    ("batch", "route", "concurrency"), [(1, "", 1), (1, "", 8), (4, "", 8), (4, "/all", 8)]
)
def test_every_action_gets_its_events_in_order_and_all_counts_are_true(
    batch: int, route: str, concurrency: int, journal: bool, vendor: Serve, tmp_path: Path
) -> None:
    routes = ThreeRoutes()
    report = segcli.send(
        events_in(tmp_path, COUNT),
        dest=file_of(tmp_path, batch=batch, route=route),
        settings={"endpoint": vendor(routes).url},
        concurrency=concurrency,
        journal=tmp_path / "a.journal" if journal else None,
    )

    assert len(routes.taken) == len(set(routes.taken))
    assert set(routes.taken) == delivered()
    check_order(routes.got)
    check_counts(report.document(), COUNT)
    check_rejects(report.rejects, COUNT)
    assert report.fanned_out == COUNT
    assert not (tmp_path / "a.journal").exists()


def test_a_temporary_fault_of_one_action_delays_only_its_events(
    vendor: Serve, tmp_path: Path
) -> None:
    routes, tries = ThreeRoutes(), Counter[bytes]()

    def answer(got: ReceivedRequest) -> Answer:
        tries[got.body + got.path.encode()] += 1
        is_first = tries[got.body + got.path.encode()] == 1
        return Answer(503) if "Second" in got.path and is_first else routes(got)

    report = segcli.send(
        events_in(tmp_path, COUNT),
        dest=file_of(tmp_path),
        settings={"endpoint": vendor(answer).url},
    )

    assert report.retries == sum(
        state_at(number, "Second") != "rejected" for number in range(COUNT)
    )
    assert set(routes.taken) == delivered()
    check_order(routes.got)
    check_counts(report.document(), COUNT)


@pytest.mark.parametrize("place", ["a.journal", "shared/"])
def test_a_run_goes_on_within_an_event_at_the_action_that_is_open(
    place: str, vendor: Serve, tmp_path: Path
) -> None:
    routes = ThreeRoutes()
    path, dest, url = events_in(tmp_path, COUNT), file_of(tmp_path), vendor(routes).url
    journal = f"{tmp_path}/{place}"
    unsent: list[int] = []

    def send(**more: Any) -> segcli.Report:
        return segcli.send(
            path, dest=dest, settings={"endpoint": url}, journal=journal, concurrency=1, **more
        )

    # It stops before the first answer, after the first of an event, after a refusal, and later.
    for answers in (1, 6, 15, 40):
        routes.left = answers
        with pytest.raises(Stopped) as stopped:
            send(resume=answers > 1)
        report = stopped.value.report
        assert report
        assert sum(report.ledger.values()) == report.read
        for row in report.actions:
            assert sum(row[one] for one in STATES) >= row["delivered"] + row["unsent"] > 0
        unsent.append(report.ledger["unsent"])
    routes.left = 1_000_000
    report = send(resume=True)

    assert min(unsent) > 0
    assert len(routes.got) == len(set(routes.got)), "nothing is sent twice"
    assert set(routes.taken) == delivered()
    check_order(routes.got)
    check_counts(report.document(), COUNT)
    check_rejects(report.rejects, COUNT)


def test_an_event_whose_actions_are_all_settled_ends_without_a_request(
    vendor: Serve, tmp_path: Path
) -> None:
    """A kill after the record of the last action, and before that of the line."""
    routes = ThreeRoutes(left=2)
    path, dest, url = events_in(tmp_path, 3), file_of(tmp_path), vendor(routes).url
    journal = tmp_path / "a.journal"

    def send(**more: Any) -> segcli.Report:
        return segcli.send(
            path, dest=dest, settings={"endpoint": url}, journal=journal, concurrency=1, **more
        )

    with pytest.raises(Stopped):
        send()
    past = read_checkpoint(journal)
    assert past
    past.apply({"actions": [[3, "Third"]]})
    past.apply({"state": "delivered", "parts": [[0, 1, 1, 3]]})
    Journal(journal, past).close()
    routes.left = 1_000_000
    report = send(resume=True)

    assert (0, "Third") not in routes.got
    assert len(routes.got) == 8
    assert report.ledger_over_all_runs["delivered"] == 3


def test_kills_lose_no_request_and_repeat_only_what_was_in_flight(
    vendor: Serve, spawn: Callable[..., ForkedProcess], tmp_path: Path
) -> None:
    routes, processes = ThreeRoutes(), list[ForkedProcess]()
    kills = [20, 90, 131]

    def answer(got: ReceivedRequest) -> Answer:
        if processes and kills and len(routes.got) >= kills[0]:
            kills.pop(0)
            os.kill(processes.pop().pid, signal.SIGKILL)
        return routes(got)

    path, dest, url = events_in(tmp_path, COUNT), file_of(tmp_path), vendor(answer).url
    journal, rejects = tmp_path / "job.journal", tmp_path / "rejects"
    to = ["send", "--dest", dest, "--endpoint", url, "--concurrency", "4", "--quiet", path]
    files = ["--journal", journal, "--rejects", rejects]
    for how in ((), ("--resume",), ("--resume",)):
        process = spawn(*to, *files, *how)
        processes.append(process)
        assert process.wait(PATIENCE) == -signal.SIGKILL, process.communicate()
    report = segcli.send(
        path,
        dest=dest,
        settings={"endpoint": url},
        journal=journal,
        rejects=rejects,
        resume=True,
    )

    assert not kills
    assert set(routes.taken) == delivered()
    assert len(routes.got) - len(set(routes.got)) <= 3 * 4
    check_order(routes.got)
    check_counts(report.document(), COUNT)
    check_rejects(records(rejects), COUNT)


def test_rejects_go_to_the_actions_that_did_not_deliver_them(vendor: Serve, tmp_path: Path) -> None:
    routes = ThreeRoutes()
    dest, url = file_of(tmp_path), vendor(routes).url

    def send(path: Path, rejects: str) -> segcli.Report:
        kept = tmp_path / rejects
        return segcli.send(path, dest=dest, settings={"endpoint": url}, rejects=kept)

    send(events_in(tmp_path, COUNT), "first")
    routes.heals, routes.taken = True, []
    second = send(tmp_path / "first", "second")

    refused = {(n, name) for n in range(COUNT) for name in NAMES if state_at(n, name) == "refused"}
    assert sorted(routes.taken) == sorted(refused)
    left = records(tmp_path / "second")
    assert [one["actions"] for one in left] == [["Second"]] * second.ledger["rejected"]
    assert {one["event"]["messageId"] for one in left} == {f"m{n}" for n in range(3, COUNT, 10)}

    routes.taken = []
    for one in left:
        one["event"]["properties"] = {"total": 1}
    third = send(write_events(tmp_path / "repaired", left), "third")
    assert third.ok
    assert sorted(routes.taken) == [(n, "Second") for n in range(3, COUNT, 10)]


def test_a_record_for_an_action_that_the_file_no_longer_has_is_rejected_and_keeps_its_actions(
    vendor: Serve, tmp_path: Path
) -> None:
    routes = ThreeRoutes()
    record = {"file": "a", "line": 1, "state": "refused", "reason": "", "actions": ["Gone"]}
    path, settings = tmp_path / "rejects", {"endpoint": vendor(routes).url}
    write_events(path, [{**record, "event": event(1)}])
    dest = file_of(tmp_path)
    with pytest.raises(segcli.InputError, match=r":1 is for the action Gone, which three does not"):
        segcli.send(path, dest=dest, settings=settings)
    report = segcli.send(path, dest=dest, settings=settings, first_look=False)

    assert routes.got == []
    [kept] = report.rejects
    assert kept["reason"] == "actions names Gone, which is no action of three"
    assert (kept["actions"], kept["event"]) == (["Gone"], event(1))


def test_actions_that_are_no_list_of_names_stay_in_the_record_of_the_rejected_line(
    vendor: Serve, tmp_path: Path
) -> None:
    routes = ThreeRoutes()
    path = write_events(
        tmp_path / "rejects", [{"state": "", "actions": "First", "event": event(1)}]
    )
    settings = {"endpoint": vendor(routes).url}
    report = segcli.send(path, dest=file_of(tmp_path), settings=settings, first_look=False)

    assert routes.got == []
    [kept] = report.rejects
    assert (kept["reason"], kept["actions"]) == ("actions is not a list of names", "First")


@pytest.mark.parametrize("limit", [15, 20])
def test_a_limit_counts_an_event_that_one_of_its_actions_rejects_also_on_resume(
    limit: int, vendor: Serve, tmp_path: Path
) -> None:
    # After event 13, which `Second` rejects and the others deliver.
    routes = ThreeRoutes(left=41)
    path, dest, url = events_in(tmp_path, COUNT), file_of(tmp_path), vendor(routes).url

    def send(*, resume: bool) -> segcli.Report:
        return segcli.send(
            path,
            dest=dest,
            settings={"endpoint": url},
            journal=tmp_path / "a.journal",
            concurrency=1,
            limit=limit,
            resume=resume,
        )

    with pytest.raises(Stopped):
        send(resume=False)
    routes.left = 1_000_000
    report = send(resume=True)

    assert {number for number, _ in routes.got} == set(range(limit))
    assert report.ledger_over_all_runs["skipped"] == COUNT - limit


def test_without_fan_out_the_first_action_alone_gets_an_event(
    vendor: Serve, tmp_path: Path
) -> None:
    routes = ThreeRoutes()
    report = segcli.send(
        events_in(tmp_path, COUNT),
        dest=file_of(tmp_path, fan_out=False),
        settings={"endpoint": vendor(routes).url},
    )

    assert sorted(routes.got) == [(number, "First") for number in range(COUNT)]
    assert report.ledger["delivered"] == COUNT
    assert report.fanned_out == 0
    assert report.notes == {
        "taken by First, not by Second": COUNT,
        "taken by First, not by Third": COUNT,
    }


def test_an_outcome_has_a_payload_for_each_action_and_says_which_cannot_map_it(
    tmp_path: Path,
) -> None:
    path, dest = events_in(tmp_path, 4), file_of(tmp_path)
    outcomes = list(segcli.transform(path, dest=dest))

    assert [one.action for one in outcomes[0].payloads] == [*NAMES]
    assert [outcome.state for outcome in outcomes] == ["mapped"] * 3 + ["rejected"]
    assert [(one.action, one.payload) for one in outcomes[3].payloads] == [
        ("First", {"id": "m3", "action": "First"}),
        ("Third", {"id": "m3", "action": "Third"}),
    ]
    [rejection] = outcomes[3].rejections
    assert (rejection.action, rejection.route) == ("Second", "/Second")
    assert outcomes[3].reason == rejection.reason
    assert failed(3) == ["Second", "Third"]
