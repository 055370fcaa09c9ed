"""A batch with a bad part is split: all other events are delivered, in order."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import records
from support.retry_harness import retry_harness

from segcli.core.reply import Delivered, Partial, Reply, Verdict

OK = Reply(200)


def refusing(bad: set[int], status: int) -> Callable[[list[bytes]], Reply]:
    """Answer like a vendor that refuses a whole request because of one bad event."""

    def answers(bodies: list[bytes]) -> Reply:
        refused = any(int(body) in bad for body in bodies)
        return Reply(status, {}, b"one of them is bad") if refused else OK

    return answers


def numbers(bodies: list[bytes]) -> list[int]:
    return [int(body) for body in bodies]


def kept_in(path: Path) -> list[int]:
    return [record["line"] for record in records(path)]


@pytest.fixture
def rejects(tmp_path: Path) -> Path:
    return tmp_path / "rejects.ndjson"


@given(
    count=st.integers(1, 33), bad=st.sets(st.integers(0, 32)), status=st.sampled_from([400, 413])
)
def test_status_400_and_413_split_a_batch_down_to_the_bad_events(
    count: int, bad: set[int], status: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bad &= set(range(count))
    path = tmp_path_factory.mktemp("split") / "rejects.ndjson"
    found = retry_harness(path)
    found.play(found.send(count, refusing(bad, status)))

    assert numbers(found.taken) == [number for number in range(count) if number not in bad]
    assert kept_in(path) == sorted(bad)
    assert (found.tally.delivered, found.tally.refused) == (count - len(bad), len(bad))


def test_finding_one_bad_event_takes_few_requests(rejects: Path) -> None:
    found = retry_harness(rejects)
    found.play(found.send(64, refusing({37}, 400)))

    assert kept_in(rejects) == [37]
    assert len(found.posts) == 1 + 2 * 6
    assert found.times()[-1] == 0


@pytest.mark.parametrize("status", [402, 404, 405, 409, 410, 422, 501])
def test_other_refusal_refuses_the_whole_batch(status: int, rejects: Path) -> None:
    found = retry_harness(rejects)
    found.play(found.send(3, refusing({1}, status)))

    assert len(found.posts) == 1
    assert {(r["state"], r["status"], r["attempts"]) for r in records(rejects)} == {
        ("refused", status, 1)
    }
    assert kept_in(rejects) == [0, 1, 2]


def test_reject_record_has_the_last_reply_and_the_number_of_attempts(rejects: Path) -> None:
    answers = [Reply(503), Reply(500), Reply(422, {}, b'{"error": "no\n such   plan"}')]
    found = retry_harness(rejects)
    found.play(found.send(1, lambda _: answers.pop(0)))

    assert records(rejects) == [
        {
            "file": "events",
            "line": 0,
            "state": "refused",
            "reason": 'HTTP 422: {"error": "no such plan"}',
            "status": 422,
            "address": "https://acme.example/",
            "reply_ids": {},
            "reply": '{"error": "no\n such   plan"}',
            "payload": "0",
            "attempts": 3,
            "raw": "0",
        }
    ]


def test_failed_half_is_retried_before_the_next_half(rejects: Path) -> None:
    answers = [Reply(413), Reply(503), OK, OK]
    found = retry_harness(rejects)
    found.play(found.send(4, lambda _: answers.pop(0)))

    assert [numbers(bodies) for _, bodies in found.posts] == [[0, 1, 2, 3], [0, 1], [0, 1], [2, 3]]
    assert numbers(found.taken) == [0, 1, 2, 3]


def test_half_batch_counts_its_own_attempts(rejects: Path) -> None:
    answers = [Reply(500), Reply(400), Reply(500), Reply(400), OK]
    found = retry_harness(rejects)
    found.play(found.send(2, lambda _: answers.pop(0)))

    assert [(record["line"], record["attempts"]) for record in records(rejects)] == [(0, 2)]
    assert found.times() == [0, 0.5, 0.5, 1.0, 1.0]


PLACES = st.sets(st.integers(0, 9))


@given(refused=PLACES, put_off=st.lists(PLACES, max_size=3))
def test_reply_with_item_results_settles_each_item(
    refused: set[int], put_off: list[set[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("partial") / "rejects.ndjson"
    left = [*put_off]
    taken: list[int] = []
    asked: list[list[int]] = []

    def answer(bodies: list[bytes]) -> Reply:
        asked.append(numbers(bodies))
        return Reply(207)

    def verdict(_: Reply) -> Verdict:
        batch, later = asked[-1], (left.pop(0) if left else set()) - refused
        taken.extend(number for number in batch if number not in refused | later)
        return Partial(
            {place: "not you" for place, number in enumerate(batch) if number in refused},
            frozenset(place for place, number in enumerate(batch) if number in later),
        )

    found = retry_harness(path, verdict=verdict)
    found.play(found.send(10, answer))

    assert sorted(taken) == sorted(set(range(10)) - refused)
    assert sorted(kept_in(path)) == sorted(refused)
    assert found.tally.delivered == len(taken)
    assert found.tally.refused == len(refused)
    assert all(record["reason"] == "not you" for record in records(path))


def test_deferred_items_are_retried_with_backoff(rejects: Path) -> None:
    verdicts = [Partial({}, frozenset({1})), Partial({}, frozenset({0})), Delivered()]
    found = retry_harness(rejects, verdict=lambda _: verdicts.pop(0))
    found.play(found.send(2, lambda _: OK))

    assert [numbers(bodies) for _, bodies in found.posts] == [[0, 1], [1], [1]]
    assert found.times() == [0, 0.5, 1.5]
    assert found.tally.retries == 2


def test_items_deferred_forever_stop_the_run_unsettled(rejects: Path) -> None:
    found = retry_harness(rejects, verdict=lambda _: Partial({}, frozenset({0})), retry_for=60)
    found.play(found.send(1, lambda _: OK))

    assert found.sender.stop_signal.is_stopped
    assert found.times()[-1] == 60
    assert found.tally.delivered == 0
