"""A reply body is decoded in pieces, up to its limit, with any content codings."""

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
from support.tables import for_each

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
def test_encoded_body_is_decoded_in_any_layers_and_chunks(
    body: bytes, codings: list[str], size: int
) -> None:
    wire = encoded_in(codings, body)
    chunks = [wire[start : start + size] for start in range(0, len(wire), size)]

    assert decoded(header(codings), *chunks) == body


@for_each("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, LIMIT])
@for_each("coding", CODINGS)
def test_body_of_any_length_is_complete(length: int, coding: str) -> None:
    assert decoded(header([coding]), encoded(coding, bytes(length))) == bytes(length)


@for_each("name", ["", "identity", "unheard-of", "br", "utf-8, identity"])
def test_unknown_coding_leaves_the_body_unchanged(name: str) -> None:
    assert decoded(name, b"abc", b"def") == b"abcdef"


def test_coding_names_are_case_insensitive_and_may_have_spaces() -> None:
    body = gzip.compress(gzip.compress(b"hello"))

    assert decoded("GZip,x-gzip", body) == decoded(" gzip , , identity,gzip ", body) == b"hello"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_concatenated_streams_are_one_body(coding: str) -> None:
    one, two = encoded(coding, b"one "), encoded(coding, b"two")

    assert decoded(coding, one + two) == decoded(coding, one, two) == b"one two"


@pytest.mark.parametrize("coding", CODINGS)
def test_truncated_body_or_trailing_data_is_undecodable(coding: str) -> None:
    body = encoded(coding, bytes(1000))

    for wrong in (body[:-1], body[:3], body + b"more", b"none at all"):
        with pytest.raises(Undecodable):
            decoded(header([coding]), wrong)
    assert decoded(header([coding])) == b""


@for_each(
    "codings",
    [
        *(["gzip"], ["deflate"], ["zstd"], ["gzip", "gzip"], ["deflate", "gzip"]),
        *(["gzip", "zstd"], ["zstd", "zstd", "gzip"], ["gzip"] * 4),
    ],
)
def test_decompression_bomb_is_decoded_up_to_the_limit(codings: list[str]) -> None:
    body = bomb(*codings)
    pieces = cut_off(header(codings), body)

    assert SIZE > 200 * LIMIT
    assert sum(map(len, pieces)) == LIMIT
    assert max(map(len, pieces)) <= PIECE


def test_output_of_an_inner_decoder_is_bounded() -> None:
    """Millions of empty streams produce no output, but take a long time."""
    body = gzip.compress(gzip.compress(b"") * 1_000_000)
    pieces = cut_off("gzip, gzip", body)

    assert not any(pieces)
    assert len(pieces) < 100_000


def test_decoding_a_piece_takes_bounded_time() -> None:
    decoder = BodyDecoder("gzip, gzip, gzip, gzip", 4 * LIMIT)
    pieces, times = decoder.pieces(bomb(*["gzip"] * 4)), [time.process_time()]
    with suppress(BodyTooLong):
        times.extend(time.process_time() for _ in pieces)

    assert len(times) > 4 * LIMIT / PIECE
    assert max(after - before for before, after in pairwise(times)) < 0.5


def test_number_of_coding_layers_is_limited() -> None:
    assert decoded(", ".join(["gzip"] * 4), encoded_in(["gzip"] * 4, b"hello")) == b"hello"
    with pytest.raises(Undecodable):
        BodyDecoder(", ".join(["gzip"] * 5), LIMIT)


def test_zstd_stream_with_a_huge_window_is_undecodable() -> None:
    parameters = {zstd.CompressionParameter.window_log: 27}
    packer = zstd.ZstdCompressor(options=parameters)
    body = packer.compress(bytes(100)) + packer.flush()

    with pytest.raises(Undecodable):
        decoded("zstd", body)


@given(
    body=st.binary(max_size=200),
    codings=st.lists(st.sampled_from(["gzip", "deflate", "zstd", "x"]), max_size=5),
)
def test_any_bytes_are_decoded_or_reported_as_undecodable(body: bytes, codings: list[str]) -> None:
    try:
        found = decoded(", ".join(codings), body, limit=100)
    except (Undecodable, BodyTooLong):
        return
    assert len(found) <= 100
