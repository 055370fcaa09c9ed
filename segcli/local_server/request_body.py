"""Receives request bodies, and decompresses them, with limits on the memory for that."""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from segcli.local_server.http_reply import Receive, Refusal

# More than the limit of nearly every vendor; it only keeps memory flat.
MAX_BODY = 16 * 1024 * 1024
# A vendor that takes more says so, up to this.
LARGEST_BODY = 32 * 1024 * 1024

# Enough for 256 requests at once of the largest size that a built-in vendor takes.
MOST_HELD = 128 * 1024 * 1024
_NO_ROOM = Refusal(503, "the server has no room for more unfinished requests")
_GZIP = frozenset({b"gzip", b"x-gzip"})
_NOT_PACKED = frozenset({b"", b"identity"})
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


@dataclass(slots=True)
class Uploads:
    """Receives bodies. It does not decompress them.

    most_held: the most bytes of all incomplete bodies together.
    patience: how many seconds to wait for the next part of a body.
    held: the bytes that they have now.
    """

    most_held: int = MOST_HELD
    patience: float = 30.0
    held: int = 0

    async def received(self, receive: Receive, most: int = MAX_BODY) -> bytes | Refusal | None:
        """Return the whole body; None if the client has left.

        Returns a refusal if there is no room, or if the next part does not come for long. A body
        of more than `most` bytes is cut. A body without room is read to its end and dropped.
        """
        body, has_room = bytearray(), True
        clock = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(self.patience) as limit:
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return None
                    part = message.get("body", b"")
                    if has_room and len(body) <= most:
                        has_room = self._take(body, part)
                    if not message.get("more_body"):
                        return bytes(body) if has_room else _NO_ROOM
                    limit.reschedule(clock() + self.patience)
        except TimeoutError:
            return Refusal(408, f"the rest of the body did not come for {self.patience:g} seconds")
        finally:
            self.held -= len(body)

    def _take(self, body: bytearray, part: bytes) -> bool:
        """Add a part to its body. Without room, empty the body and return False."""
        if self.held + len(part) > self.most_held:
            self.held -= len(body)
            body.clear()
            return False
        body += part
        self.held += len(part)
        return True


def decompressed(body: bytes, headers: Mapping[bytes, bytes], *, most: int) -> bytes | Refusal:
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
