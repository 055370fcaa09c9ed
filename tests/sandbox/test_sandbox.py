"""The sandbox answers as the vendors document it, and fails exactly as its script says."""

import base64
import errno
import gzip
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.fakes import PATIENCE, wait_until
from support.keyless_sandbox import running_with_plug_in
from support.tables import for_each

from segcli.sandbox import (
    DEFAULT_KEY,
    Fault,
    Received,
    SandboxServer,
    Script,
    parse_fault,
    running,
)
from segcli.sandbox.counts import Counts
from segcli.sandbox.faults import fault_at

Post = Callable[..., httpx.Response]
GONE = ...  # a field that a case leaves out


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


KEYS: dict[str, Callable[[str], dict[str, str]]] = {
    "pointillist": lambda key: {"apiToken": key},
    "gist": lambda key: {"Authorization": f"Bearer {key}"},
    # By its User-Agent a replay, which is held to more than a client of Segment's own is.
    "segment": lambda key: {"Authorization": basic(key), "User-Agent": "segcli/1.0"},
    "plotline": lambda key: {"Authorization": basic(key)},
    "webhook": lambda key: {"Authorization": basic(key)},
}
JSON_TYPE = {"Content-Type": "application/json"}

ORDER = {
    "eventSource": "segment",
    "eventType": "Order Completed",
    "eventTime": "2026-02-03T10:11:12.000Z",
    "actors": {"customer": {"userId": "u1", "anonymousId": "a1"}},
    "labels": {"email": "ada@example.com", "location.city": "Boston"},
    "numbers": {"total": 12.5, "orders": 3},
}
CONTACT = {
    "user_id": "u1",
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "signed_up_at": 1_770_000_000,
    "custom_properties": {"plan": "pro", "seats": 3, "rate": 0.5, "beta": True},
    "tags": ["new"],
}
SIGNUP = {
    "event_name": "Signed Up",
    "email": "ada@example.com",
    "user_id": "u1",
    "properties": {"plan": "pro", "items": [{"sku": 1}]},
    "occurred_at": 1_770_000_000,
}
TRACK = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u1",
    "anonymousId": None,
    "messageId": "m1",
    "timestamp": "2026-02-03T10:11:12Z",
    "context": {"traits": {"email": "ada@example.com"}},
    "properties": {"total": 12.5},
}
SINGLE = {
    ("pointillist", "/event"): ORDER,
    ("gist", "/contacts"): CONTACT,
    ("gist", "/events"): SIGNUP,
    ("segment", "/track"): TRACK,
    ("plotline", ""): TRACK,
    ("webhook", ""): TRACK,
}
PLACES = [vendor + route for vendor, route in SINGLE]
SIX = ("identify", "track", "page", "screen", "group", "alias")


@pytest.fixture(scope="module")
def post_to(client: httpx.Client) -> Post:
    def post(
        at: SandboxServer, vendor: str, route: str, body: Any = None, **more: Any
    ) -> httpx.Response:
        headers = JSON_TYPE | KEYS.get(vendor, lambda _: {})(more.get("key", DEFAULT_KEY))
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(
            at.endpoint(vendor) + route,
            content=content,
            headers=headers | more.get("headers", {}),
            timeout=more.get("timeout", 10),
        )

    return post


@pytest.fixture
def post(sandbox: SandboxServer, post_to: Post) -> Post:
    return lambda *args, **more: post_to(sandbox, *args, **more)


def changed(payload: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**payload, **changes}.items() if value is not GONE}


# --- right requests


@pytest.mark.parametrize(("place", "payload"), SINGLE.items(), ids=PLACES)
def test_right_payload_is_accepted_and_remembered(
    place: tuple[str, str], payload: Any, post: Post, sandbox: SandboxServer
) -> None:
    assert post(*place, payload).status_code == 200
    assert sandbox.app.accepted[-1] == Received(*place, payload)


@pytest.mark.parametrize("kind", SIX)
def test_webhook_accepts_all_six_call_types_on_any_path(kind: str, post: Post) -> None:
    assert post("webhook", "/in/2", changed(TRACK, type=kind)).status_code == 200
    assert post("webhook", "/", changed(TRACK, type=kind)).status_code == 200


@pytest.mark.parametrize("kind", SIX)
def test_segment_accepts_all_six_call_types_in_batches_and_alone(kind: str, post: Post) -> None:
    event = changed(TRACK, type=kind)
    assert post("segment", "/batch", {"batch": [event]}).json() == {"success": True}
    assert post("segment", f"/{kind}", changed(event, type=GONE)).json() == {"success": True}


def test_batches_are_split_into_payloads(post: Post, sandbox: SandboxServer) -> None:
    events = [changed(TRACK, messageId=f"m{number}") for number in range(3)]
    contacts = [CONTACT, changed(CONTACT, email=GONE)]
    assert post("segment", "/batch", {"batch": events, "sentAt": "2026-02-03"}).is_success
    assert post("gist", "/contacts/batch", {"contacts": contacts}).is_success
    taken = [received.payload for received in sandbox.app.accepted[-5:]]
    assert taken == events + contacts


def test_success_reply_is_that_of_the_vendor(post: Post) -> None:
    assert post("pointillist", "/event", ORDER).json() == {}
    contact = post("gist", "/contacts", CONTACT).json()["contact"]
    assert contact["user_id"] == "u1"
    assert post("gist", "/contacts/batch", {"contacts": [CONTACT]}).json() == {
        "contacts": [contact]
    }


def test_vendor_of_a_plug_in_accepts_any_json_without_a_key(
    post: Post, sandbox: SandboxServer
) -> None:
    assert post("acme", "/users/1", [1, {"two": 2}], headers={"Content-Type": "x"}).is_success
    assert sandbox.app.accepted[-1] == Received("acme", "/users/1", [1, {"two": 2}])
    assert post("acme", "/users/1", b"two").status_code == 400


@for_each(
    ("path", "hint"),
    [
        ("/v1/batch", "Segment's clients need /segment before it: /segment/v1/batch"),
        ("/nobody", "for a destination file, start the sandbox with --dest PATH"),
        ("/" + "x" * 5000, "for a destination file, start the sandbox with --dest PATH"),
    ],
)
def test_path_of_no_vendor_is_404_and_names_the_known_ones(
    path: str, hint: str, client: httpx.Client, sandbox: SandboxServer
) -> None:
    before = sandbox.app.counts()

    reply = client.post(sandbox.url + path, json={})

    said = reply.json()["message"]
    assert (reply.status_code, hint in said, "/klaviyo, " in said) == (404, True, True)
    assert "/acme and /_sandbox" in said
    assert len(said) < 600
    assert sandbox.app.counts() == before


def test_body_that_is_not_text_is_refused_in_plain_words(post: Post) -> None:
    for body, said in ((gzip.compress(b"{}"), "it is gzip"), (b"\xff", "it is not UTF-8")):
        assert post("acme", "", body).json() == {"message": f"the body is not JSON: {said}"}


def test_webhook_needs_no_key(client: httpx.Client, sandbox: SandboxServer) -> None:
    assert client.post(sandbox.endpoint("webhook"), json=TRACK).is_success


def test_numbers_of_any_size_are_accepted(post: Post, sandbox: SandboxServer) -> None:
    large = 123_456_789_012_345_678_901_234_567_890
    body = json.dumps(changed(ORDER, numbers={"n": large})).replace('"n"', '"huge": 1e400, "n"')
    assert post("pointillist", "/event", body.encode()).is_success
    assert sandbox.app.accepted[-1].payload["numbers"]["n"] == large
    digits = body.replace(str(large), "9" * 6000).replace("Order", "\\ud800")
    assert post("pointillist", "/event", digits.encode()).is_success


# --- wrong requests

POINTILLIST_FLAWS: list[tuple[dict[str, Any], str]] = [
    ({"extra": 1}, "extra is not a known field"),
    ({"eventSource": GONE}, "eventSource is missing"),
    ({"eventType": ""}, "eventType must not be empty"),
    ({"eventTime": 1_770_000_000}, "eventTime must be a string, not a number"),
    ({"eventTime": "yesterday"}, "eventTime is not a time that the sandbox reads"),
    ({"actors": GONE}, "actors must be an object, not null"),
    ({"actors": {}}, "actors needs at least one"),
    ({"actors": {"customer": {}}}, "actors.customer needs at least one id"),
    ({"actors": {"customer": "u1"}}, "actors.customer must be an object"),
    ({"actors": {"customer": {"userId": 7}}}, "actors.customer.userId must be a string"),
    ({"labels": {"age": 36}}, "labels.age must be a string, not a number"),
    ({"labels": {"beta": True}}, "labels.beta must be a string, not true or false"),
    ({"labels": GONE}, "labels must be an object"),
    ({"numbers": {"age": "36"}}, "numbers.age must be a number, not a string"),
    ({"numbers": {"beta": True}}, "numbers.beta must be a number"),
    ({"location": {"city": "Boston"}}, "location.city must be"),
]
CONTACT_FLAWS: list[tuple[dict[str, Any], str]] = [
    ({"plan": "pro"}, "plan is not a known field"),
    ({"user_id": GONE, "email": GONE}, "user_id or email is required"),
    ({"user_id": 7}, "user_id must be a string, not a number"),
    ({"email": ""}, "email must not be empty"),
    ({"name": None}, "name must be a string, not null"),
    ({"signed_up_at": "2026-02-03"}, "signed_up_at must be an integer"),
    ({"signed_up_at": 1_770_000_000.0}, "signed_up_at must be an integer"),
    ({"signed_up_at": 1_770_000_000_000}, "signed_up_at must be unix seconds"),
    ({"signed_up_at": -1}, "signed_up_at must be unix seconds"),
    ({"custom_properties": {"a": {"b": 1}}}, "custom_properties.a must be a number or"),
    ({"custom_properties": {"a": []}}, "custom_properties.a must be a number or"),
    ({"custom_properties": {"a": None}}, "custom_properties.a must be a number or"),
    ({"custom_properties": []}, "custom_properties must be an object"),
    ({"unsubscribed_from_emails": 1}, "unsubscribed_from_emails must be true or false"),
    ({"tags": [1]}, "tags[0] must be a string"),
]
GIST_EVENT_FLAWS: list[tuple[dict[str, Any], str]] = [
    ({"event_name": GONE}, "event_name is missing"),
    ({"event_name": " "}, "event_name must not be empty"),
    ({"email": GONE, "user_id": GONE}, "user_id or email is required"),
    ({"properties": []}, "properties must be an object"),
    ({"occurred_at": 1_770_000_000_000}, "occurred_at must be unix seconds"),
    ({"occurred_at": True}, "occurred_at must be an integer"),
    ({"custom_properties": {}}, "custom_properties belongs to a contact"),
    ({"extra": 1}, "extra is not a known field"),
]
EVENT_FLAWS: list[tuple[dict[str, Any], str]] = [
    ({"type": "click"}, "type must be one of"),
    ({"type": GONE}, "type is missing"),
    ({"userId": GONE}, "userId or anonymousId is required"),
    ({"userId": ["u1"]}, "userId must be a string or a number, not an array"),
    ({"event": ""}, "event must not be empty"),
    ({"properties": "none"}, "properties must be an object"),
    ({"timestamp": "soon"}, "timestamp is not a time that the sandbox reads"),
]
SEGMENT_FLAWS: list[tuple[dict[str, Any], str]] = [
    *EVENT_FLAWS,
    ({"messageId": GONE}, "messageId is missing"),
    ({"messageId": "m" * 101}, "messageId is longer than 100 characters"),
    ({"sentAt": "2026-02-03T10:11:12Z"}, "sentAt must be left out"),
    ({"receivedAt": "2026-02-03T10:11:12Z"}, "receivedAt must be left out"),
    ({"originalTimestamp": "2026-02-03T10:11:12Z"}, "originalTimestamp must be left out"),
    ({"properties": {"text": "x" * 33_000}}, "the event is larger than 32,768 bytes"),
]
WRONG = [
    (vendor, route, changed(payload, **changes), words)
    for vendor, route, payload, flaws in (
        ("pointillist", "/event", ORDER, POINTILLIST_FLAWS),
        ("gist", "/contacts", CONTACT, CONTACT_FLAWS),
        ("gist", "/events", SIGNUP, GIST_EVENT_FLAWS),
        ("plotline", "", TRACK, EVENT_FLAWS),
        ("webhook", "", TRACK, EVENT_FLAWS),
    )
    for changes, words in flaws
]
WRONG += [
    ("segment", "/batch", {"batch": [TRACK, changed(TRACK, **changes)]}, words)
    for changes, words in SEGMENT_FLAWS
]
WRONG += [
    ("segment", "/batch", {"batch": []}, "batch must have 1 to 2,500"),
    ("segment", "/batch", {"batch": [TRACK] * 2501}, "the body is larger than 500,000 bytes"),
    ("segment", "/batch", {"batch": [{"a": 1}] * 2501}, "batch must have 1 to 2,500"),
    ("segment", "/batch", {"batch": [TRACK], "events": []}, "events is not a known field"),
    ("segment", "/batch", [TRACK], "the body must be an object, not an array"),
    ("segment", "/batch", {"batch": [TRACK], "sentAt": 5}, "sentAt must be a string"),
    ("segment", "/page", TRACK, "type must be page here"),
    ("gist", "/contacts/batch", {"contacts": [CONTACT, {}]}, "contacts[1]: user_id or email"),
    ("gist", "/contacts/batch", {"contacts": []}, "contacts must not be empty"),
    ("gist", "/contacts/batch", {"contacts": CONTACT}, "contacts must be an array"),
    ("pointillist", "/event", [ORDER], "the body must be an object"),
]


def problem_in(reply: httpx.Response) -> str:
    found = reply.json()
    return str(found["errors"][0]["message"] if "errors" in found else found["message"])


@pytest.mark.parametrize(
    ("vendor", "route", "body", "words"), WRONG, ids=[f"{case[0]}-{case[3]}" for case in WRONG]
)
def test_wrong_payload_is_refused_with_the_field_named(
    vendor: str, route: str, body: Any, words: str, post: Post, sandbox: SandboxServer
) -> None:
    before = len(sandbox.app.accepted)
    reply = post(vendor, route, body)
    assert (reply.status_code, words in problem_in(reply)) == (400, True), reply.text
    assert len(sandbox.app.accepted) == before


@pytest.mark.parametrize("place", SINGLE, ids=PLACES)
def test_wrong_key_is_401_with_the_vendor_message(place: tuple[str, str], post: Post) -> None:
    reply = post(*place, SINGLE[place], key="wrong")
    assert reply.status_code == 401
    assert "must be" in problem_in(reply)
    assert "wrong" not in reply.text


@pytest.mark.parametrize("vendor", ["pointillist", "gist", "segment", "plotline"])
def test_missing_key_is_401(vendor: str, client: httpx.Client, sandbox: SandboxServer) -> None:
    route = next(route for name, route in SINGLE if name == vendor)
    assert client.post(sandbox.endpoint(vendor) + route, json={}).status_code == 401


@pytest.mark.parametrize("place", SINGLE, ids=PLACES)
def test_body_that_is_not_json_is_refused(place: tuple[str, str], post: Post) -> None:
    for body in (b"", b"{", b'{"a": NaN}', b'{"a": "\xff"}', b"[" * 100_000):
        reply = post(*place, body)
        assert (reply.status_code, problem_in(reply)[:20]) == (400, "the body is not JSON")


@pytest.mark.parametrize("place", SINGLE, ids=PLACES)
def test_content_type_must_be_json(place: tuple[str, str], post: Post) -> None:
    reply = post(*place, SINGLE[place], headers={"Content-Type": "text/plain"})
    assert (reply.status_code, "Content-Type" in problem_in(reply)) == (400, True)
    charset = {"Content-Type": "application/json; charset=utf-8"}
    assert post(*place, SINGLE[place], headers=charset).is_success


@pytest.mark.parametrize(
    ("vendor", "route"),
    [("pointillist", ""), ("gist", "/contacts/"), ("segment", "/imports"), ("plotline", "/v1")],
)
def test_unknown_route_is_404_and_names_the_known_ones(vendor: str, route: str, post: Post) -> None:
    reply = post(vendor, route, {})
    assert (reply.status_code, "known are" in problem_in(reply)) == (404, True)


def test_path_without_a_vendor_or_its_version_is_404(
    client: httpx.Client, sandbox: SandboxServer
) -> None:
    for path in ("/", "/_sandbox/more", "//", "/segment/batch"):
        assert client.post(sandbox.url + path, json={}).status_code == 404


def test_wrong_method_is_405_with_allow(client: httpx.Client, sandbox: SandboxServer) -> None:
    for vendor, route, allow in (
        ("pointillist", "/event", "POST"),
        ("gist", "/contacts", "GET, POST"),
        ("acme", "", "POST"),
    ):
        reply = client.put(sandbox.endpoint(vendor) + route, json={})
        assert (reply.status_code, reply.headers["Allow"]) == (405, allow)


def test_gist_contacts_route_checks_a_key(client: httpx.Client, sandbox: SandboxServer) -> None:
    url = sandbox.endpoint("gist") + "/contacts?per_page=1"
    assert client.get(url, headers=KEYS["gist"](DEFAULT_KEY)).status_code == 200
    assert client.get(url, headers=KEYS["gist"]("other")).status_code == 401


@pytest.mark.parametrize("kind", ["page", "screen", "group", "alias"])
def test_plotline_answers_501_to_other_call_types(kind: str, post: Post) -> None:
    assert post("plotline", "", changed(TRACK, type=kind)).status_code == 501


def test_too_large_body_has_the_status_of_the_vendor(post: Post) -> None:
    def large(size: int) -> dict[str, Any]:
        return changed(TRACK, properties={"text": "x" * size})

    assert post("plotline", "", large(2_000_000)).status_code == 413
    assert post("webhook", "", large(2_000_000)).status_code == 200
    assert post("webhook", "", large(17_000_000)).status_code == 413
    assert post("segment", "/batch", {"batch": [large(500_000)]}).status_code == 400


def test_settings_header_must_hold_a_json_object_in_base64(post: Post) -> None:
    for value, status in (("e30=", 200), ("W10=", 400), ("{}", 400), ("bm8=", 400)):
        reply = post("webhook", "", TRACK, headers={"X-Segment-Settings": value})
        assert (value, reply.status_code) == (value, status)


def test_wrong_batch_names_the_item_and_counts_the_reason(
    post: Post, sandbox: SandboxServer
) -> None:
    reply = post("segment", "/batch", {"batch": [TRACK, changed(TRACK, userId=7.5, sentAt=0)]})
    assert problem_in(reply) == "batch[1]: sentAt must be left out of a replayed event"
    problems = sandbox.app.counts()["vendors"]["segment"]["problems"]
    assert "batch[]: sentAt must be left out of a replayed event" in problems


# --- the script


@for_each(
    ("text", "fault"),
    [
        ("503:5%", Fault("503", 0.05)),
        ("reset:1%", Fault("reset", 0.01)),
        ("429:0.5%", Fault("429", 0.005)),
        ("timeout:0.01", Fault("timeout", 0.01)),
        (" 400 : 100% ", Fault("400", 1.0)),
    ],
)
def test_fault_text_is_parsed_as_kind_and_share(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@for_each(
    ("text", "words"),
    [
        ("503", "type 503:5%"),
        ("503:", "has no share: type 503:5%"),
        ("boo", "there is no fault 'boo'"),
        ("", "there is no fault ''"),
        ("503:many", "'many' is not a share"),
        ("503:5", "type 503:5% or 503:0.05"),
        ("503:-1%", "is not from 0 to 100 %"),
        ("503:nan", "is not from 0 to 100 %"),
        ("200:1%", "type a status from 400 to 599, reset, timeout or item"),
        ("crash:1%", "there is no fault 'crash'"),
        ("٥٠٣:1%", "there is no fault"),
    ],
)
def test_wrong_fault_text_is_an_error_with_an_example(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as raised:
        parse_fault(text)
    assert text in str(raised.value)


def test_impossible_script_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"add up to 1\.2"):
        Script(faults=(Fault("503", 0.6), Fault("429", 0.6)))
    with pytest.raises(ValueError, match="rate 0"):
        Script(rate=0)
    with pytest.raises(ValueError, match="seconds"):
        Script(latency=-1)
    assert Script(faults=(Fault("503", 0.1),) * 10)


def test_shares_of_faults_add_up() -> None:
    faults = (Fault("503", 0.25), Fault("reset", 0.5))
    rolls = {0.0: "503", 0.25: "reset before", 0.5: "reset after", 0.75: "", 0.999: ""}
    assert {roll: fault_at(roll, faults) for roll in rolls} == rolls


@for_each("status", ["400", "401", "429", "500", "503", "599"])
def test_status_fault_accepts_nothing(status: str, post_to: Post) -> None:
    script = Script(faults=(Fault(status, 1.0),), remember=True, retry_after=0.25)
    with running(script) as sandbox:
        reply = post_to(sandbox, "gist", "/contacts", CONTACT)
        assert reply.status_code == int(status)
        assert reply.headers.get("Retry-After") == ("0.25" if status == "429" else None)
        assert sandbox.app.accepted == []
        assert sandbox.app.counts()["totals"]["faults"] == {status: 1}


def test_reset_fault_resets_the_connection_before_or_after_acceptance(post_to: Post) -> None:
    with running_with_plug_in(
        Script(faults=(Fault("reset", 1.0),), seed=1, remember=True)
    ) as sandbox:
        for _ in range(20):
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                post_to(sandbox, "pointillist", "/event", ORDER)
        faults = sandbox.app.counts()["totals"]["faults"]
        assert faults["reset before"] + faults["reset after"] == 20
        assert 0 < len(sandbox.app.accepted) == faults["reset after"] < 20
        with raw_request(sandbox, "/acme") as connection, pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_timeout_fault_never_answers_and_accepts_nothing(post_to: Post) -> None:
    with running(Script(faults=(Fault("timeout", 1.0),), remember=True)) as sandbox:
        with pytest.raises(httpx.ReadTimeout):
            post_to(sandbox, "pointillist", "/event", ORDER, timeout=0.1)
        # The request may have been given up before the sandbox had read it.
        wait_until(lambda: sandbox.app.counts()["totals"]["faults"] == {"timeout": 1})
        assert sandbox.app.accepted == []


def test_shutdown_does_not_wait_for_hanging_requests() -> None:
    with running_with_plug_in(Script(faults=(Fault("timeout", 1.0),))) as sandbox:
        hanging = raw_request(sandbox, "/acme")
    with running_with_plug_in(Script(latency=3600)) as sandbox:
        slow = raw_request(sandbox, "/acme")
    for connection in (hanging, slow):
        with connection:
            assert read(connection) == b""


def raw_request(sandbox: SandboxServer, path: str) -> socket.socket:
    address = sandbox.url.removeprefix("http://")
    host, port = address.split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    head = f"POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 2\r\n\r\n"
    connection.sendall(head.encode() + b"{}")
    return connection


def read(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1)
    except ConnectionResetError:
        return b""


def test_disconnected_client_is_not_counted(post_to: Post) -> None:
    with running_with_plug_in(Script()) as sandbox:
        connection = raw_request(sandbox, "/acme")
        host = sandbox.url.removeprefix("http://")
        head = f"POST /acme HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99\r\n\r\n"
        connection.sendall(head.encode() + b"{")
        connection.close()
        assert post_to(sandbox, "acme", "", {}).is_success
        assert sandbox.app.counts()["totals"]["refused"] == 0


def test_same_seed_gives_the_same_faults(post_to: Post) -> None:
    def statuses() -> list[int]:
        with running_with_plug_in(
            Script(faults=(Fault("503", 0.3), Fault("429", 0.3)), seed=7)
        ) as sandbox:
            return [post_to(sandbox, "acme", "", {}).status_code for _ in range(30)]

    first = statuses()
    assert first == statuses()
    assert set(first) == {200, 429, 503}


def test_request_above_the_rate_is_429_with_retry_after(post_to: Post) -> None:
    with running(Script(rate=0.001, retry_after=7, remember=True)) as sandbox:
        assert post_to(sandbox, "gist", "/contacts", CONTACT).is_success
        reply = post_to(sandbox, "segment", "/batch", {"batch": [TRACK]})
        assert reply.status_code == 429
        assert (reply.headers["Retry-After"], reply.headers["X-RateLimit-Reset"]) == ("7", "7")
        assert len(sandbox.app.accepted) == 1
        assert sandbox.app.counts()["vendors"]["segment"]["throttled"] == 1


def test_latency_delays_each_reply(post_to: Post) -> None:
    with running_with_plug_in(Script(latency=0.05)) as sandbox:
        assert post_to(sandbox, "acme", "", {}).elapsed.total_seconds() >= 0.05


def test_poison_refuses_a_payload_and_its_whole_batch(post_to: Post) -> None:
    with running(Script(poison="BAD", remember=True)) as sandbox:
        poisoned = post_to(sandbox, "gist", "/contacts", changed(CONTACT, name="BAD"))
        batch = {"batch": [TRACK, changed(TRACK, messageId="BAD")]}
        assert (poisoned.status_code, "poison" in problem_in(poisoned)) == (400, True)
        assert post_to(sandbox, "segment", "/batch", batch).status_code == 400
        assert sandbox.app.accepted == []
        assert post_to(sandbox, "gist", "/contacts", CONTACT).is_success


def test_key_of_the_script_applies_to_all_vendors(post_to: Post) -> None:
    with running(Script(key="clé")) as sandbox:
        assert post_to(sandbox, "plotline", "", TRACK, key="clé").is_success
        assert post_to(sandbox, "plotline", "", TRACK).status_code == 401


# --- what it remembers


def test_counts_page_is_exempt_from_faults_and_rate(client: httpx.Client, post_to: Post) -> None:
    with running(Script(faults=(Fault("503", 1.0),), rate=0.001, latency=0)) as sandbox:
        post_to(sandbox, "gist", "/contacts", CONTACT)
        pages = [client.get(sandbox.url + "/_sandbox") for _ in range(3)]
        assert [page.json() for page in pages] == [sandbox.app.counts()] * 3
        assert client.post(sandbox.url + "/_sandbox").headers["Allow"] == "GET"


def test_counts_have_requests_accepted_refused_and_problems(post_to: Post) -> None:
    with running_with_plug_in(Script()) as sandbox:
        post_to(sandbox, "gist", "/contacts", CONTACT)
        post_to(sandbox, "gist", "/contacts/batch", {"contacts": [CONTACT, CONTACT]})
        post_to(sandbox, "gist", "/events", {})
        post_to(sandbox, "acme", "", {})
        assert sandbox.app.accepted == []
        assert sandbox.app.counts() == {
            "vendors": {
                "gist": {
                    "requests": 3,
                    "accepted": 3,
                    "refused": 1,
                    "throttled": 0,
                    "by_route": {"/contacts": 1, "/contacts/batch": 2},
                    "faults": {},
                    "problems": {"event_name is missing": 1},
                },
                "acme": {
                    "requests": 1,
                    "accepted": 1,
                    "refused": 0,
                    "throttled": 0,
                    "by_route": {"": 1},
                    "faults": {},
                    "problems": {},
                },
            },
            "totals": {"requests": 4, "accepted": 4, "refused": 1, "throttled": 0, "faults": {}},
        }


def test_counts_are_bounded_when_clients_send_many_names() -> None:
    counts = Counts()
    for number in range(1000):
        tally = counts.of(f"vendor{number}")
        tally.requests += 1
        tally.accept(f"/{number}" + "x" * 5000, 1)
        tally.refuse(f"problem {number}")
    report = counts.report()
    assert report["totals"]["requests"] == report["totals"]["accepted"] == 1000
    assert len(report["vendors"]) == 101
    assert len(report["vendors"]["(others)"]["problems"]) == 101
    assert len(json.dumps(report)) < 100_000


def test_accepted_payloads_are_kept_with_their_original_bytes(
    post_to: Post, tmp_path: Path
) -> None:
    keep = tmp_path / "kept.ndjson"
    order = json.dumps(ORDER, indent=1).replace("12.5", "12.50000000000000000000").encode()
    first = json.dumps(changed(TRACK, event="\u00e9 \u2028, ]"), ensure_ascii=False)
    second = json.dumps(changed(TRACK, properties={"n": 0})).replace("0}", "1e400}")
    batch = f' {{"sentAt": "2026-02-03" , "batch" : [ {first} ,\n{second}]}}'.encode()
    with running(Script(keep=keep)) as sandbox:
        post_to(sandbox, "pointillist", "/event", order)
        post_to(sandbox, "segment", "/batch", batch)
        post_to(sandbox, "segment", "/batch", {"batch": [{}]})
        kept = keep.read_bytes().splitlines()
    places = [("pointillist", "/event"), ("segment", "/batch"), ("segment", "/batch")]
    payloads = [order.replace(b"\n", b" "), first.encode(), second.encode()]
    assert kept == [
        b'{"vendor": "%s", "route": "%s", "payload": %s}' % (*map(str.encode, place), payload)
        for place, payload in zip(places, payloads, strict=True)
    ]


def test_unwritable_keep_file_prevents_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), running(Script(keep=tmp_path / "no" / "kept")):
        pass


def test_internal_error_is_a_500_with_its_type(post_to: Post, tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    with running(Script(keep=keep)) as sandbox:
        keep.unlink()
        keep.mkdir()
        reply = post_to(sandbox, "gist", "/contacts", CONTACT)
    assert (reply.status_code, "IsADirectoryError" in problem_in(reply)) == (500, True)


# --- the server


def test_taken_port_raises_os_error() -> None:
    with running(Script()) as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        with pytest.raises(OSError, match=str(port)) as raised, running(Script(), port):
            pass
    assert raised.value.errno == errno.EADDRINUSE
    with running(Script(), port) as again:
        assert again.url == sandbox.url


def test_endpoint_has_the_path_of_each_vendor(sandbox: SandboxServer) -> None:
    names = ("pointillist", "gist", "segment", "plotline", "webhook", "acme")
    assert [sandbox.endpoint(name).removeprefix(sandbox.url) for name in names] == [
        "/pointillist",
        "/gist",
        "/segment/v1",
        "/plotline",
        "/webhook",
        "/acme",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_foreground_sandbox_ends_cleanly_on_a_signal(
    number: signal.Signals, client: httpx.Client
) -> None:
    code = (
        "from segcli.sandbox import Script, serve_sandbox\n"
        "serve_sandbox(Script(), lambda sandbox: print(sandbox.url, flush=True))\n"
        "print('over')"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        status = client.get(url + "/_sandbox").status_code
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert status == 200
    assert (process.returncode, out, err) == (0, "over\n", "")
