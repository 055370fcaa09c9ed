"""Values of the payload in the address, in headers, and beside the events of a batch."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.destination_file import acme
from support.posted import outcome_in, posted, rejection_of, track
from support.tables import for_each

from segcli.core.event import Rejected
from segcli.core.outcome import Mapped

MAPPING = {
    "actions.0.mapping": {
        "name": {"@path": "$.event"},
        "id": {"@path": "$.userId"},
        "p": {"@path": "$.properties"},
    }
}
ROUTED = MAPPING | {
    "request.url": "https://api.acme.example/v1{route}?at={payload.p.at}",
    "actions.0.route": "/users/{payload.id}/events",
}
IN_HEADER = MAPPING | {"request.headers": {"X-Event": "e {payload.name}"}}


def test_values_are_percent_encoded_in_path_and_query_slashes_too() -> None:
    event = track(userId="a/b c?d#é%2F", properties={"at": "x&y=z/"})

    [request] = posted(acme(ROUTED), event)
    assert request.url == (
        "https://api.acme.example/v1/users/a%2Fb%20c%3Fd%23%C3%A9%252F/events?at=x%26y%3Dz%2F"
    )


@for_each("case", [(1.50, "1.5"), (12345678901234567890123, "12345678901234567890123"),
                   (True, "true"), ("", "")])  # fmt: skip
def test_numbers_and_booleans_are_written_as_in_json(case: tuple[Any, str]) -> None:
    value, text = case

    [request] = posted(acme(ROUTED), track(properties={"at": value}))
    assert request.url.endswith(f"?at={text}")


@for_each("case", [
    ({"properties": {}}, "p.at is absent, but the address needs it"),
    ({"properties": {"at": None}}, "p.at is absent, but the address needs it"),
    ({"properties": {"at": [1]}}, "p.at is no text, number or boolean, but the address needs it"),
    ({"properties": {"at": {}}}, "p.at is no text, number or boolean, but the address needs it"),
    ({"userId": ".."}, "id is empty, . or .. as a part of the path of the address"),
    ({"userId": "."}, "id is empty, . or .. as a part of the path of the address"),
    ({"userId": "x" * 9_000}, "id makes an address longer than 8,000 characters"),
    ({"userId": "..x"}, ""),
    ({"userId": "%2e%2e"}, ""),
])  # fmt: skip
def test_event_whose_address_would_be_another_is_rejected(case: tuple[Any, str]) -> None:
    event, problem = case

    assert rejection_of(acme(ROUTED), **({"properties": {"at": 1}} | event)) == problem


def test_an_empty_part_of_the_path_is_rejected() -> None:
    changes = MAPPING | {"request.url": "https://api.acme.example/{payload.p.a}{payload.p.b}/x"}
    problem = "p.a is empty, . or .. as a part of the path of the address"

    assert rejection_of(acme(changes), properties={"a": "", "b": ""}) == problem
    assert rejection_of(acme(changes), properties={"a": ".", "b": "."}) == problem
    assert rejection_of(acme(changes), properties={"a": "", "b": "x"}) == ""


def test_dots_of_a_setting_and_a_value_together_are_rejected() -> None:
    changes = MAPPING | {
        "request.url": "https://api.acme.example/x{settings.s}/{settings.s}{payload.id}",
        "settings.s": {"default": "x"},
    }

    assert isinstance(outcome_in(acme(changes), track(userId="."), s="a"), Mapped)
    dots = outcome_in(acme(changes | {"settings.s": {"default": "x."}}), track(userId="."))
    assert isinstance(dots, Mapped)


@for_each(
    "case",
    [
        ("E", ""),
        ("a\nb", "printable"),
        ("a\r\nX-Evil: 1", "printable"),
        ("é", "printable"),
        ("a ", "printable"),
        ("x" * 8_001, "longer than 8,000"),
    ],
)
def test_header_that_cannot_hold_a_value_rejects_the_event(case: tuple[str, str]) -> None:
    name, problem = case
    found = rejection_of(acme(IN_HEADER), event=name)

    assert problem in found
    assert bool(found) == bool(problem)
    if not problem:
        [request] = posted(acme(IN_HEADER), track(event=name))
        assert request.headers["X-Event"] == f"e {name}"


def test_omitted_fields_leave_the_body_only() -> None:
    [request] = posted(
        acme(ROUTED | {"request.omit": ["p.at", "id", "absent.x"]}),
        track(properties={"at": 1, "more": 2}),
    )

    assert request.url == "https://api.acme.example/v1/users/u1/events?at=1"
    assert request.body == b'{"name":"E","p":{"more":2}}'


def test_only_payloads_of_the_same_request_share_a_batch() -> None:
    changes = ROUTED | {"batch": {"events": 10}}
    events = [track(userId=user, properties={"at": 1}) for user in ("a", "b", "a")]

    requests = posted(acme(changes), *events)
    assert [(one.url[28:], len(json.loads(one.body))) for one in requests] == [
        ("users/a/events?at=1", 2), ("users/b/events?at=1", 1),
    ]  # fmt: skip


def test_fields_beside_the_events_are_those_of_all_events_of_the_batch() -> None:
    batch = {
        "events": 10,
        "under": "batch",
        "with": {"old": "{payload.p.old}", "k": "-{payload.id}"},
    }
    changes = MAPPING | {"batch": batch, "request.omit": ["p"]}
    events = [track(properties={"old": old}) for old in (True, False, True, None)]

    bodies = [one.body for one in posted(acme(changes), *events)]
    item = b'{"name":"E","id":"u1"}'
    assert bodies == [
        b'{"old":true,"k":"-u1","batch":[%b,%b]}' % (item, item),
        b'{"old":false,"k":"-u1","batch":[%b]}' % item,
        b'{"k":"-u1","batch":[%b]}' % item,
    ]


def test_payloads_that_differ_in_a_field_named_by_the_batch_do_not_share_it() -> None:
    changes = MAPPING | {"batch": {"events": 10, "by": ["p.list"]}}
    lists: list[Any] = [[1], [1, 2], [1], None]
    events = [track(properties={"list": one}) for one in lists]

    assert [one.body.count(b"name") for one in posted(acme(changes), *events)] == [2, 1, 1]


def test_bytes_of_a_batch_count_the_values_beside_it() -> None:
    batch = {"events": 10, "bytes": 60, "under": "b", "with": {"k": "{payload.id}"}}
    destination = acme(MAPPING | {"batch": batch, "request.omit": ["id"]})
    fits = track(userId="u" * 16)
    [request] = posted(destination, fits)

    assert len(request.body) <= 60
    assert isinstance(outcome_in(destination, track(userId="u" * 50)), Rejected)


def test_outcomes_show_what_the_request_takes_beside_the_body() -> None:
    found = outcome_in(acme(ROUTED), track(properties={"at": 1}))

    assert isinstance(found, Mapped)
    assert found.route == "/users/{payload.id}/events"
    assert json.loads(found.request_values) == {"id": "u1", "p.at": 1}


@given(
    user=st.text(min_size=1, max_size=5) | st.sampled_from([".", "..", "/", "\\", "@evil.example"]),
    at=st.none() | st.booleans() | st.text(max_size=5) | st.floats() | st.lists(st.none()),
)
def test_every_address_has_the_host_and_the_path_of_the_file(user: str, at: Any) -> None:
    destination = acme(ROUTED | {"request.headers": {"X-At": "x{payload.p.at}"}})
    event = json.loads(json.dumps({"userId": user, "properties": {"at": at}}).replace("NaN", "1")
                       .replace("-Infinity", "2").replace("Infinity", "3"))  # fmt: skip
    for request in posted(destination, track(**event)):
        assert request.url.startswith("https://api.acme.example/v1/users/")
        path = request.url.partition("?")[0].removeprefix("https://").split("/")
        assert (len(path), path[-1]) == (5, "events")
        assert not {"", ".", ".."} & set(path)
        assert all(text.isprintable() and text.isascii() for text in request.headers.values())
