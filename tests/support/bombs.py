"""Small bodies that decode to very large ones, in any coding and in layers of codings."""

import gzip
import zlib
from collections.abc import Sequence
from functools import cache

from support.compression import zstd

SIZE = 256 * 1024 * 1024
_BLOCK = 16 * 1024 * 1024


@cache
def bomb(*codings: str) -> bytes:
    """Return SIZE zero bytes in these codings, the first one applied first."""
    body = _zeros(codings[0])
    for coding in codings[1:]:
        body = encoded(coding, body)
    return body


def encoded(coding: str, body: bytes) -> bytes:
    """Return a body in one coding."""
    match coding:
        case "gzip":
            return gzip.compress(body, mtime=0)
        case "deflate":
            return zlib.compress(body)
        case "bare deflate":
            packer = zlib.compressobj(wbits=-15)
            return packer.compress(body) + packer.flush()
        case _:
            return zstd.compress(body)


def encoded_in(codings: Sequence[str], body: bytes) -> bytes:
    """Return a body in several codings, the first one applied first."""
    for coding in codings:
        body = encoded(coding, body)
    return body


def _zeros(coding: str) -> bytes:
    """Return this many zeros in one coding, made from one piece that is repeated."""
    if coding == "zstd":
        return zstd.compress(bytes(_BLOCK)) * (SIZE // _BLOCK)
    packer = zlib.compressobj(wbits=-15)
    block = packer.compress(bytes(_BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)
    bare = block * (SIZE // _BLOCK) + b"\x03\x00"
    if coding == "gzip":
        return gzip.compress(b"")[:10] + bare + bytes(8)
    return b"\x78\x9c" + bare + bytes(4)
