"""A protocol for aiohttp that keeps the status of a reply when the rest is broken.

aiohttp drops all bytes of a read that it cannot parse, and the reply with them. This protocol
parses the head of a reply separately. So an error after the head is an error of the body only.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpVersion11, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import CIMultiDict, CIMultiDictProxy

from segcli.http.reply_head import (
    LONGEST_HEAD,
    WITHOUT_BODY,
    RawHeaders,
    final_head,
    framing_problem,
    has_begun,
    has_whole_head,
    is_interim,
    may_be_head,
    split_head,
    without_stray,
)

# The limit of the headers of a head, and of the trailers of a body. The default is 128.
_MAX_HEADERS = 2_000
# The most that is read of a reply: its body, but also chunk extensions and trailers.
_MAX_REPLY = 16 * 1024 * 1024
_BUFFER = 64 * 1024

# How a vendor's reply is parsed.
_OF_VENDOR: Mapping[str, Any] = {
    "read_until_eof": True,
    "auto_decompress": False,
    "max_line_size": LONGEST_HEAD,
    "max_field_size": LONGEST_HEAD,
    "max_headers": _MAX_HEADERS,
}


class ReplyProtocol(ResponseHandler):
    """The protocol of one connection of aiohttp.

    A complete head is a reply, even if it contradicts itself: then its body is an error. A
    connection is not reused if bytes that belong to no reply may follow, and it is closed if they
    do.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._params: Mapping[str, Any] = {}
        self._awaits_head = False
        self._parses_separately = False
        self._follows_bodiless = False
        self._is_bodiless = False
        self._head = b""
        self._size = 0

    def expect_reply(self) -> None:
        """Prepare for the vendor's reply to a request that is sent next."""
        self._expect(_OF_VENDOR)

    def set_response_params(self, **params: Any) -> None:
        """Prepare for the reply of a proxy to CONNECT, which aiohttp sends and reads."""
        self._expect(params)

    @property
    def is_reusable(self) -> bool:
        """True if the last reply has ended, and another request may follow."""
        return not (self._awaits_head or self.should_close)

    def has_written_all(self) -> bool:
        """Return whether the system has taken all bytes that were written."""
        return self.transport is None or not self.transport.get_write_buffer_size()

    async def read_final(self) -> tuple[RawResponseMessage, StreamReader]:
        """Return the head of the reply, without interim ones, and its body."""
        while True:
            message, body = await self.read()
            if not 100 <= message.code < 200 or message.code == 101:
                return message, body

    def data_received(self, data: bytes) -> None:
        """Parse received bytes, a head only when it is complete."""
        if data and self._is_idle:
            # No request is open: aiohttp would use these bytes as the reply to the next one.
            self.set_exception(aiohttp.ClientPayloadError("bytes that belong to no request"))
            self._abort()
            return
        self._size += len(data)
        if self._awaits_head:
            self._receive_head(data)
        else:
            super().data_received(data)
        limit = LONGEST_HEAD if self._awaits_head else _MAX_REPLY
        if self._size > limit:
            self._give_up(limit)
        if self._exception is not None:
            self._fail_body()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Make reading fail if a body ends with its connection, and that is not closed cleanly."""
        if exc and self._payload and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientOSError(*exc.args))
        super().connection_lost(exc)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take the head of a reply from the parser."""
        message, _ = data
        if message.code >= 200 or message.code == 101:
            self._awaits_head, self._head = False, b""
            self._is_bodiless = message.code in WITHOUT_BODY
            if self._is_bodiless:
                self._should_close = self._should_close or _announces_body(message)
            elif problem := framing_problem(message.raw_headers):
                self._doubt_body(data[1], problem)
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Fail, but first pass on a head that came completely."""
        if self._awaits_head and isinstance(exc, HttpProcessingError):
            if not self._parses_separately:
                self._parse_separately()
                return
            # The reply of a proxy to CONNECT is never rescued: it is not the vendor's.
            head = final_head(self._head) if self._params is _OF_VENDOR else None
            if head:
                self.feed_data(self._contradictory(*head, exc))
        super().set_exception(exc, *cause)

    @property
    def _is_idle(self) -> bool:
        """True if no reply is awaited: before the first request, and between two."""
        return not self._awaits_head and (self._payload is None or self._payload.is_eof())

    def _expect(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self._awaits_head, self._parses_separately, self._head, self._size = True, False, b"", 0
        self._follows_bodiless, self._is_bodiless = self._is_bodiless, False
        super().set_response_params(**params)

    def _receive_head(self, data: bytes) -> None:
        self._head += data
        if self._follows_bodiless and not self._skip_stray():
            return
        while has_whole_head(self._head):
            if not is_interim(self._head):
                super().data_received(self._head)
                return
            head, self._head = split_head(self._head)
            super().data_received(head)
        if not may_be_head(self._head):
            super().data_received(self._head)

    def _skip_stray(self) -> bool:
        """Drop the bytes that a vendor sends after a reply without a body; they may come late.

        Returns True if a head has begun.
        """
        head = without_stray(self._head)
        if head != self._head:
            self._head, self._should_close = head, True
        return has_begun(head)

    def _parse_separately(self) -> None:
        """Parse again, the head separately. Ends with an exception."""
        self._head, rest = split_head(self._head)
        self._parses_separately = True
        super().set_response_params(**self._params)
        super().data_received(self._head)
        if rest and self._exception is None:
            super().data_received(rest)

    def _give_up(self, limit: int) -> None:
        self.set_exception(aiohttp.ClientPayloadError(f"more than {limit:,} bytes"))
        self._abort()

    def _abort(self) -> None:
        if self.transport:
            self.transport.abort()

    def _doubt_body(self, body: StreamReader, problem: str) -> None:
        """Make reading a body fail, because its headers contradict each other."""
        body.set_exception(aiohttp.ClientPayloadError(problem))
        self._should_close = True

    def _fail_body(self) -> None:
        """Pass the error to the reader of the body; aiohttp would let it wait."""
        if self._exception and self._payload and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientPayloadError(_text_of(self._exception)))
            # A reader that the end of a chunk has just woken would wait again, for ever.
            self._payload.feed_eof()

    def _contradictory(
        self, status: int, headers: RawHeaders, error: HttpProcessingError
    ) -> tuple[RawResponseMessage, StreamReader]:
        """Return a reply with a status, the headers that can be read, and no valid body."""
        none = CIMultiDictProxy(CIMultiDict[str]())
        version = HttpVersion11
        head = RawResponseMessage(version, status, "", none, headers, True, None, False, False)
        body = StreamReader(self, _BUFFER, loop=self._loop)
        body.set_exception(aiohttp.ClientPayloadError(_text_of(error)))
        return head, EMPTY_PAYLOAD if status in WITHOUT_BODY else body


def _announces_body(message: RawResponseMessage) -> bool:
    headers = message.headers
    return "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"


def _text_of(error: BaseException) -> str:
    text = error.message if isinstance(error, HttpProcessingError) else str(error)
    return " ".join(text.split())
