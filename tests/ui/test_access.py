"""Only this machine, the page's own origin and who has the token may use the page."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from support.fakes import tracks, write_events
from support.pages import AT, PORT, TOKEN, Page, page_of
from support.tables import for_each

from segcli.ui.access import MAX_POST_BYTES, new_token


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    events = write_events(tmp_path_factory.mktemp("page") / "events.jsonl", tracks(3))
    with page_of(events) as page:
        yield page


PATHS = ["", "api/state", "api/events?first=0", "api/live", "static/app.js", "api/run"]


@for_each("path", PATHS)
def test_nothing_is_answered_without_the_token(page: Page, path: str) -> None:
    for start in ("", f"{TOKEN[:-1]}/", f"{TOKEN}x/", "token/", "%00/", f"static/{TOKEN}/"):
        response = page.client.request("GET", f"{AT}/{start}{path}")
        assert response.status_code == 404, start
        assert b"userId" not in response.content


@for_each("path", ["api/save", "api/edit", "api/send", "api/reset", "api/report"])
def test_nothing_is_changed_without_the_token(page: Page, path: str) -> None:
    assert page.client.request("POST", f"{AT}/{path}", json={}).status_code == 404


@for_each("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1:1", "localhost", ""])
def test_other_hosts_are_refused_also_with_the_token(page: Page, host: str) -> None:
    assert page.client.request("GET", f"/{TOKEN}/", headers={"host": host}).status_code == 421


@for_each(
    "origin", ["http://evil.example", "null", f"https://127.0.0.1:{PORT}", "http://127.0.0.1:1"]
)
def test_other_origins_are_refused_also_with_the_token(page: Page, origin: str) -> None:
    headers = {"origin": origin}
    assert page.client.request("GET", f"/{TOKEN}/api/state", headers=headers).status_code == 403
    assert page.client.request("POST", f"/{TOKEN}/api/reset", headers=headers).status_code == 403


@for_each("name", ["127.0.0.1", "localhost", "[::1]"])
def test_own_origin_and_host_are_accepted(page: Page, name: str) -> None:
    headers = {"origin": f"http://{name}:{PORT}", "host": f"{name}:{PORT}"}
    response = page.client.request("GET", f"/{TOKEN}/api/state", headers=headers)

    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


def test_every_answer_forbids_scripts_and_connections_from_elsewhere(page: Page) -> None:
    for path in (f"{TOKEN}/", f"{TOKEN}/api/state", f"{TOKEN}/static/app.js", "", f"{TOKEN}/none"):
        headers = page.client.request("GET", f"/{path}").headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_only_known_files_are_served(page: Page) -> None:
    for name in ("../routes.py", "..%2froutes.py", "routes.py", "%2e%2e/__init__.py", "app.html"):
        assert page.client.request("GET", f"/{TOKEN}/static/{name}").status_code == 404, name


def test_uploads_are_bounded(page: Page) -> None:
    large = b'{"text": "' + b"x" * MAX_POST_BYTES + b'"}'
    response = page.client.request("POST", f"/{TOKEN}/api/edit", content=large)
    assert response.status_code == 413

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MAX_POST_BYTES // 65_536 + 2):
            yield b"y" * 65_536

    assert page.client.request("POST", f"/{TOKEN}/api/report", content=pieces()).status_code == 413


@for_each("body", [b"[]", b"{", b"1", b'{"text": 1}', b'{"text": null}', b"\xff"])
def test_a_request_that_is_no_object_is_a_clear_error(page: Page, body: bytes) -> None:
    response = page.client.request("POST", f"/{TOKEN}/api/search", content=body)

    assert response.status_code == 400
    assert response.json()["problem"]


def test_tokens_cannot_be_guessed() -> None:
    assert len({new_token() for _ in range(100)}) == 100
    assert all(len(new_token()) >= 43 for _ in range(100))


def test_address_without_its_last_slash_leads_to_the_page(page: Page) -> None:
    answer = page.client.request("GET", f"/{TOKEN}")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/{TOKEN}/")


def test_address_for_the_browser_leads_to_the_page_once(page: Page) -> None:
    page.access.once = "once"
    foreign = page.client.request("GET", "/once", headers={"origin": "http://evil.example"})
    first = page.client.request("GET", "/once")
    again = page.client.request("GET", "/once")

    assert foreign.status_code == 403
    assert (first.status_code, first.headers["location"]) == (303, f"/{TOKEN}/")
    assert again.status_code == 404


def test_it_answers_nothing_before_its_address_is_known() -> None:
    from segcli.ui.access import Access

    sent: list[dict[str, object]] = []

    async def never(*_: object) -> None:
        raise AssertionError

    async def send(message: object) -> None:
        sent.append(message)  # type: ignore[arg-type]

    scope = {"type": "http", "method": "GET", "path": f"/{TOKEN}/", "headers": []}
    asyncio.run(Access(never, TOKEN)(scope, never, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 421


def test_page_listens_on_the_loopback_only() -> None:
    from support.pages import page_options

    from segcli.cli.page import setup_of
    from segcli.ui.page_server import page_serving
    from segcli.ui.run_state import RunState

    setup = setup_of(page_options(), ())
    with page_serving(setup, RunState(setup.redactor)) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert len(server.url.split("/")[3]) >= 43
