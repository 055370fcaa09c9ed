"""The sandbox for Segment accepts what Segment's own clients send."""

import base64
import gzip
import json
from typing import Any

import httpx
import pytest

from segcli.local_server.segment_api import ROUTES
from segcli.sandbox import SandboxServer, Script

KEY = Script().key
BASIC = {"Authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()}
# As the client for Python sends it.
TRACK = {
    "integrations": {},
    "anonymousId": None,
    "properties": {"total": 12.5},
    "timestamp": "2026-02-03T10:11:12.123+00:00",
    "context": {"library": {"name": "analytics-python", "version": "2.3.4"}},
    "userId": "u1",
    "type": "track",
    "event": "Order Completed",
    "messageId": "3f1f8a54-7c8f-4a3d-9d2f-3a1f1c1d2e3f",
}
BATCH = {"batch": [TRACK], "sentAt": "2026-02-03T10:11:13.123456+00:00", "writeKey": KEY}


def body_for(route: str) -> dict[str, Any]:
    if ROUTES[route] == "batch":
        return BATCH
    return {**TRACK, "type": ROUTES[route], "writeKey": KEY, "sentAt": BATCH["sentAt"]}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("route", ROUTES)
def test_every_route_accepts_requests_of_clients(
    route: str, slash: str, client: httpx.Client, sandbox: SandboxServer
) -> None:
    url = f"{sandbox.url}/segment{route}{slash}"

    for headers in (BASIC, {}):
        reply = client.post(url, json=body_for(route), headers=headers)
        assert (reply.status_code, reply.json()) == (200, {"success": True})


@pytest.mark.parametrize(
    "changes",
    [
        {"context": {"ip": "1.2.3.4"}, "integrations": {"All": True}},
        {"events": []},
        {"batch": [TRACK | {"messageId": None, "sentAt": BATCH["sentAt"], "writeKey": KEY}]},
        {"batch": [TRACK | {"originalTimestamp": TRACK["timestamp"]}]},
    ],
)
def test_client_may_send_fields_that_a_replay_may_not(
    changes: dict[str, Any], client: httpx.Client, sandbox: SandboxServer
) -> None:
    url, replay = sandbox.endpoint("segment") + "/batch", BASIC | {"User-Agent": "segcli/1.0"}

    assert client.post(url, json=BATCH | changes).status_code == 200
    assert client.post(url, json=BATCH | changes, headers=replay).status_code == 400


@pytest.mark.parametrize("key", ["wrong", None, 7, [KEY]])
def test_a_wrong_key_in_the_body_is_401(
    key: object, client: httpx.Client, sandbox: SandboxServer
) -> None:
    url = sandbox.endpoint("segment") + "/batch"

    assert client.post(url, json=BATCH | {"writeKey": key}).status_code == 401
    assert client.post(url, json=BATCH, headers={"Authorization": "Basic eDo="}).status_code == 401


def test_plain_text_from_a_page_is_accepted(client: httpx.Client, sandbox: SandboxServer) -> None:
    reply = client.post(
        sandbox.endpoint("segment") + "/t",
        content=json.dumps(body_for("/v1/t")),
        headers={"Content-Type": "text/plain"},
    )

    assert reply.status_code == 200


def test_gzip_batch_is_decompressed_and_limited_by_its_size(
    client: httpx.Client, sandbox: SandboxServer
) -> None:
    def post(body: dict[str, Any]) -> httpx.Response:
        packed = gzip.compress(json.dumps(body).encode())
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return client.post(sandbox.endpoint("segment") + "/batch", content=packed, headers=headers)

    assert post(BATCH).status_code == 200
    assert sandbox.app.accepted[-1].payload == TRACK
    large = post(BATCH | {"context": {"text": "x" * 600_000}})
    assert (large.status_code, "500,000" in large.text) == (400, True)
    bomb = post(BATCH | {"context": {"text": "x" * 20_000_000}})
    assert (bomb.status_code, "decompressed" in bomb.text) == (413, True)
