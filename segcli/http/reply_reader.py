"""Reading a reply: its status, its headers, and no more of its body than is needed."""

import asyncio
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache

import httpx

from segcli.core.reply import Reply, is_status
from segcli.http.decoding import BodyDecoder, BodyTooLong, Undecodable

# Verdicts excerpt a reply, or read what it says of each item of a batch.
LONGEST_REPLY = 4 * 1024 * 1024

_TOO_LONG = f"a body of more than {LONGEST_REPLY:,} bytes"

# So many pieces are read before the event loop has a turn: timeouts are kept while one reads.
_PIECES_AT_A_TIME = 16


class NotAReply(Exception):
    """What came is no final reply of HTTP; the text says why."""


class ReplyReader:
    """Reads one reply, and keeps what it has read when the rest does not come.

    At most LONGEST_REPLY bytes of a body are kept, after all its codings are undone.
    """

    def __init__(self) -> None:
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._body = bytearray()

    async def read(self, response: httpx.Response) -> Reply:
        """Read the reply to its end, or to its limit, and close it.

        Raises NotAReply, and what the transport raises where it breaks off.
        """
        assert isinstance(response.stream, httpx.AsyncByteStream)
        try:
            if not is_status(response.status_code):
                raise NotAReply(f"{response.status_code:03} is not the status of a reply")
            self._headers = _headers(response)
            self._status = response.status_code
            read = self._read_encoded if "content-encoding" in self._headers else self._read_plain
            broken = await read(response.stream)
        finally:
            await response.stream.aclose()
        return self._reply(broken)

    def broken_off(self, reason: str) -> Reply | None:
        """Return what was read of the reply before it broke off; None where no status was."""
        return self._reply(f"a body that broke off: {reason}") if self._status else None

    async def _read_plain(self, stream: httpx.AsyncByteStream) -> str:
        """Read the body; return what is wrong with it, "" for nothing."""
        async for chunk in stream:
            self._body += chunk
            if len(self._body) > LONGEST_REPLY:
                del self._body[LONGEST_REPLY:]
                return _TOO_LONG
        return ""

    async def _read_encoded(self, stream: httpx.AsyncByteStream) -> str:
        """Read and decode the body; return what is wrong with it, "" for nothing."""
        pieces = 0
        try:
            decoder = BodyDecoder(self._headers["content-encoding"], LONGEST_REPLY)
            async for chunk in stream:
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
            # It must not look like the body of a vendor that has nothing to say.
            body = f"({broken})".encode()
        return Reply(self._status, self._headers, body, broken)


def _headers(response: httpx.Response) -> Mapping[str, str]:
    """Return the headers by their names in lower case; several of a name joined by commas."""
    headers = _as_texts(tuple(response.headers.raw))
    return headers if "date" in headers else {**headers, "date": formatdate(usegmt=True)}


@lru_cache
def _as_texts(raw: tuple[tuple[bytes, bytes], ...]) -> Mapping[str, str]:
    """Return them so; those of most replies within a second are the same."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
