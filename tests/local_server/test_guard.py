"""A server on this machine knows its own names, and the origins that may use it."""

import pytest
from support.tables import for_each

from segcli.local_server.guard import guard_of, parse_origin


def test_bound_host_is_accepted() -> None:
    guard = guard_of("127.0.0.7", 80)

    assert guard.refusal([(b"host", b"127.0.0.7:80")]) is None
    assert guard.refusal([(b"host", b"127.0.0.7")]) is None
    assert guard.refusal([(b"host", b"127.0.0.8")]) is not None
    assert guard_of("::2", 8765).refusal([(b"host", b"[::2]:8765")]) is None


def test_request_with_two_host_headers_needs_both_to_be_accepted() -> None:
    headers = [(b"host", b"localhost:8765"), (b"host", b"evil.example")]

    assert guard_of("127.0.0.1", 8765).refusal(headers) is not None


@for_each("text", ["localhost:3000", "*", "http://", "http://a/b", "http://é", ""])
def test_invalid_origin_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        parse_origin(text)


def test_origin_is_normalized_as_browsers_send_it() -> None:
    assert parse_origin(" HTTP://LocalHost:3000/ ") == "http://localhost:3000"
