"""The sandbox accepts what a destination file describes, and nothing else."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from support.destination_file import acme, job_of

from segcli import Partial, Reply
from segcli.sandbox import DEFAULT_KEY, Fault, SandboxServer, Script, running
from segcli.sandbox.vendors.from_file import vendor_from_layout

SANDBOX = DEFAULT_KEY
JSON_TYPE = {"Content-Type": "application/json"}
BEARER = JSON_TYPE | {"Authorization": f"Bearer {SANDBOX}"}
WRAPPED = {
    "request.url": "https://{settings.region}.acme.example/p/{settings.project}{route}?v=2",
    "request.headers": {"X-Region": "{settings.region}"},
    "settings.region": {"default": "eu"},
    "settings.project": {"required": True},
    "settings.n": {"default": 7},
    "actions.0.route": "/events",
    "batch": {
        "events": 3, "bytes": 200, "under": "batch",
        "with": {"key": "{settings.api_key}", "n": "{settings.n}", "from": "segcli", "a": [1.5]},
    },
    "limits.payload_bytes": 40,
}  # fmt: skip
BODY = {"key": SANDBOX, "n": 9, "from": "segcli", "a": [1.5], "batch": [{"a": 1}]}

Post = Callable[..., httpx.Response]


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with running(Script(remember=True)) as sandbox:
        yield sandbox


@pytest.fixture
def post(client: httpx.Client, sandbox: SandboxServer) -> Post:
    def post(changes: dict[str, Any], path: str, body: Any, **more: Any) -> httpx.Response:
        layout = acme(changes).layout
        assert layout
        sandbox.app.host("acme", vendor_from_layout(layout))
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        method, headers = more.get("method", "POST"), more.get("headers", BEARER)
        url = sandbox.endpoint("acme") + path
        return client.request(method, url, content=content, headers=headers)

    return post


def test_sandbox_accepts_the_requests_of_send(client: httpx.Client, sandbox: SandboxServer) -> None:
    for changes in ({}, WRAPPED, {"batch": {"events": 2}}):
        destination = acme(changes)
        assert destination.layout
        sandbox.app.host("acme", vendor_from_layout(destination.layout))
        given = {"project": "a/b c%2F"} if changes is WRAPPED else {}
        job = job_of(destination, api_key=SANDBOX, endpoint=sandbox.endpoint("acme"), **given)
        count = destination.events_per_request("/events", job.settings)
        bodies = [b'{"n":%d}' % number for number in range(count)]
        request = destination.request("/events", bodies, job.settings)
        before = len(sandbox.app.accepted)
        found = client.request(
            request.method, request.url, content=request.body, headers=dict(request.headers)
        )

        assert found.status_code == 200, found.text
        assert [one.payload for one in sandbox.app.accepted[before:]] == [
            {"n": number} for number in range(count)
        ]


def test_method_and_route_come_from_the_file(post: Post) -> None:
    assert post({}, "/v1/track", {}).status_code == 200
    assert post({}, "/v1/track", {}, method="PUT").status_code == 405
    assert post({"request.method": "PUT"}, "/v1/track", {}, method="PUT").status_code == 200
    other = post({}, "/v1/other", {})
    assert (other.status_code, "known are /v1/track" in other.text) == (404, True)


WRONG_KEYS: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"bearer": "{settings.api_key}"}, {}),
    ({"bearer": "{settings.api_key}"}, {"Authorization": "Bearer wrong"}),
    ({"bearer": "{settings.api_key}"}, {"Authorization": f"Basic {SANDBOX}"}),
    ({"bearer": "{settings.api_key}"}, {"Authorization": SANDBOX}),
    ({"basic": "api:{settings.api_key}"}, {"Authorization": "Basic no-base64"}),
    ({"basic": "api:{settings.api_key}"},
     {"Authorization": f"Basic {base64.b64encode(f'other:{SANDBOX}'.encode()).decode()}"}),
    ({"basic": "api:{settings.api_key}"},
     {"Authorization": f"Basic {base64.b64encode(b'api:wrong').decode()}"}),
    ({"header": "X-Key", "key": "{settings.api_key}"}, {"X-Key": "wrong"}),
    ({"header": "X-Key", "key": "{settings.api_key}"}, {"Authorization": f"Bearer {SANDBOX}"}),
]  # fmt: skip


@pytest.mark.parametrize(("auth", "headers"), WRONG_KEYS, ids=str)
def test_a_wrong_key_is_401(auth: dict[str, str], headers: dict[str, str], post: Post) -> None:
    assert (
        post({"request.auth": auth}, "/v1/track", {}, headers=JSON_TYPE | headers).status_code
        == 401
    )


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        ({"basic": "{settings.site}:{settings.api_key}"},
         {"Authorization": f"Basic {base64.b64encode(f'any site:{SANDBOX}'.encode()).decode()}"}),
        ({"header": "X-Key", "key": "Key {settings.api_key}"}, {"x-key": f"Key {SANDBOX}"}),
    ],
    ids=["basic", "header"],
)  # fmt: skip
def test_non_secret_parts_of_the_credentials_may_be_anything(
    auth: dict[str, str], headers: dict[str, str], post: Post
) -> None:
    site = {"settings.site": {"required": True}} if "basic" in auth else {}
    reply = post({"request.auth": auth} | site, "/v1/track", {}, headers=JSON_TYPE | headers)

    assert reply.status_code == 200


HEADERS = BEARER | {"X-Region": "us"}
Flaw = tuple[str, Any, dict[str, str], int, str]
FLAWS: list[Flaw] = [
    ("/p/1/events?v=3", BODY, HEADERS, 400, "the query must be ?v=2"),
    ("/p/1/2/events?v=2", BODY, HEADERS, 404, "no such route"),
    ("/p//events?v=2", BODY, HEADERS, 404, "no such route"),
    ("/p/1/events?v=2", BODY, BEARER, 400, "the header x-region must be {settings.region}"),
    ("/p/1/events?v=2", BODY, HEADERS | {"Content-Type": "text/plain"}, 400, "content-type must"),
    ("/p/1/events?v=2", b"{", HEADERS, 400, "the body is not JSON"),
    ("/p/1/events?v=2", [], HEADERS, 400, "the body must be an object"),
    ("/p/1/events?v=2", BODY | {"more": 1}, HEADERS, 400, "more is not a known field"),
    ("/p/1/events?v=2", BODY | {"key": "wrong"}, HEADERS, 401, "key must be what the file says"),
    ("/p/1/events?v=2", BODY | {"from": "x"}, HEADERS, 400, "from must be what the file says"),
    ("/p/1/events?v=2", BODY | {"n": [7]}, HEADERS, 400, "n must be what the file says"),
    ("/p/1/events?v=2", BODY | {"a": [2.5]}, HEADERS, 400, "a must be what the file says"),
    ("/p/1/events?v=2", {k: v for k, v in BODY.items() if k != "n"}, HEADERS, 400, "n is missing"),
    ("/p/1/events?v=2", BODY | {"batch": []}, HEADERS, 400, "an array of 1 to 3 events"),
    ("/p/1/events?v=2", BODY | {"batch": [{}] * 4}, HEADERS, 400, "an array of 1 to 3 events"),
    ("/p/1/events?v=2", BODY | {"batch": [{}, 1]}, HEADERS, 400, "batch[1] must be an object"),
    ("/p/1/events?v=2", BODY | {"batch": [{"a": "x" * 40}]}, HEADERS, 413, "at most 40 bytes"),
    ("/p/1/events?v=2", BODY | {"batch": [{"a": "x" * 200}]}, HEADERS, 413, "at most 200 bytes"),
]  # fmt: skip


@pytest.mark.parametrize("flaw", FLAWS, ids=[flaw[4] for flaw in FLAWS])
def test_request_that_the_file_does_not_describe_is_refused(
    flaw: Flaw, post: Post, sandbox: SandboxServer
) -> None:
    path, body, headers, status, words = flaw
    reply = post(WRAPPED, path, body, headers=headers)

    assert (reply.status_code, words in reply.text) == (status, True), reply.text
    assert sandbox.app.accepted == []
    assert post(WRAPPED, "/p/1/events?v=2", BODY, headers=HEADERS).status_code == 200


def test_an_event_that_does_not_fit_its_fields_is_refused(post: Post) -> None:
    changes = {"actions.0.fields": {"name": "string required", "n": "number"}}

    for body, words in (
        ({"n": 1}, "event 0: name is missing"),
        ({"name": "x", "n": "y"}, "event 0: n must be a number, not a text"),
        ({"name": "x", "n": "1"}, "event 0: it has values that its fields do not allow"),
    ):
        reply = post(changes, "/v1/track", body)
        assert (reply.status_code, words in reply.text) == (400, True), reply.text
    assert post(changes, "/v1/track", {"name": "x", "n": 1.5}).status_code == 200
    assert post({}, "/v1/track", {"n": "y"}).status_code == 200


def test_two_actions_with_the_same_address_are_distinguished(
    post: Post, sandbox: SandboxServer
) -> None:
    changes = {
        "request.url": "https://api.acme.example{route}",
        "actions.0": {"subscribe": 'type = "track"', "mapping": {}, "route": "/u#e",
                      "batch": {"events": 5, "under": "events"}},
        "actions.1": {"subscribe": 'type = "identify"', "mapping": {}, "route": "/u#a",
                      "batch": {"events": 1, "under": "attributes"}},
    }  # fmt: skip

    assert post(changes, "/u", {"events": [{}, {}]}).status_code == 200
    assert post(changes, "/u", {"attributes": [{}]}).status_code == 200
    assert post(changes, "/u", {"attributes": [{}, {}]}).status_code == 400
    assert post(changes, "/u", {"other": []}).status_code == 400
    alone = {"subscribe": 'type = "page"', "mapping": {}, "route": "/u#p"}
    assert post(changes | {"actions.2": alone}, "/u", {"other": []}).status_code == 200
    assert sandbox.app.counts()["vendors"]["acme"]["by_route"] == {"/u": 4}


FORMS: list[tuple[dict[str, Any], int]] = [
    ({"list": "errors", "index": "at.item", "reason": "why"}, 207),
    ({"index": "i", "status": "s"}, 207),
    ({"list": "a.results", "status": "s"}, 207),
    ({"index": "i", "status": "error.code", "reason": "error"}, 207),
    ({"index": "i", "status": "error", "reason": "error"}, 207),
    ({"list": "failed", "index": "i", "replies": [400]}, 400),
    ({"list": "failed", "index": "i", "replies": [200, 207]}, 207),
    ({"list": "e", "index": "at.text", "index_text": "/data/{index}"}, 207),
    ({"list": "e", "index": "i", "retry_flag": "again"}, 207),
    ({"indexes": ["bad"], "retry_indexes": ["a.busy"], "replies": [400]}, 400),
    ({"indexes": ["bad"]}, 207),
]


@pytest.mark.parametrize(("items", "status"), FORMS, ids=str)
def test_item_faults_are_reported_in_the_form_of_the_file(
    items: dict[str, Any], status: int, client: httpx.Client
) -> None:
    destination = acme({"batch": {"events": 500}, "reply": {"items": items}})
    assert destination.layout
    script = Script(remember=True, seed=3, faults=(Fault("item", 0.2),))
    with running(script) as sandbox:
        sandbox.app.host("acme", vendor_from_layout(destination.layout))
        body = json.dumps([{"n": number} for number in range(500)]).encode()
        url = sandbox.endpoint("acme") + "/v1/track"
        reply = client.post(url, content=body, headers=BEARER)
        verdict = destination.verdict(Reply(reply.status_code, {}, reply.content))
        taken = {one.payload["n"] for one in sandbox.app.accepted}
        faults = sandbox.app.counts()["vendors"]["acme"]["faults"]

    assert reply.status_code == status
    assert isinstance(verdict, Partial)
    failed = verdict.refused.keys() | verdict.retry
    assert taken == set(range(500)) - failed
    assert faults == {"item": len(failed)}
    assert 60 < len(failed) < 140
    assert bool(verdict.retry) == bool({"status", "retry_flag", "retry_indexes"} & items.keys())


def test_an_event_that_others_keep_out_does_not_fail_when_it_is_sent_again(
    client: httpx.Client,
) -> None:
    items = {"indexes": ["bad"], "replies": [400], "unnamed": "retry"}
    destination = acme({"batch": {"events": 500}, "reply": {"items": items}})
    assert destination.layout
    with running(Script(seed=3, faults=(Fault("item", 0.2),))) as sandbox:
        sandbox.app.host("acme", vendor_from_layout(destination.layout))
        url, rest = sandbox.endpoint("acme") + "/v1/track", list(range(500))
        body = json.dumps([{"n": number} for number in rest]).encode()
        [failed] = client.post(url, content=body, headers=BEARER).json()["bad"].values()
        left = [{"n": number} for number in rest if number not in failed]
        again = client.post(url, content=json.dumps(left).encode(), headers=BEARER)
    assert again.status_code == 200
