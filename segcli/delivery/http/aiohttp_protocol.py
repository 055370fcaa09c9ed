"""How aiohttp reads replies here: a status that came is not lost with what follows it.

aiohttp drops a whole piece of the wire that it cannot parse, and a reply with it. Here the head
of a reply is parsed by itself, so that whatever is wrong behind it is wrong with the body only.
"""

import asyncio
import re
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpVersion11, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import CIMultiDict, CIMultiDictProxy

from segcli.verdict import is_status

# The longest head, with the interim replies (1xx) in front of it. httpx allows 100 KB.
_LONGEST_HEAD = 128 * 1024
# The most that is read of a reply: its body, but also chunk extensions and trailers.
_LONGEST_REPLY = 16 * 1024 * 1024
_BUFFER = 64 * 1024

_STATUS_LINE = re.compile(rb"HTTP/1\.\d ([0-9]{3})[ \r\n]")
_END_OF_HEAD = b"\r\n\r\n"
_WITHOUT_BODY = frozenset({204, 304})


class ReplyProtocol(ResponseHandler):
    """The protocol of one connection of aiohttp.

    A head that came whole is a reply, even where it contradicts itself: its body is an error
    then. A connection is not used again where something that belongs to no reply may follow.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._awaits_head = False
        self._head = b""
        self._size = 0

    def set_response_params(self, **params: Any) -> None:
        """Prepare for the reply to the next request."""
        self._awaits_head, self._head, self._size = True, b"", 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and a head by itself."""
        while self._awaits_head and data and self._exception is None:
            end = self._end_of_head(data)
            self._head = (self._head + data[:end]).lstrip(b"\r\n")
            if self._is_too_much(end, _LONGEST_HEAD):
                return
            super().data_received(data[:end])
            data = data[end:]
            if not data:
                return
        if self._exception is None and not self._is_too_much(len(data), _LONGEST_REPLY):
            super().data_received(data)
            self._fail_body()

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take the head of a reply from the parser."""
        message, _ = data
        if message.code >= 200 or message.code == 101:
            self._awaits_head = False
        self._head = b""
        if message.code in _WITHOUT_BODY and _announces_body(message):
            self.force_close()
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Fail, but not before a head that came whole has been handed on."""
        if self._awaits_head and isinstance(exc, HttpProcessingError):
            line = _STATUS_LINE.match(self._head)
            if line and is_status(int(line[1])) and self._head.endswith(_END_OF_HEAD):
                self.feed_data(self._contradictory(int(line[1]), exc))
        super().set_exception(exc, *cause)

    def _end_of_head(self, data: bytes) -> int:
        """Return where the next piece for the parser ends: a head, or the lines in front of one."""
        before = self._head[-3:]
        blank = 0 if before else len(data) - len(data.lstrip(b"\r\n"))
        found = (before + data).find(_END_OF_HEAD)
        end = len(data) if found < 0 else found + len(_END_OF_HEAD) - len(before)
        return blank or end

    def _is_too_much(self, size: int, limit: int) -> bool:
        """Count bytes of a reply; where they are too many, give it up and return True."""
        self._size += size
        if self._size <= limit:
            return False
        self.set_exception(aiohttp.ClientPayloadError(f"more than {limit:,} bytes"))
        self._fail_body()
        if self.transport:
            self.transport.abort()
        return True

    def _fail_body(self) -> None:
        """Let whoever reads a body know that its rest will not come; aiohttp would not."""
        if self._exception and self._payload and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientPayloadError(_text_of(self._exception)))

    def _contradictory(
        self, status: int, error: HttpProcessingError
    ) -> tuple[RawResponseMessage, StreamReader]:
        """Return a reply of which only the status can be told."""
        none = CIMultiDictProxy(CIMultiDict[str]())
        head = RawResponseMessage(HttpVersion11, status, "", none, (), True, None, False, False)
        body = StreamReader(self, _BUFFER, loop=self._loop)
        body.set_exception(aiohttp.ClientPayloadError(_text_of(error)))
        return head, EMPTY_PAYLOAD if status in _WITHOUT_BODY else body


def _announces_body(message: RawResponseMessage) -> bool:
    headers = message.headers
    return "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"


def _text_of(error: BaseException) -> str:
    text = error.message if isinstance(error, HttpProcessingError) else str(error)
    return " ".join(text.split())
