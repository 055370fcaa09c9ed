"""Both transports send an address exactly as httpx does."""

from base64 import b64encode

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from segcli.http.address import headers_to, parse_address
from segcli.http.failure import TransportError

PIECES = (
    *("http://", "HTTPS://", "vendor.example", "münchen.de", "xn--mnchen-3ya.de", "VENDOR"),
    *("1.2.3.4", "1.2.3.999", "[::1]", "[::g]", ":80", ":443", ":8x", "ada:s%40cret@", "@", ":"),
    *("/", "//", "/a b", "/../", "/./", "..", "%7E", "%zz", "%", "?", "?q=ü%2F&x=%20", "#part"),
    *('"', "<", "`", "{", "|", "^", "\\", "~", "\n", "\x7f", "é"),
)


def parts_by_httpx(text: str) -> tuple[str, str, str, str]:
    url = httpx.URL(text)
    assert url.host is not None  # raises for a name that is not encoded as it should be
    return (url.scheme, url.netloc.decode(), url.raw_path.decode(), _basic(url))


def parts_by_us(text: str) -> tuple[str, str, str, str]:
    address = parse_address(text)
    target = httpx.URL(address.url).raw_path.decode()
    return (address.scheme, address.authority, target, address.credentials)


def _basic(url: httpx.URL) -> str:
    words = f"{url.username}:{url.password}".encode()
    return f"Basic {b64encode(words).decode()}" if url.userinfo else ""


@given(
    st.lists(st.sampled_from(PIECES), max_size=7).map(lambda pieces: "http://" + "".join(pieces))
)
@example("http://ada:s%40cret@Vendor.Example:80/a b/../c%7e?q=ü%2F#part")
@example("https://münchen.de:8443?")
@example("http://xn--/")
@example("://vendor.example/")
def test_address_is_parsed_like_httpx(text: str) -> None:
    try:
        expected = parts_by_httpx(text)
    except (httpx.InvalidURL, UnicodeError):
        with pytest.raises((TransportError, UnicodeError)):
            parse_address(text)
    else:
        # Skip addresses without a host: they cannot be requested, and httpx changes them.
        assume(expected[1])
        assert parts_by_us(text) == expected


@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join))
def test_parsed_address_parses_to_itself(text: str) -> None:
    try:
        once = parse_address(f"http://vendor.example/{text}")
    except TransportError:
        return
    assert parse_address(once.url) == once


@pytest.mark.parametrize(
    ("user", "credentials"),
    [
        ("ada:s%40cret", "Basic YWRhOnNAY3JldA=="),
        ("ada", "Basic YWRhOg=="),
        ("jürgen:x", "Basic asO8cmdlbjp4"),
    ],
)
def test_user_of_an_address_becomes_basic_credentials(user: str, credentials: str) -> None:
    address = parse_address(f"http://{user}@vendor.example/a")

    assert address.credentials == credentials
    assert address.url == "http://vendor.example/a"


def test_a_header_that_is_not_ascii_is_refused() -> None:
    address = parse_address("http://vendor.example/")

    with pytest.raises(UnicodeError):
        headers_to(address, [("X-Label", "é")])
