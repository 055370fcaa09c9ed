"""Request bodies as they come in, and a bound for what all of them hold in memory together."""

from dataclasses import dataclass

from segcli.local_server.http_reply import Receive, Refusal

# Beyond the limit of every vendor. It only keeps memory flat.
MOST_BYTES = 16 * 1024 * 1024
# Enough for 256 requests at once of the largest size that a vendor here takes.
MOST_HELD = 128 * 1024 * 1024
_NO_ROOM = Refusal(503, "the server holds as many unfinished requests as it has room for")


@dataclass(slots=True)
class Uploads:
    """Receives bodies. Nothing is unpacked: a body is as large as it comes.

    most_held: how many bytes all bodies may hold at once that are not complete yet.
    held: how many they hold.
    """

    most_held: int = MOST_HELD
    held: int = 0

    async def received(self, receive: Receive) -> bytes | Refusal | None:
        """Return the whole body, a refusal if there is no room for it, None if the client left.

        What is far too large is cut; what finds no room is read to its end and dropped.
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
        """Add a part to its body; False, and the body is empty, where there is no room."""
        if self.held + len(part) > self.most_held:
            self.held -= len(body)
            body.clear()
            return False
        body += part
        self.held += len(part)
        return True
