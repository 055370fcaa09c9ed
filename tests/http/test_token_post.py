"""Requests with an access token: fetched once, renewed, and never in what comes back."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from support.fakes import clock, play

from segcli.core.destination import Request
from segcli.core.redaction import Redactor
from segcli.core.reply import Reply
from segcli.errors import Stopped
from segcli.http.client import NoReply
from segcli.http.token_post import TokenPost

TOKENS = "https://auth.example/token"
CALL = Request("https://api.example/v1", b"{}", {"X": "1", "authorization": "old"})
SECRET = "the-secret-of-the-client"


class TokenVendor:
    """A vendor whose tokens end after some seconds, and what it got."""

    def __init__(self, seconds: float | None = 3600, **more: Any) -> None:
        self.seconds = seconds
        self.more = more
        self.fetched: list[float] = []
        self.refreshes: list[str] = []
        self.used: list[str] = []
        self.valid: set[str] = set()
        self.waits: list[tuple[int, int]] = []
        self.is_lost = False
        self.answer: Callable[[], Reply | NoReply] | None = None

    async def post(self, request: Request) -> Reply | NoReply:
        await asyncio.sleep(1)
        if request.url != TOKENS:
            token = request.headers["Authorization"].removeprefix("Bearer ")
            assert [name for name in request.headers if name.lower() == "authorization"] == [
                "Authorization"
            ]
            self.used.append(token)
            echo = json.dumps({"echo": request.headers["Authorization"]}).encode()
            return Reply(200 if token in self.valid else 401, {"x-request-id": token}, echo)
        self.fetched.append(clock())
        self.refreshes.append(request.body.decode())
        if self.answer:
            return self.answer()
        token = f"access-token-{len(self.fetched)}"
        self.valid.add(token)
        times = {} if self.seconds is None else {"expires_in": self.seconds}
        return Reply(200, {}, json.dumps({"access_token": token} | times | self.more).encode())

    async def before_send(self) -> None:
        self.waits.append((len(self.fetched), len(self.used)))
        if self.is_lost:
            raise Stopped("taken over", "")

    def client(self) -> TokenPost:
        return TokenPost(
            self.post,
            lambda refresh: Request(TOKENS, refresh.encode()),
            setting="client_secret",
            redactor=Redactor([SECRET]),
            before_send=self.before_send,
            now=clock,
        )


def test_all_callers_share_one_token() -> None:
    vendor = TokenVendor()

    async def story() -> list[Any]:
        post = vendor.client()
        return await asyncio.gather(*(post(CALL) for _ in range(20)), post(CALL))

    assert {reply.status for reply in play(story())} == {200}
    assert len(vendor.fetched) == 1
    assert vendor.used == ["access-token-1"] * 21


@pytest.mark.parametrize(("seconds", "renewed"), [(3600, 3540), (100, 90), (None, None)])
def test_token_is_renewed_before_it_ends(seconds: float | None, renewed: float | None) -> None:
    vendor = TokenVendor(seconds)

    async def story() -> None:
        post = vendor.client()
        await post(CALL)
        begin = vendor.fetched[0]
        await asyncio.sleep(begin + (renewed or 1e6) - 1 - clock())
        await post(CALL)
        assert vendor.used[-1] == "access-token-1"
        await post(CALL)

    play(story())
    assert vendor.used[-1] == ("access-token-2" if renewed else "access-token-1")


def test_a_401_renews_the_token_once_for_all_callers() -> None:
    vendor = TokenVendor()

    async def story() -> list[Any]:
        post = vendor.client()
        await post(CALL)
        vendor.valid.clear()
        return await asyncio.gather(*(post(CALL) for _ in range(10)))

    assert {reply.status for reply in play(story())} == {200}
    assert len(vendor.fetched) == 2
    assert vendor.used == ["access-token-1"] * 11 + ["access-token-2"] * 10


def test_what_waited_for_a_token_is_sent_only_if_the_run_may_still_send() -> None:
    vendor = TokenVendor()

    async def story() -> None:
        post = vendor.client()
        await post(CALL)
        await post(CALL)
        assert vendor.waits == [(1, 0)], "after the token, before the request"
        vendor.valid.clear()
        await post(CALL)
        assert vendor.waits == [(1, 0), (2, 3)]
        vendor.valid.clear()
        vendor.is_lost = True
        with pytest.raises(Stopped):
            await post(CALL)
        with pytest.raises(Stopped):
            await vendor.client()(CALL)

    play(story())
    assert vendor.used == ["access-token-1"] * 3 + ["access-token-2"] * 2


def test_a_401_with_a_new_token_is_the_answer() -> None:
    vendor = TokenVendor()

    async def story() -> Any:
        vendor.valid = frozenset()  # type: ignore[assignment]  # nothing is ever valid
        vendor.answer = lambda: Reply(200, {}, b'{"access_token": "no-good-token"}')
        return await vendor.client()(CALL)

    assert play(story()).status == 401
    assert (len(vendor.fetched), len(vendor.used)) == (2, 2)


def test_the_refresh_token_that_came_last_is_used() -> None:
    vendor = TokenVendor(refresh_token="rotated-refresh-token")

    async def story() -> None:
        post = vendor.client()
        await post(CALL)
        vendor.valid.clear()
        await post(CALL)

    play(story())
    assert vendor.refreshes == ["", "rotated-refresh-token"]


def test_no_reply_holds_the_token() -> None:
    vendor = TokenVendor()

    async def story() -> Any:
        return await vendor.client()(CALL)

    reply = play(story())
    assert json.loads(reply.body) == {"echo": "Bearer ***"}
    assert reply.headers["x-request-id"] == "***"
    assert "access-token" not in repr(vendor.client())


ERROR = f'{{"error": "invalid_client", "echo": "{SECRET}"}}'.encode()


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        (
            Reply(400, {}, ERROR),
            NoReply(
                'the token address answered HTTP 400: {"error":"invalid_client","echo":"***"}',
                final=True,
                setting="client_secret",
            ),
        ),
        (
            Reply(200, {}, b'{"token": "t"}'),
            NoReply(
                "the token address answered HTTP 200, but without an access_token",
                final=True,
                setting="token_url",
            ),
        ),
        (
            Reply(503, {"retry-after": "7"}),
            NoReply("the token address answered HTTP 503", after=7.0),
        ),
        (
            Reply(200, {}, b"{", "a body that broke off"),
            NoReply("the token address answered HTTP 200, but a body that broke off"),
        ),
        (NoReply("no answer within 30 s"), NoReply("no token: no answer within 30 s")),
    ],
    ids=["refused", "no token", "busy", "broken", "no reply"],
)
def test_without_a_token_nothing_is_sent(answer: Reply | NoReply, means: NoReply) -> None:
    vendor = TokenVendor()
    vendor.answer = lambda: answer

    async def story() -> Any:
        return await vendor.client()(CALL)

    assert play(story()) == means
    assert vendor.used == []


@pytest.mark.parametrize("token", ["", "a\r\nX: 1", "é", 5, None, ["a"]])
def test_what_is_no_token_is_never_a_header(token: Any) -> None:
    vendor = TokenVendor()
    vendor.answer = lambda: Reply(200, {}, json.dumps({"access_token": token}).encode())

    async def story() -> Any:
        return await vendor.client()(CALL)

    assert isinstance(play(story()), NoReply)
