"""Request bodies that a client has packed, within a bound."""

import zlib
from collections.abc import Mapping

from segcli.local_server.http_reply import Refusal

_GZIP = frozenset({b"gzip", b"x-gzip"})
_NOT_PACKED = frozenset({b"", b"identity"})
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


def unpacked(body: bytes, headers: Mapping[bytes, bytes], *, most: int) -> bytes | Refusal:
    """Return the body as its Content-Encoding says, of at most so many bytes, or a refusal.

    No more than `most` bytes are ever unpacked. A pure function.
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
        return Refusal(413, f"the body must have at most {most:,} bytes when it is unpacked")
    if not reader.eof or reader.unused_data:
        return Refusal(400, "the body is not one whole gzip member")
    return found
