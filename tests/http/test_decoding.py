"""A body is decoded in pieces, up to its limit, with any codings."""

import gzip
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bombs import SIZE, bomb, encoded, encoded_in
from support.compression import zstd

from segcli.http.decoding import PIECE, BodyDecoder, BodyTooLong, Undecodable

LIMIT = 1024 * 1024
NAMES = {"bare deflate": "deflate"}
CODINGS = ["gzip", "deflate", "bare deflate", "zstd"]


def header(codings: Sequence[str]) -> str:
    return ", ".join(NAMES.get(coding, coding) for coding in codings)


def decoded(content_encoding: str, *chunks: bytes, limit: int = LIMIT) -> bytes:
    decoder = BodyDecoder(content_encoding, limit)
    found = b"".join(piece for chunk in chunks for piece in decoder.pieces(chunk))
    decoder.finish()
    return found


def cut_off(content_encoding: str, body: bytes, limit: int = LIMIT) -> list[bytes]:
    """Return the pieces of a body that is too long."""
    pieces: list[bytes] = []
    decoder = BodyDecoder(content_encoding, limit)
    with pytest.raises(BodyTooLong):
        pieces.extend(decoder.pieces(body))
    return pieces


@given(
    body=st.binary(max_size=3000).map(lambda some: some * 50),
    codings=st.lists(st.sampled_from(CODINGS), max_size=4),
    size=st.integers(1, 70_000),
)
def test_what_was_encoded_is_decoded_in_whatever_layers_and_chunks_it_comes(
    body: bytes, codings: list[str], size: int
) -> None:
    wire = encoded_in(codings, body)
    chunks = [wire[start : start + size] for start in range(0, len(wire), size)]

    assert decoded(header(codings), *chunks) == body


@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, LIMIT])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_is_whole_whatever_its_length(length: int, coding: str) -> None:
    assert decoded(header([coding]), encoded(coding, bytes(length))) == bytes(length)


@pytest.mark.parametrize("name", ["", "identity", "unheard-of", "br", "utf-8, identity"])
def test_what_is_in_no_coding_that_is_known_stays_as_it_is(name: str) -> None:
    assert decoded(name, b"abc", b"def") == b"abcdef"


def test_names_of_codings_are_read_in_any_case_with_spaces_or_without() -> None:
    body = gzip.compress(gzip.compress(b"hello"))

    assert decoded("GZip,x-gzip", body) == decoded(" gzip , , identity,gzip ", body) == b"hello"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_streams_that_follow_each_other_are_one_body(coding: str) -> None:
    one, two = encoded(coding, b"one "), encoded(coding, b"two")

    assert decoded(coding, one + two) == decoded(coding, one, two) == b"one two"


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_that_breaks_off_or_is_followed_by_something_is_not_whole(coding: str) -> None:
    body = encoded(coding, bytes(1000))

    for wrong in (body[:-1], body[:3], body + b"more", b"none at all"):
        with pytest.raises(Undecodable):
            decoded(header([coding]), wrong)
    assert decoded(header([coding])) == b""


@pytest.mark.parametrize(
    "codings",
    [
        *(["gzip"], ["deflate"], ["zstd"], ["gzip", "gzip"], ["deflate", "gzip"]),
        *(["gzip", "zstd"], ["zstd", "zstd", "gzip"], ["gzip"] * 4),
    ],
    ids=", ".join,
)
def test_of_a_body_that_decodes_to_very_much_only_the_limit_is_decoded(codings: list[str]) -> None:
    body = bomb(*codings)
    pieces = cut_off(header(codings), body)

    assert SIZE > 200 * LIMIT
    assert sum(map(len, pieces)) == LIMIT
    assert max(map(len, pieces)) <= PIECE


def test_what_comes_out_of_a_decoder_in_the_middle_is_bounded_too() -> None:
    """Millions of empty streams produce no output, but take a long time."""
    body = gzip.compress(gzip.compress(b"") * 1_000_000)
    pieces = cut_off("gzip, gzip", body)

    assert not any(pieces)
    assert len(pieces) < 100_000


def test_no_piece_takes_long_so_that_others_have_their_turn() -> None:
    decoder = BodyDecoder("gzip, gzip, gzip, gzip", 4 * LIMIT)
    pieces, times = decoder.pieces(bomb(*["gzip"] * 4)), [time.process_time()]
    with suppress(BodyTooLong):
        times.extend(time.process_time() for _ in pieces)

    assert len(times) > 4 * LIMIT / PIECE
    assert max(after - before for before, after in pairwise(times)) < 0.5


def test_no_body_is_decoded_more_than_a_few_times() -> None:
    assert decoded(", ".join(["gzip"] * 4), encoded_in(["gzip"] * 4, b"hello")) == b"hello"
    with pytest.raises(Undecodable):
        BodyDecoder(", ".join(["gzip"] * 5), LIMIT)


def test_a_stream_that_wants_a_window_of_very_much_memory_gets_none() -> None:
    parameters = {zstd.CompressionParameter.window_log: 27}
    packer = zstd.ZstdCompressor(options=parameters)
    body = packer.compress(bytes(100)) + packer.flush()

    with pytest.raises(Undecodable):
        decoded("zstd", body)


@given(
    body=st.binary(max_size=200),
    codings=st.lists(st.sampled_from(["gzip", "deflate", "zstd", "x"]), max_size=5),
)
def test_whatever_comes_is_decoded_or_known_to_be_broken(body: bytes, codings: list[str]) -> None:
    try:
        found = decoded(", ".join(codings), body, limit=100)
    except (Undecodable, BodyTooLong):
        return
    assert len(found) <= 100
