"""What each destination takes, and what plotline, webhook and segment receive."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from support.samples import KEY, event_of, job_for, line_of, payload_of
from support.tables import for_each

from segcli import destinations
from segcli.core.destination import Request
from segcli.core.event import TYPES, Event
from segcli.core.outcome import Mapped, Skipped, outcome_of
from segcli.core.settings import require
from segcli.errors import SettingsError

TIME = "2026-02-03T10:11:12.000Z"
DROPPED = "Segment drops a larger one, and answers 200 all the same"
LONG = "123456789012345678901234567890.12345678901234567890"


def segment(**fields: Any) -> dict[str, Any]:
    body = payload_of("segment", event_of(**fields)).body
    assert isinstance(body, dict)
    return body


def request_of(name: str, route: str, bodies: list[bytes], **given: str) -> Request:
    job = job_for(name, api_key=KEY, **given)
    return job.destination.request(route, bodies, job.settings)


@pytest.mark.parametrize("name", ["pointillist", "plotline", "gist"])
def test_a_vendor_of_identify_and_track_skips_the_other_calls(name: str) -> None:
    fields = {"traits": {"email": "ada@example.com"}, "timestamp": TIME}

    for kind in TYPES - {"identify", "track"}:
        assert outcome_of(line_of(type=kind), job_for(name)) == Skipped(f"{kind} is not for {name}")
    for kind in ("identify", "track"):
        assert isinstance(outcome_of(line_of(type=kind, **fields), job_for(name)), Mapped)


@for_each("name", ["segment", "webhook"])
@for_each("kind", sorted(TYPES))
def test_segment_and_webhook_accept_all_six_calls(name: str, kind: str) -> None:
    assert isinstance(outcome_of(line_of(type=kind), job_for(name)), Mapped)


@for_each("name", ["pointillist", "plotline", "gist", "segment", "webhook"])
def test_every_destination_keeps_all_digits_of_a_number(name: str) -> None:
    line = line_of(
        type="identify", timestamp=TIME, traits={"email": "ada@example.com", "big": "DIGITS"}
    ).replace(b'"DIGITS"', LONG.encode())

    found = outcome_of(line, job_for(name))

    assert isinstance(found, Mapped)
    assert f":{LONG}" in found.body.decode().replace(" ", "")


# --- plotline and webhook: the Direct Destination contract


@pytest.mark.parametrize("name", ["plotline", "webhook"])
def test_pass_through_destination_gets_the_bytes_of_the_event(name: str) -> None:
    raw = b'{ "type":"track" , "event":"\\u0041", "userId":1e0, "userId":"u1", "n": 1.50}'

    assert payload_of(name, Event(raw, json.loads(raw))).body == raw


@pytest.mark.parametrize("name", ["plotline", "webhook"])
def test_pass_through_request_has_one_event_and_the_key_as_user_name(name: str) -> None:
    request = request_of(name, "/", [b"{}"], endpoint="https://vendor.example/segment")

    credentials = base64.b64encode(f"{KEY}:".encode()).decode()
    assert (request.method, request.url) == ("POST", "https://vendor.example/segment")
    assert request.body == b"{}"
    assert request.headers == {
        "Content-Type": "application/json",
        "Authorization": f"Basic {credentials}",
    }
    assert job_for(name).destination.limits.events == 1


def test_webhook_without_a_key_sends_no_credentials() -> None:
    job = job_for("webhook", endpoint="https://vendor.example")

    request = job.destination.request("/", [b"{}"], job.settings)

    assert request.headers == {"Content-Type": "application/json"}


def test_plotline_needs_an_endpoint_to_send_only_with_a_hint() -> None:
    job = job_for("plotline", api_key=KEY)
    assert isinstance(outcome_of(line_of(), job), Mapped)

    with pytest.raises(SettingsError, match=r"endpoint .*not public: ask Plotline's support") as no:
        require("plotline", job.settings)
    assert "SEGCLI_PLOTLINE_ENDPOINT" in no.value.hint


# --- segment


def test_segment_batch_settings_limit_events_and_bytes() -> None:
    job = job_for("segment", batch="10", batch_bytes="1000")
    most = job_for("segment")
    bodies = [b"1" * 494, b"2" * 493]

    assert job.destination.events_per_request("/batch", job.settings) == 10
    assert job.destination.bytes_per_request("/batch", job.settings) == 988
    assert len(job.destination.request("/batch", bodies, job.settings).body) == 1_000
    # An event that is larger by itself has its own request.
    assert job.destination.bytes_per_payload("/batch", job.settings) == 32_768
    assert most.destination.events_per_request("/batch", most.settings) == 2_500
    assert most.destination.bytes_per_request("/batch", most.settings) == 499_988


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("batch", 2_501, f"batch must be at most 2500, not 2501: {DROPPED}"),
        ("batch_bytes", 500_001, "batch_bytes must be at most 500000, not 500001"),
        ("batch", 2_500, ""),
    ],
)
def test_segment_batch_settings_cannot_exceed_the_api_limits(
    name: str, value: int, wrong: str
) -> None:
    job = job_for("segment")
    assert job.destination.check_settings(replace(job.settings, **{name: value})) == wrong


def test_segment_keeps_the_event_and_drops_its_transport_times() -> None:
    event = {
        "type": "track", "event": "Tried", "userId": "u1", "anonymousId": "a1", "messageId": "m1",
        "timestamp": TIME, "properties": {"n": 1}, "context": {"ip": "203.0.113.7"}, "version": 2,
        "integrations": {"All": True}, "unknown": ["kept"],
    }  # fmt: skip
    times = dict.fromkeys(("sentAt", "receivedAt", "originalTimestamp"), "2026-02-03T11:00:00Z")

    assert segment(**(event | times)) == event


def test_segment_sets_a_missing_timestamp_from_the_next_time_field() -> None:
    assert segment(sentAt=TIME)["timestamp"] == TIME
    assert segment(receivedAt=TIME, sentAt="2026-02-04")["timestamp"] == TIME
    assert "timestamp" not in segment()


@pytest.mark.parametrize("absent", [..., None, ""])
def test_segment_derives_a_missing_message_id_from_the_bytes(absent: Any) -> None:
    first, again = segment(messageId=absent, n=1), segment(messageId=absent, n=1)
    other = segment(messageId=absent, n=2)

    assert first["messageId"] == again["messageId"] != other["messageId"]
    assert first["messageId"].startswith("segcli-")
    assert len(first["messageId"]) <= 100


def test_segment_request_is_a_batch_with_the_write_key_as_user_name() -> None:
    request = request_of("segment", "/batch", [b'{"n":1}', b'{"n":2}'])

    credentials = base64.b64encode(f"{KEY}:".encode()).decode()
    assert (request.method, request.url) == ("POST", "https://api.segment.io/v1/batch")
    assert request.headers["Authorization"] == f"Basic {credentials}"
    assert json.loads(request.body) == {"batch": [{"n": 1}, {"n": 2}]}


def test_segment_batch_stays_within_500_000_bytes_and_2_500_events() -> None:
    limits = job_for("segment").destination.limits
    assert limits.bytes is not None

    request = request_of("segment", "/batch", [b"x" * limits.bytes])

    assert len(request.body) == 500_000
    assert limits.events == 2_500


def test_segment_event_is_at_most_32_768_bytes_as_sent() -> None:
    def padded(size: int) -> bytes:
        return line_of(messageId="m1", pad="").replace(b'""', b'"' + b"x" * size + b'"')

    bare = outcome_of(padded(0), job_for("segment"))
    assert isinstance(bare, Mapped)
    room = 32_768 - len(bare.body)

    assert isinstance(outcome_of(padded(room), job_for("segment")), Mapped)
    assert str(outcome_of(padded(room + 1), job_for("segment"))) == (
        "larger than the 32,768 bytes that segment takes"
    )


def test_plug_ins_are_looked_for_once_and_for_one_of_the_catalog_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []

    def entry_points(**wanted: object) -> tuple[()]:
        asked.append(wanted)
        return ()

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    # A path that no other test has: what was found on another one does not count.
    monkeypatch.syspath_prepend("/no/such/folder/of-plug-ins")

    assert destinations.named_destination("braze").name == "braze"
    assert asked == []
    assert destinations.names() == destinations.names()
    assert asked == [{"group": "segcli.destinations"}]
