"""Replies that name single events by other means than an index of an entry."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.destination_file import acme
from support.fakes import records
from support.retry_harness import retry_harness
from support.tables import for_each

from segcli import Delivered, Partial, Refused, Reply, Retry, Stop, Verdict
from segcli.core.reply import of_batch

# As Iterable answers: `segcli.destination_file.reply` reads it like any other.
BY_VALUE = {
    "match": {
        "failedUpdates.invalidEmails": "user.email",
        "failedUpdates.notFoundUserIds": "userId",
        "disallowedEventNames": "eventName",
    }
}
# As Amplitude answers.
BY_REASON = {
    "replies": [400],
    "indexes": ["events_with_invalid_fields", "silenced_events"],
    "retry_indexes": ["throttled_events"],
    "unnamed": "retry",
}
# As Genesys answers.
WITH_FLAG = {
    "list": "unprocessedEntities",
    "index": "originalRequestIndex",
    "reason": "errorMessage",
    "retry_flag": "isRetryable",
}
# As Klaviyo answers.
IN_TEXT = {
    "replies": [400],
    "list": "errors",
    "index": "source.pointer",
    "index_text": "/data/attributes/events-bulk-create/data/{index}",
    "reason": "detail",
    "unnamed": "retry",
}
PAYLOADS: list[Any] = [
    {"user": {"email": "a@x.example"}, "userId": 7, "eventName": "Seen"},
    {"user": {"email": "B@x.example"}, "eventName": "Seen"},
    {"userId": "u3", "eventName": "Bought"},
]
BODIES = [json.dumps(payload).encode() for payload in PAYLOADS]


def verdict(items: Any, status: int, body: Any, **reply: Any) -> Verdict:
    said = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Reply(status, {}, said)
    table = {"items": items} if items else {}
    return of_batch(acme({"reply": table | reply}).verdict(answer), answer, BODIES)


@for_each("case", [
    ({"failedUpdates": {"invalidEmails": ["a@x.example"]}}, {0: "invalidEmails"}),
    ({"failedUpdates": {"invalidEmails": ["b@X.example"]}}, {1: "invalidEmails"}),
    ({"failedUpdates": {"notFoundUserIds": ["7"]}}, {0: "notFoundUserIds"}),
    ({"failedUpdates": {"notFoundUserIds": [7, "u3"]}},
     {0: "notFoundUserIds", 2: "notFoundUserIds"}),
    ({"disallowedEventNames": ["Seen"]}, {0: "disallowedEventNames", 1: "disallowedEventNames"}),
    ({"failedUpdates": [{"invalidEmails": []}, {"notFoundUserIds": "u3"}]},
     {2: "notFoundUserIds"}),
])  # fmt: skip
def test_events_are_refused_by_a_value_of_their_payload(case: tuple[Any, dict[int, str]]) -> None:
    body, refused = case

    assert verdict(BY_VALUE, 200, {"successCount": 1} | body) == Partial(refused)


def test_a_reply_that_names_no_value_means_that_all_are_delivered() -> None:
    for body in ({"successCount": 3}, {"failedUpdates": {"invalidEmails": []}}, b""):
        assert verdict(BY_VALUE, 200, body) == Delivered()


@pytest.mark.parametrize("value", ["other@x.example", "", {"a": 1}])
def test_a_value_that_no_event_has_stops_the_run(value: Any) -> None:
    assert isinstance(verdict(BY_VALUE, 200, {"failedUpdates": {"invalidEmails": [value]}}), Stop)


def test_a_map_of_reasons_to_indexes_names_events() -> None:
    body = {
        "code": 400,
        "events_with_invalid_fields": {"time": [1, 2], "ip": [2]},
        "silenced_events": [],
        "throttled_events": [0, 1],
    }

    assert verdict(BY_REASON, 400, body) == Partial(
        {1: "events_with_invalid_fields: time", 2: "events_with_invalid_fields: time"},
        frozenset({0}),
        unnamed="retry",
    )
    assert verdict(BY_REASON, 400, {"code": 400, "error": "x"}) == Refused(
        'HTTP 400: {"code": 400, "error": "x"}', splits=True
    )
    assert verdict(BY_REASON, 200, body) == Delivered()


def test_a_flag_of_an_entry_says_whether_to_retry() -> None:
    entries = [
        {"originalRequestIndex": 0, "isRetryable": True, "errorMessage": "busy"},
        {"originalRequestIndex": 2, "isRetryable": False, "errorMessage": "no schema"},
    ]

    found = verdict(WITH_FLAG, 200, {"unprocessedEntities": entries})
    assert found == Partial({2: "no schema"}, frozenset({0}))


@for_each("case", [
    ("/data/attributes/events-bulk-create/data/1/attributes/time", 1),
    ("/data/attributes/events-bulk-create/data/2", 2),
])  # fmt: skip
def test_an_index_may_stand_in_a_text(case: tuple[str, int]) -> None:
    pointer, place = case
    body = {"errors": [{"detail": "no time", "source": {"pointer": pointer}}]}

    assert verdict(IN_TEXT, 400, body) == Partial({place: "no time"}, unnamed="retry")


@pytest.mark.parametrize("pointer", ["/data/attributes/name", "/data/1", "", None, 5])
def test_a_text_without_an_index_is_about_the_whole_request(pointer: Any) -> None:
    body = {"errors": [{"detail": "bad", "source": {"pointer": pointer}}]}

    assert isinstance(verdict(IN_TEXT, 400, body), Refused)
    assert isinstance(verdict(IN_TEXT | {"replies": [202]}, 202, body), Stop)


SUCCESS = {"success": "body.code = 0 or body.code = 20001", "retry_if": "body.code = 40100"}


@for_each("case", [
    ({"code": 0}, Delivered()),
    ({"code": 20001}, Delivered()),
    ({"code": 40002}, Refused('HTTP 200: {"code": 40002}', splits=True)),
    ({"code": 40100}, Retry('HTTP 200: {"code": 40100}')),
    ({}, Refused("HTTP 200: {}", splits=True)),
    (b"ok", Stop("HTTP 200, but with a body that is not JSON")),
])  # fmt: skip
def test_a_condition_on_the_body_says_whether_a_reply_is_a_success(
    case: tuple[Any, Verdict],
) -> None:
    body, means = case

    assert verdict(None, 200, body, **SUCCESS) == means


def test_a_condition_is_not_asked_about_other_replies() -> None:
    assert verdict(None, 401, b"", **SUCCESS) == Stop("HTTP 401", setting="api_key")
    assert verdict(None, 409, b"", delivered=[409], **SUCCESS) == Delivered()


WRONG_KEY = {"wrong_key_if": 'match(body.error, "Invalid API key*")'}
STOPPED = Stop('HTTP 400: {"error": "Invalid API key: ***"}', setting="api_key")


@for_each("case", [
    (400, {"error": "Invalid API key: ***"}, {}, STOPPED),
    (400, {"error": "Invalid API key: ***"}, {"split": [400]}, STOPPED),
    (400, {"error": "Invalid API key: ***"}, {"items": BY_REASON}, STOPPED),
    (400, {"error": "Another"}, {}, Refused('HTTP 400: {"error": "Another"}', splits=True)),
    (400, b"Invalid API key", {}, Refused("HTTP 400: Invalid API key", splits=True)),
    (200, {"error": "Invalid API key: ***"}, {}, Delivered()),
    (200, {"error": "Invalid API key: ***"}, {"success": "body.code = 0"},
     Stop('HTTP 200: {"error": "Invalid API key: ***"}', setting="api_key")),
])  # fmt: skip
def test_a_condition_on_the_body_says_that_the_key_is_wrong(case: Any) -> None:
    status, body, more, means = case

    assert verdict(more.pop("items", None), status, body, **WRONG_KEY, **more) == means


@given(bad=st.sets(st.integers(0, 19)), busy=st.sets(st.integers(0, 19)), count=st.integers(1, 20))
def test_events_that_were_not_taken_because_of_others_are_sent_again(
    bad: set[int], busy: set[int], count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("unnamed") / "rejects.ndjson"
    judge = acme({"batch": {"events": 50}, "reply": {"items": BY_REASON}}).verdict
    found = retry_harness(path, verdict=judge)
    seen: set[int] = set()

    def answers(bodies: list[bytes]) -> Reply:
        numbers = [int(body) for body in bodies]
        wrong = [at for at, number in enumerate(numbers) if number in bad]
        later = [at for at, number in enumerate(numbers) if number in busy - seen]
        seen.update(numbers[at] for at in later)
        if not wrong and not later:
            return Reply(200, {}, b"{}")
        body = {"silenced_events": wrong[:1], "throttled_events": later}
        return Reply(400, {}, json.dumps(body).encode())

    found.play(found.send(count, answers))
    good = [number for number in range(count) if number not in bad]
    assert sorted(int(body) for body in found.taken) == good
    assert sorted(record["line"] for record in records(path)) == sorted(bad & set(range(count)))
    assert (found.tally.delivered, found.tally.refused) == (len(good), count - len(good))


def test_sending_again_without_the_refused_event_does_not_wait(tmp_path: Path) -> None:
    judge = acme({"reply": {"items": IN_TEXT}}).verdict
    found = retry_harness(tmp_path / "rejects.ndjson", verdict=judge)

    def answers(bodies: list[bytes]) -> Reply:
        place = bodies.index(min(bodies, key=int))
        if int(bodies[place]) >= 5:
            return Reply(200)
        pointer = f"/data/attributes/events-bulk-create/data/{place}"
        body = {"errors": [{"source": {"pointer": pointer}}]}
        return Reply(400, {}, json.dumps(body).encode())

    found.play(found.send(10, answers))
    assert (found.tally.delivered, found.tally.refused) == (5, 5)
    assert found.times()[-1] == 0


values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(["a@x.example", "u3", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errors", "source", "pointer", "unprocessedEntities",
                             "originalRequestIndex", "isRetryable", "failedUpdates",
                             "invalidEmails", "throttled_events", "silenced_events", "code"]),
            inner, max_size=3,
        )
    ),
    max_leaves=8,
)  # fmt: skip


@given(body=values, status=st.sampled_from([200, 207, 400]))
def test_any_reply_gives_a_verdict_on_events_of_the_batch_only(body: Any, status: int) -> None:
    for items in (BY_VALUE, BY_REASON, WITH_FLAG, IN_TEXT):
        found = verdict(items, status, body, **SUCCESS)
        if isinstance(found, Partial):
            assert not found.by_value
            assert {*found.refused, *found.retry} <= {0, 1, 2}
