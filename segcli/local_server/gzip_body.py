"""Decompresses request bodies, up to a limit."""

import zlib
from collections.abc import Mapping

from segcli.local_server.http_reply import Refusal

_GZIP = frozenset({b"gzip", b"x-gzip"})
_NOT_PACKED = frozenset({b"", b"identity"})
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


def unpacked(body: bytes, headers: Mapping[bytes, bytes], *, most: int) -> bytes | Refusal:
    """Return the decompressed body, or a refusal; a pure function.

    It never decompresses more than `most` bytes, and one more.
    """
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding in _NOT_PACKED:
        return body
    if encoding not in _GZIP:
        return Refusal(415, "Content-Encoding must be gzip, or none")
    reader = zlib.decompressobj(_WITH_GZIP_HEADER)
    try:
        found = reader.decompress(body, most + 1)
    except zlib.error:
        return Refusal(400, "the body is not gzip, as Content-Encoding says")
    if len(found) > most:
        return Refusal(413, f"the body must have at most {most:,} bytes when it is decompressed")
    if not reader.eof or reader.unused_data:
        return Refusal(400, "the body is not one whole gzip member")
    return found
