"""Every kind of reply means the same with each transport, and no request is sent twice."""

import asyncio
import ssl
from collections import Counter
from contextlib import ExitStack

import pytest
from support.reply_kinds import BEHIND, KINDS, AfterReply, ReplyKind, found_in, talk_of
from support.wires import Call, over, replies_to, socket_server

from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http import transports
from segcli.http.client import NoReply, Post
from segcli.http.transports import TRANSPORTS

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)

ENDING = [kind for kind in KINDS if kind.then is not AfterReply.HOLD]
ENDLESS = [kind for kind in KINDS if kind.then is AfterReply.HOLD]
# What comes late, behind a reply, may come behind the next request too.
IN_STEPS = [kind for kind in ENDING if kind not in BEHIND and len(kind.says) < 500]


@pytest.fixture(autouse=True)
def _without_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load none: that takes longer than the rest, and nothing here goes over TLS."""
    monkeypatch.setattr(
        transports, "_new_tls_context", lambda _network: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )


def test_the_table_names_each_kind_once_and_gives_reasons(transport: str) -> None:
    assert len(KINDS) >= 60
    assert not [name for name, count in Counter(kind.name for kind in KINDS).items() if count > 1]
    assert all(bool(kind.over_httpx) == bool(kind.why) for kind in KINDS)
    # No kind is delivered over one transport, and sent again over the other.
    assert all(kind.verdict.split()[0] == kind.over("httpx").split()[0] for kind in KINDS)
    assert transport in TRANSPORTS


@pytest.mark.parametrize("kind", ENDING, ids=lambda kind: kind.name)
def test_each_kind_of_reply_has_the_verdict_of_the_table(transport: str, kind: ReplyKind) -> None:
    opened: list[Call] = []
    with socket_server(talk_of(kind, opened=opened)) as wire:
        requests = [Request(wire.url, b"1"), Request(wire.url, b"2")]
        found = replies_to(transport, *requests, timeout=30.0)
        got = [text[-1:] for text in wire.got]

    if kind.then in {AfterReply.CLOSE, AfterReply.RESET}:
        # The second may go out before it is seen that the connection was closed behind the first.
        assert got[:1] == [b"1"]
        assert got in ([b"1"], [b"1", b"2"])
        assert [found_in(reply) for reply in found[: len(got)]] == [kind.over(transport)] * len(got)
        return
    assert [found_in(reply) for reply in found] == [kind.over(transport)] * 2, found
    assert got == [b"1", b"2"]
    if kind.is_last:
        assert len(opened) == 2


def test_endless_replies_have_the_verdicts_of_the_table(transport: str) -> None:
    async def story(post: Post) -> list[Reply | NoReply]:
        return await asyncio.gather(*(post(Request(wire.url, b"1")) for wire in wires))

    with ExitStack() as stack:
        wires = [stack.enter_context(socket_server(talk_of(kind))) for kind in ENDLESS]
        found = over(transport, story, timeout=30.0, silent=wires)
        got = [len(wire.got) for wire in wires]

    named = {kind.name: found_in(reply) for kind, reply in zip(ENDLESS, found, strict=True)}
    assert named == {kind.name: kind.over(transport) for kind in ENDLESS}
    assert got == [1] * len(ENDLESS)


@pytest.mark.parametrize("step", [1, 7])
def test_reply_means_the_same_in_pieces_of_any_size(transport: str, step: int) -> None:
    async def story(post: Post) -> list[Reply | NoReply]:
        return [await post(Request(wire.url, b"1")) for wire in wires]

    with ExitStack() as stack:
        wires = [stack.enter_context(socket_server(talk_of(kind, step=step))) for kind in IN_STEPS]
        found = over(transport, story, timeout=30.0)

    named = {kind.name: found_in(reply) for kind, reply in zip(IN_STEPS, found, strict=True)}
    assert named == {kind.name: kind.over(transport) for kind in IN_STEPS}
