"""Read a reply: its status, its headers, and its body up to a limit."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import formatdate
from functools import lru_cache

from segcli.core.reply import Reply, is_status
from segcli.http.decoding import BodyDecoder, BodyTooLong, Undecodable
from segcli.http.failure import Failure, TransportError
from segcli.http.reply_head import WITHOUT_BODY, RawHeaders

# Large enough for a reply with a result for each item of a batch.
LONGEST_REPLY = 4 * 1024 * 1024

_TOO_LONG = f"a body of more than {LONGEST_REPLY:,} bytes"

# After this many pieces the event loop runs other tasks, so that their timeouts hold.
_PIECES_AT_A_TIME = 16


class ReplyReader:
    """Reads one reply. If the rest does not come, the part that came is still available.

    It keeps at most LONGEST_REPLY bytes of a body, counted after decoding.

    is_sent: whether all of the request is sent, so that a reply may have come; set by the
        transport once it sends.
    """

    def __init__(self) -> None:
        self.is_sent: Callable[[], bool] = _is_not_sent
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._body = bytearray()

    @property
    def awaits_status(self) -> bool:
        """True if all of the request is sent, and the status has not been read."""
        return not self._status and self.is_sent()

    async def read(self, status: int, headers: RawHeaders, body: AsyncIterator[bytes]) -> Reply:
        """Read the body to its end, or to the limit, and return the reply.

        Raises TransportError for an invalid status, and what `body` raises.
        """
        self.begin(status, headers)
        is_encoded = "content-encoding" in self._headers
        return self._reply(await (self._read_encoded if is_encoded else self._read_plain)(body))

    def begin(self, status: int, headers: RawHeaders) -> None:
        """Keep the head of the reply. Raises TransportError for an invalid status."""
        if not is_status(status):
            why = f"{status:03} is not the status of a reply"
            raise TransportError(Failure.NOT_WHOLE, why)
        self._headers = _with_date(headers)
        self._status = status

    def broken_off(self, reason: str) -> Reply | None:
        """Return the part of the reply that came before it broke off; None without a status.

        A reply without a body is complete: it ends with its head.
        """
        if not self._status:
            return None
        is_complete = self._status in WITHOUT_BODY
        return self._reply("" if is_complete else f"a body that broke off: {reason}")

    async def _read_plain(self, body: AsyncIterator[bytes]) -> str:
        """Read the body; return what is wrong with it, or ""."""
        async for chunk in body:
            self._body += chunk
            if len(self._body) > LONGEST_REPLY:
                del self._body[LONGEST_REPLY:]
                return _TOO_LONG
        return ""

    async def _read_encoded(self, body: AsyncIterator[bytes]) -> str:
        """Read and decode the body; return what is wrong with it, or ""."""
        pieces = 0
        try:
            decoder = BodyDecoder(self._headers["content-encoding"], LONGEST_REPLY)
            async for chunk in body:
                for piece in decoder.pieces(chunk):
                    self._body += piece
                    pieces += 1
                    if pieces % _PIECES_AT_A_TIME == 0:
                        await asyncio.sleep(0)
            decoder.finish()
        except BodyTooLong:
            return _TOO_LONG
        except Undecodable:
            return "a body that cannot be decoded"
        return ""

    def _reply(self, broken: str) -> Reply:
        body = bytes(self._body)
        if broken and not body:
            # An empty body would look like a vendor's answer without text.
            body = f"({broken})".encode()
        return Reply(self._status, self._headers, body, broken)


def _is_not_sent() -> bool:
    return False


def _with_date(raw: RawHeaders) -> Mapping[str, str]:
    """Return the headers with lower-case names; a missing `date` is the current time."""
    headers = _as_texts(raw)
    return headers if "date" in headers else {**headers, "date": formatdate(usegmt=True)}


@lru_cache
def _as_texts(raw: RawHeaders) -> Mapping[str, str]:
    """Decode headers, with several of one name joined by commas.

    Most replies within a second have the same ones, so they are cached.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
