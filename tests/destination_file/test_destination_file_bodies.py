"""The bodies of a destination file: lines, forms, tables, none, and compressed ones."""

import gzip
import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from support.destination_file import ACME, acme, changed, job_of
from support.fakes import report_in
from support.posted import posted, rejection_of, track
from support.resuming import Segcli
from support.samples import KEY, SAMPLES

from segcli.core.outcome import Mapped, map_event

MAPPING = {
    "actions.0.mapping": {
        "name": {"@path": "$.event"},
        "id": {"@path": "$.userId"},
        "p": {"@path": "$.properties"},
    }
}
TWO = (track(), track(event="F", userId="u2"))
JSON_TWO = b'{"name":"E","id":"u1"},{"name":"F","id":"u2"}'


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_get_and_delete_have_no_body(method: str) -> None:
    [request] = posted(acme(MAPPING | {"request.method": method}), track())

    assert (request.method, request.body) == (method, b"")
    assert "Content-Type" not in request.headers


def test_a_body_for_delete_can_be_asked_for() -> None:
    changes = MAPPING | {"request.method": "DELETE", "request.body": "json"}

    assert posted(acme(changes), track())[0].body == b'{"name":"E","id":"u1"}'


def test_lines_of_json_are_a_batch_without_an_array() -> None:
    [request] = posted(acme(MAPPING | {"request.body": "ndjson", "batch": {"events": 5}}), *TWO)

    assert request.body == b'{"name":"E","id":"u1"}\n{"name":"F","id":"u2"}\n'
    assert request.headers["Content-Type"] == "application/x-ndjson"


def test_bytes_of_lines_are_the_whole_body() -> None:
    changes = MAPPING | {"request.body": "ndjson", "batch": {"events": 5, "bytes": 46}}
    destination = acme(changes)
    [request] = posted(destination, *TWO)

    room = destination.bytes_per_request("/", job_of(destination).settings)
    assert (len(request.body), room) == (46, 45)


def test_the_fields_of_a_form_are_those_of_the_payload() -> None:
    event = track(properties={"a": [1.5, None]}, userId="Ä ~*&=+")
    [request] = posted(acme(MAPPING | {"request.body": "form"}), event)

    assert request.body == b"name=E&id=%C3%84%20~%2A%26%3D%2B&p=%7B%22a%22%3A%5B1.5%2Cnull%5D%7D"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_form_may_have_the_payload_its_fields_and_settings() -> None:
    form = {"data": "{payload}", "api_key": "{settings.api_key}", "who": "{payload.id}",
            "why": "by {payload.name}", "what": "{payload.p}", "no": "{payload.no}"}  # fmt: skip
    [request] = posted(acme(MAPPING | {"request.form": form}), track())

    assert dict(parse_qsl(request.body.decode())) == {
        "data": '{"name":"E","id":"u1"}',
        "api_key": KEY,
        "who": "u1",
        "why": "by E",
    }


def test_an_absent_value_inside_a_text_of_a_form_rejects_the_event() -> None:
    changes = MAPPING | {"request.form": {"a": "x {payload.p.n}"}}

    assert rejection_of(acme(changes)) == "p.n is absent, but the form needs it"
    assert rejection_of(acme(changes), properties={"n": 1}) == ""


def test_a_form_may_have_all_events_of_a_batch_in_one_field() -> None:
    form = {"api_key": "{settings.api_key}", "identification": "{payload}"}
    [request] = posted(acme(MAPPING | {"request.form": form, "batch": {"events": 5}}), *TWO)

    assert dict(parse_qsl(request.body.decode()))["identification"] == f"[{JSON_TWO.decode()}]"


def test_a_compressed_body_is_the_same_body() -> None:
    changes = MAPPING | {"request.compression": "gzip", "batch": {"events": 5}}
    [request] = posted(acme(changes), *TWO)

    assert gzip.decompress(request.body) == b"[" + JSON_TWO + b"]"
    assert request.headers["Content-Encoding"] == "gzip"
    assert posted(acme(changes), *TWO)[0].body == request.body


def test_a_table_as_the_body_is_filled_in_for_each_payload() -> None:
    body = {
        "key": "{settings.api_key}", "on": "{settings.on}", "user": "{payload.id}",
        "all": "{payload}", "text": "{payload.name} of {payload.id}", "none": "{payload.x.y}",
        "list": ["{payload.x}", 1], "deep": {"at": {"@epoch": {"value": {"@path": "$.p.at"}}}},
    }  # fmt: skip
    changes = MAPPING | {"request.body": body, "settings.on": {"default": True}}
    [request] = posted(acme(changes), track(properties={"at": "1970-01-01T00:01:00Z"}))

    assert json.loads(request.body) == {
        "key": KEY, "on": True, "user": "u1",
        "all": {"name": "E", "id": "u1", "p": {"at": "1970-01-01T00:01:00Z"}},
        "text": "E of u1", "list": [None, 1], "deep": {"at": 60},
    }  # fmt: skip
    shown = map_event(track(), job_of(acme(changes)))
    assert isinstance(shown, Mapped)
    assert json.loads(shown.body)["key"] == "***"


def test_each_payload_of_a_batch_may_be_wrapped_and_the_array_be_deep() -> None:
    batch = {
        "events": 5, "under": "data.attributes.events",
        "with": {"data": {"type": "job", "attributes": {"key": "{settings.api_key}"}}, "v": 2},
        "item": {"type": "event", "attributes": "{payload}"},
    }  # fmt: skip
    [request] = posted(acme(MAPPING | {"batch": batch}), *TWO)

    items = [{"type": "event", "attributes": one} for one in json.loads(b"[" + JSON_TWO + b"]")]
    assert json.loads(request.body) == {
        "data": {"type": "job", "attributes": {"key": KEY, "events": items}}, "v": 2,
    }  # fmt: skip


def test_an_action_may_write_its_body_in_another_way() -> None:
    changes = {
        "request.url": "https://api.acme.example{route}",
        "request.compression": "gzip",
        "batch": {"events": 5},
        "actions.0.route": "/t",
        "actions.1": {"subscribe": 'type = "identify"', "mapping": {"a": 1}, "route": "/i",
                      "form": {"data": "{payload}"}, "compression": "none"},
        "actions.2": {"subscribe": 'type = "group"', "mapping": {"a": 1}, "route": "/g",
                      "method": "DELETE"},
    }  # fmt: skip
    destination = acme(changes)
    settings = job_of(destination).settings
    found = [destination.request(route, [b"{}"], settings) for route in ("/t", "/i", "/g")]

    assert [one.headers.get("Content-Encoding") for one in found] == ["gzip", None, None]
    assert [one.body for one in found[1:]] == [b"data=%5B%7B%7D%5D", b""]
    assert [(one.limits.events, one.form) for one in destination.actions] == [
        (5, "gzip"), (5, "a form"), (1, "without a body"),
    ]  # fmt: skip


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
def test_every_form_of_body_is_sent_and_taken_by_the_sandbox(
    transport: str, segcli: Segcli, tmp_path: Path
) -> None:
    kinds = {
        "track": {"compression": "gzip", "batch": {"events": 7, "by": ["name"]}},
        "identify": {"form": {"data": "{payload}"}, "batch": {"events": 3}},
        "page": {"method": "GET"},
        "screen": {"method": "DELETE"},
        "group": {"body": "ndjson"},
    }
    actions = [
        {"subscribe": f'type = "{kind}"', "route": f"/{kind}/{{payload.id}}", "omit": ["id"],
         "mapping": {"id": {"@template": "{{userId}}-{{anonymousId}}"},
                     "name": {"@path": "$.event"}},
         **more}
        for kind, more in kinds.items()
    ]  # fmt: skip
    changes = {"request.url": "https://api.acme.example{route}?v=1", "actions": actions}
    (tmp_path / "acme.json").write_text(json.dumps(changed(ACME, changes)))
    inputs = [SAMPLES / f"{name}.jsonl" for name in ("checkout", "signup", "all_types", "mobile")]
    said = segcli("send", "--sandbox", "-d", "./acme.json", "--http-transport", transport,
                  "--report", "report.json", "--keep", "kept.jsonl", "-vv", *inputs)  # fmt: skip
    ledger = report_in(tmp_path)["ledger"]

    assert said.code == 0, said.err
    assert ledger["delivered"] > 50
    assert ledger["refused"] == ledger["unsent"] == ledger["rejected"] == 0
    assert ': [{"name":"' in said.err, "a compressed body is logged as it was"
    kept = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text().splitlines()]
    assert len(kept) == ledger["delivered"]
    assert {one["route"].split("/")[1] for one in kept} > {"track", "identify", "page"}
