"""The body of a request is decompressed up to a limit, or refused."""

import gzip

import pytest
from support.tables import for_each

from segcli.local_server.http_reply import Refusal
from segcli.local_server.request_body import decompressed


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
