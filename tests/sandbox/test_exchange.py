"""Who watches a sandbox sees each request and its reply, without keys."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from support.tables import for_each

from segcli.sandbox import Exchange, SandboxServer, Script, parse_fault, running
from segcli.sandbox.exchange import user_of

KEY = "key-of-a-test-0123"
Watched = Callable[..., tuple[SandboxServer, list[Exchange]]]


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Start a sandbox, and list what it exchanges."""
    with ExitStack() as stack:

        def start(**script: Any) -> tuple[SandboxServer, list[Exchange]]:
            server = stack.enter_context(running(Script(key=KEY, **script)))
            seen: list[Exchange] = []
            server.app.watch = seen.append
            return server, seen

        yield start


def post(server: SandboxServer, vendor: str, path: str, value: Any, key: str = KEY) -> int:
    headers = {"authorization": f"Bearer {key}"}
    url = f"{server.endpoint(vendor)}{path}"
    return httpx.post(url, json=value, headers=headers, timeout=20, verify=False).status_code


def test_an_accepted_request_has_its_user_and_its_verdict(watched: Watched) -> None:
    server, seen = watched()
    assert post(server, "gist", "/contacts", {"user_id": "u7", "email": "a@b.c"}) == 200
    server.app.watch = None
    post(server, "gist", "/contacts", {"user_id": "u8", "email": "a@b.c"})

    (one,) = seen
    assert (one.vendor, one.method, one.route, one.status) == ("gist", "POST", "/contacts", 200)
    assert [(item.user, item.status) for item in one.items] == [("u7", 200)]
    assert b'"user_id":"u7"' in one.body
    assert one.headers["authorization"] == "***"
    assert one.fault == ""


def test_no_exchange_holds_a_key(watched: Watched) -> None:
    server, seen = watched()
    post(server, "gist", "/contacts", {"user_id": KEY, "email": "a@b.c"})
    post(server, "gist", "/contacts", {"user_id": "u"}, key="another-key-9876")
    post(server, "gist", f"/{KEY}", {})
    server.app.watch = None

    assert len(seen) == 3
    assert KEY not in repr(seen)
    assert "another-key-9876" not in repr(seen)


def test_a_refused_request_has_the_user_of_its_body(watched: Watched) -> None:
    server, seen = watched(faults=(parse_fault("503:100%"),))
    assert post(server, "gist", "/contacts", {"user_id": "u7"}) == 503

    assert [(one.status, one.fault, one.user, list(one.items)) for one in seen] == [
        (503, "503", "u7", [])
    ]


def test_a_reset_has_no_status(watched: Watched) -> None:
    server, seen = watched(faults=(parse_fault("reset:100%"),))
    with pytest.raises(httpx.HTTPError):
        post(server, "gist", "/contacts", {"user_id": "u7", "email": "a@b.c"})

    assert [one.status for one in seen] == [None]
    assert seen[0].fault.startswith("reset")


def test_another_script_is_played_from_the_next_request_on(watched: Watched) -> None:
    server, seen = watched(faults=(parse_fault("503:100%"),))
    contact = {"user_id": "u", "email": "a@b.c"}
    post(server, "gist", "/contacts", contact)
    server.app.play(Script(key=KEY))
    post(server, "gist", "/contacts", contact)

    assert [one.status for one in seen] == [503, 200]


@for_each(
    "case",
    [
        ({"userId": "a", "email": "b"}, "a"),
        ({"actors": {"customer": {"userId": "a"}}}, "a"),
        ({"anonymousId": "x", "deep": {"user_id": 7}}, "7"),
        ({"email": "a@b.c"}, "a@b.c"),
        ([{"user": "z"}], "z"),
        ({"user": {"email": "e"}}, "e"),
        ({"userId": True}, ""),
        ({}, ""),
        (None, ""),
        ("text", ""),
    ],
)
def test_user_of_a_payload_is_found_wherever_it_stands(case: tuple[Any, str]) -> None:
    payload, user = case

    assert user_of(payload) == user
