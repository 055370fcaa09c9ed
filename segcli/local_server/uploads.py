"""Receives request bodies, with a limit on the memory of all of them together."""

from dataclasses import dataclass

from segcli.local_server.http_reply import Receive, Refusal

# More than the limit of every vendor; it only keeps memory flat.
MOST_BYTES = 16 * 1024 * 1024

# Enough for 256 requests at once of the largest size that a built-in vendor takes.
MOST_HELD = 128 * 1024 * 1024
_NO_ROOM = Refusal(503, "the server has no room for more unfinished requests")


@dataclass(slots=True)
class Uploads:
    """Receives bodies. It does not decompress them.

    most_held: the most bytes of all incomplete bodies together
    held: the bytes that they have now
    """

    most_held: int = MOST_HELD
    held: int = 0

    async def received(self, receive: Receive) -> bytes | Refusal | None:
        """Return the whole body; a refusal if there is no room; None if the client has left.

        A body that is far too large is cut. A body without room is read to its end and dropped.
        """
        body, has_room = bytearray(), True
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                part = message.get("body", b"")
                if has_room and len(body) <= MOST_BYTES:
                    has_room = self._take(body, part)
                if not message.get("more_body"):
                    return bytes(body) if has_room else _NO_ROOM
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
