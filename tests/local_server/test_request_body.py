"""The body of a request is decompressed up to a limit, or refused."""

import asyncio
import gzip
from typing import Any

import pytest
from support.fakes import play
from support.tables import for_each

from segcli.local_server.http_reply import Refusal
from segcli.local_server.request_body import Uploads, decompressed


@pytest.mark.parametrize(("seconds", "is_received"), [(29, True), (31, False)])
def test_each_part_of_a_body_may_take_as_long_as_the_patience(
    seconds: float, is_received: bool
) -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(seconds if len(left) < 5 else 0)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    left = [b"1", b"2", b"3", b"4", b"5"]
    uploads = Uploads(patience=30)
    found = play(uploads.received(receive))

    if is_received:
        assert found == b"12345"
    else:
        assert isinstance(found, Refusal)
        assert found.status == 408
        assert found.problem == "the rest of the body did not come for 30 seconds"
    assert uploads.held == 0


@for_each(
    ("body", "encoding", "status"),
    [
        (gzip.compress(b"{}", mtime=0), b"br", 415),
        (b"{}", b"gzip", 400),
        (gzip.compress(b"{}", mtime=0)[:-1], b"gzip", 400),
        (gzip.compress(b"{}", mtime=0) * 2, b"gzip", 400),
        (b"", b"gzip", 400),
        (gzip.compress(b"{" + b" " * 100 + b"}", mtime=0), b"gzip", 413),
    ],
)
def test_undecodable_body_is_refused(body: bytes, encoding: bytes, status: int) -> None:
    found = decompressed(body, {b"content-encoding": encoding}, most=100)

    assert isinstance(found, Refusal)
    assert found.status == status


@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip", b" GZIP "])
def test_decompressed_body_may_be_as_large_as_the_limit(encoding: bytes) -> None:
    body = b" " * 100

    assert decompressed(gzip.compress(body), {b"content-encoding": encoding}, most=100) == body
    assert decompressed(body, {}, most=100) == body
    assert decompressed(body, {b"content-encoding": b"identity"}, most=100) == body
