"""Replies with results for single items: the meaning of entries, and invalid bodies."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import records
from support.retry_harness import retry_harness
from support.tables import for_each

from segcli import Delivered, Items, Partial, Refused, Reply, Retry, Stop, Verdict, by_item
from segcli.core.reply import by_status

ERRORS = Items(list="errors", index="batch_index", status="code", reason="message")
RESULTS = Items(list="results", status="status", reason="error.text")


def reply(body: Any, status: int = 207, **headers: str) -> Reply:
    return Reply(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def listed(*errors: dict[str, Any], status: int = 207) -> Verdict:
    return by_item(ERRORS)(reply({"errors": [*errors]}, status))


def refused(items: Items, entry: Any) -> dict[int, str]:
    verdict = by_item(items)(reply({"errors": [entry]}))
    assert isinstance(verdict, Partial)
    return dict(verdict.refused)


# --- lists of failures


def test_item_that_is_not_listed_is_delivered() -> None:
    assert listed({"batch_index": 2, "message": "no email"}) == Partial({2: "no email"})
    assert listed() == listed(status=200) == Delivered()


@for_each("code", [408, 425, 429, 500, 503, "503"])
def test_item_with_a_temporary_status_is_retried(code: int | str) -> None:
    assert listed({"batch_index": 1, "code": code}) == Partial({}, frozenset({1}))


@for_each("code", [400, 401, 409, 422, 501])
def test_item_with_another_error_status_is_refused_with_its_reason(code: int) -> None:
    entry = {"batch_index": "0", "code": code, "message": " no\n such plan "}

    assert listed(entry) == Partial({0: f"{code}: no such plan"})


def test_listed_item_with_a_success_status_is_delivered() -> None:
    assert listed({"batch_index": 1, "code": 201}) == Delivered()


def test_status_words_of_a_vendor_have_the_verdicts_of_the_description() -> None:
    items = Items(
        index="i", status="state", delivered=frozenset({"duplicate"}), retry=frozenset({"busy", 9})
    )
    body = [{"i": n, "state": state} for n, state in enumerate(["duplicate", "busy", "bad", 9, 42])]

    assert by_item(items)(reply(body)) == Partial(
        {2: 'bad: {"state":"bad"}', 4: '42: {"state":42}'}, frozenset({1, 3})
    )


def test_item_is_refused_if_one_of_its_entries_refuses_it() -> None:
    verdict = listed(
        {"batch_index": 0, "code": 503},
        {"batch_index": 0, "code": 422, "message": "no email"},
        {"batch_index": 0, "code": 422, "message": "no name"},
    )

    assert verdict == Partial({0: "422: no email"})


def test_entry_without_a_reason_is_itself_the_reason() -> None:
    items = Items(list="errors", index="at", reason="why")

    assert refused(items, {"at": 3, "field": "email"}) == {3: '{"field":"email"}'}
    assert refused(items, {"at": 3, "why": {"a": 1}}) == {3: '{"a":1}'}
    assert len(refused(items, {"at": 3, "why": "x" * 1000})[3]) == 200


def test_item_retry_has_the_retry_after_of_the_reply() -> None:
    body = {"errors": [{"batch_index": 0, "code": 429}]}

    assert by_item(ERRORS)(reply(body, **{"retry-after": "7"})) == Partial({}, frozenset({0}), 7.0)


# --- a result for each item


def test_results_are_in_the_order_of_the_items() -> None:
    body = {"results": [{"status": s, "error": {"text": "bad"}} for s in (200, 503, 422)]}

    assert by_item(RESULTS)(reply(body, 200)) == Partial(
        {2: "422: bad"}, frozenset({1}), answered=3
    )


def test_wrong_number_of_results_stops_the_run(tmp_path: Path) -> None:
    body = {"results": [{"status": 200}] * 3}
    found = retry_harness(tmp_path / "rejects", verdict=by_item(RESULTS))
    found.play(found.send(4, lambda _: reply(body)))

    assert str(found.sender.stop_signal.reason) == "acme answered for 3 items of a request with 4"
    assert (found.tally.delivered, found.tally.refused) == (0, 0)


def test_items_without_an_index_and_a_status_are_an_error() -> None:
    with pytest.raises(ValueError, match="without an index and a status"):
        Items(list="errors")


# --- other replies, and bodies that do not match


@for_each("status", [400, 401, 429, 500, 302])
def test_reply_with_another_status_is_judged_by_the_status(status: int) -> None:
    body = {"errors": [{"batch_index": 0}]}

    assert not isinstance(by_item(ERRORS)(reply(body, status)), Partial)
    assert by_item(ERRORS, lambda _: Refused("x"))(reply(body, status)) == Refused("x")


def test_error_reply_can_have_item_results_if_described() -> None:
    items = Items(list="failed", index="index", replies=frozenset({400}))
    judge = by_item(items)

    assert judge(reply({"failed": [{"index": 0, "a": 1}]}, 400)) == Partial({0: '{"a":1}'})
    assert judge(reply({"failed": [{"index": 0}]}, 200)) == Delivered()
    for body in (b"", b"<html>", {}, {"failed": []}, {"failed": 3}, {"failed": [{}]}):
        assert isinstance(judge(reply(body, 400)), Refused)


@for_each("body", [b"", b"  ", {}, {"errors": None}, {"ok": True}])
def test_missing_list_of_failures_means_all_delivered(body: Any) -> None:
    assert by_item(ERRORS)(reply(body, 200)) == Delivered()
    assert isinstance(by_item(ERRORS)(reply(body, 207)), Stop)
    assert isinstance(by_item(RESULTS)(reply(body, 200)), Stop)


@for_each(
    ("body", "problem"),
    [
        (b"<html>", "its body is not JSON"),
        (b"{", "its body is not JSON"),
        (b"[" * 3000, "its body is not JSON"),
        ([], None),
        ({"errors": {}}, "the value at errors in its body is not a list"),
        ({"errors": "none"}, "the value at errors in its body is not a list"),
        ({"errors": ["bad"]}, "an entry of its list has no whole number at batch_index"),
        ({"errors": [{}]}, "an entry of its list has no whole number at batch_index"),
        ({"errors": [{"batch_index": 1.5}]}, "has no whole number at batch_index"),
        ({"errors": [{"batch_index": True}]}, "has no whole number at batch_index"),
        ({"errors": [{"batch_index": -1}]}, None),
    ],
)
def test_success_reply_with_an_unexpected_body_stops_the_run(
    body: Any, problem: str | None
) -> None:
    verdict = by_item(ERRORS)(reply(body, 200))

    if problem:
        assert isinstance(verdict, Stop)
        assert verdict.reason.startswith("HTTP 200, but ")
        assert problem in verdict.reason
    else:
        assert isinstance(verdict, Delivered | Partial)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"errors": []}', b'{"errors": [{"batch_index": 0}'])
def test_truncated_success_reply_with_item_results_stops_the_run(body: bytes) -> None:
    cut = Reply(200, {}, body, "a body that broke off: no")

    for items in (ERRORS, RESULTS):
        verdict = by_item(items)(cut)
        assert verdict == Stop("HTTP 200, but with a body that broke off: no")


@pytest.mark.parametrize("status", [400, 422, 503])
def test_truncated_error_reply_is_judged_by_its_status(status: int) -> None:
    items = Items(list="failed", index="index", replies=frozenset({400}))
    cut = Reply(status, {}, b'{"failed": [{"index": 0}]}', "a body that broke off")

    assert by_item(items)(cut) == by_status(cut)


def test_item_verdict_on_a_truncated_reply_settles_nothing(
    tmp_path: Path,
) -> None:
    found = retry_harness(tmp_path / "rejects", verdict=lambda _: Partial({0: "no"}))
    found.play(found.send(3, lambda _: Reply(200, {}, b"...", "a body that broke off")))

    assert str(found.sender.stop_signal.reason) == (
        "acme answered HTTP 200, but with a body that broke off"
    )
    assert (found.tally.delivered, found.tally.refused, len(found.posts)) == (0, 0, 1)


@for_each("code", [0, 7, 101, 600, 99999])
def test_number_that_is_not_an_http_status_is_a_refusal(
    code: int,
) -> None:
    entry = {"batch_index": 0, "code": code, "message": "bad"}

    assert listed(entry) == Partial({0: f"{code}: bad"})


@pytest.mark.parametrize("place", [-1, 3, 10**9])
def test_result_for_an_unsent_item_stops_the_run_unsettled(place: int, tmp_path: Path) -> None:
    found = retry_harness(tmp_path / "rejects", verdict=by_item(ERRORS))
    found.play(found.send(3, lambda _: reply({"errors": [{"batch_index": place}]})))

    assert str(found.sender.stop_signal.reason) == (
        f"acme answered for item {place}, counted from 0, of a request with 3"
    )
    assert (found.tally.delivered, found.tally.refused, len(found.posts)) == (0, 0, 1)


def test_item_both_refused_and_retried_is_settled_once(tmp_path: Path) -> None:
    verdict = Partial({0: "no"}, frozenset({0, 1}))
    verdicts: list[Verdict] = [verdict, Delivered()]
    found = retry_harness(tmp_path / "rejects", verdict=lambda _: verdicts.pop(0))
    found.play(found.send(3, lambda _: Reply(200)))

    assert (found.tally.delivered, found.tally.refused) == (2, 1)


leaves = st.none() | st.booleans() | st.integers(-2, 9) | st.sampled_from(
    ["", "0", "2", "busy", 200, 207, 422, 503, 429, 1.5]
)  # fmt: skip
entries = st.fixed_dictionaries(
    {}, optional={"batch_index": leaves, "code": leaves, "status": leaves, "message": leaves}
)
bodies = st.one_of(
    st.binary(max_size=20),
    st.builds(json.dumps, st.recursive(leaves, st.lists, max_leaves=4)).map(str.encode),
    st.builds(
        lambda key, found: json.dumps({key: found}).encode(),
        st.sampled_from(["errors", "results", "other"]),
        st.lists(entries, max_size=5) | leaves,
    ),
)


@given(
    answers=st.lists(st.tuples(st.sampled_from([200, 207, 400, 503]), bodies), max_size=6),
    items=st.sampled_from([ERRORS, RESULTS, Items(index="batch_index")]),
    count=st.integers(1, 5),
)
def test_no_event_is_lost_or_settled_twice_with_any_replies(
    answers: list[tuple[int, bytes]],
    items: Items,
    count: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("items") / "rejects.ndjson"
    found = retry_harness(path, verdict=by_item(items))
    left = [*answers]

    def answer(_: list[bytes]) -> Reply:
        return reply(*reversed(left.pop(0))) if left else reply(b"", 204)

    found.play(found.send(count, answer))

    settled = found.tally.delivered + found.tally.refused
    assert settled == count or (found.sender.stop_signal.is_stopped and settled < count)
    kept = [record["line"] for record in records(path)]
    assert len(kept) == len(set(kept)) == found.tally.refused


@given(status=st.integers(100, 599), body=bodies)
def test_every_reply_has_a_verdict(status: int, body: bytes) -> None:
    for items in (ERRORS, RESULTS):
        verdict = by_item(items)(Reply(status, {}, body))
        assert isinstance(verdict, Delivered | Refused | Retry | Partial | Stop)
