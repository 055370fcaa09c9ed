"""A protocol for aiohttp that keeps the status of a reply when the rest is broken.

aiohttp drops all bytes of a read that it cannot parse, and the reply with them. This protocol
parses the head of a reply separately. So an error after the head is an error of the body only.
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

from segcli.core.reply import is_status

# The longest head, with the interim replies (1xx) in front of it. httpx allows 100 KB.
_MAX_HEAD = 128 * 1024
# The most that is read of a reply: its body, but also chunk extensions and trailers.
_MAX_REPLY = 16 * 1024 * 1024
_BUFFER = 64 * 1024

_STATUS_LINE = re.compile(rb"HTTP/1\.\d ([0-9]{3})[ \r\n]")
_END_OF_HEAD = b"\r\n\r\n"
_WITHOUT_BODY = frozenset({204, 304})


class ReplyProtocol(ResponseHandler):
    """The protocol of one connection of aiohttp.

    A complete head is a reply, even if it contradicts itself: then its body is an error. A
    connection is not reused if bytes that belong to no reply may follow.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._params: dict[str, Any] = {}
        self._awaits_head = False
        self._parses_separately = False
        self._head = b""
        self._size = 0

    def set_response_params(self, **params: Any) -> None:
        """Prepare for the reply to the next request."""
        self._params = params
        self._awaits_head, self._parses_separately, self._head, self._size = True, False, b"", 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes. If that fails in bytes with a head, parse the head separately."""
        if self._awaits_head:
            self._head += data
            super().data_received(data)
            if len(self._head) > _MAX_HEAD:
                self._give_up(_MAX_HEAD)
        else:
            self._size += len(data)
            super().data_received(data)
            if self._size > _MAX_REPLY:
                self._give_up(_MAX_REPLY)
        if self._exception is not None:
            self._fail_body()

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take the head of a reply from the parser."""
        message, _ = data
        if message.code >= 200 or message.code == 101:
            # The head has come, so its bytes and those of interim replies are not needed any more.
            self._awaits_head, self._head = False, b""
            if message.code in _WITHOUT_BODY and _announces_body(message):
                self._should_close = True
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Fail, but first pass on a head that came completely."""
        if self._awaits_head and isinstance(exc, HttpProcessingError):
            if not self._parses_separately:
                self._parse_separately()
                return
            line = _STATUS_LINE.match(self._head)
            if line and is_status(int(line[1])) and self._head.endswith(_END_OF_HEAD):
                self.feed_data(self._contradictory(int(line[1]), exc))
        super().set_exception(exc, *cause)

    def _parse_separately(self) -> None:
        """Parse again from the beginning, each head separately. Ends with an exception."""
        rest, self._parses_separately = self._head, True
        super().set_response_params(**self._params)
        while self._awaits_head and rest and self._exception is None:
            rest = rest.lstrip(b"\r\n")
            self._head, end, rest = rest.partition(_END_OF_HEAD)
            self._head += end
            super().data_received(self._head)
        if rest and self._exception is None:
            super().data_received(rest)

    def _give_up(self, limit: int) -> None:
        self.set_exception(aiohttp.ClientPayloadError(f"more than {limit:,} bytes"))
        if self.transport:
            self.transport.abort()

    def _fail_body(self) -> None:
        """Pass the error to the reader of the body; aiohttp would let it wait."""
        if self._exception and self._payload and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientPayloadError(_text_of(self._exception)))

    def _contradictory(
        self, status: int, error: HttpProcessingError
    ) -> tuple[RawResponseMessage, StreamReader]:
        """Return a reply with a status and no valid body or headers."""
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
