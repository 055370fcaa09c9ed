"""How aiohttp reads replies here: a status that came is not lost with what follows it.

aiohttp drops a whole piece of the wire that it cannot parse, and a reply with it. Here the head
of a reply is parsed by itself, so that whatever is wrong behind it is wrong with the body only.
"""

import asyncio
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

# The most headers of a head, and of the trailers of a body. By itself aiohttp stops at 128.
_MOST_HEADERS = 2_000
# The most that is read of a reply: its body, but also chunk extensions and trailers.
_LONGEST_REPLY = 16 * 1024 * 1024
_BUFFER = 64 * 1024


class ReplyProtocol(ResponseHandler):
    """The protocol of one connection of aiohttp.

    A head that came whole is a reply, even where it contradicts itself: its body is an error
    then. A connection is not used again where something that belongs to no reply may follow, and
    is closed when something does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._params: dict[str, Any] = {}
        self._awaits_head = False
        self._parses_apart = False
        self._follows_bodiless = False
        self._is_bodiless = False
        self._head = b""
        self._size = 0

    def set_response_params(self, **params: Any) -> None:
        """Prepare for the reply to the next request."""
        if "max_headers" in params:
            params["max_headers"] = _MOST_HEADERS
        self._params = params
        self._awaits_head, self._parses_apart, self._head, self._size = True, False, b"", 0
        self._follows_bodiless, self._is_bodiless = self._is_bodiless, False
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Parse what came, but a head only once it is whole."""
        if data and self._is_idle:
            # Nobody asked for it: aiohttp would take it for the reply to the next request.
            self._abort()
            return
        self._size += len(data)
        if self._awaits_head:
            self._receive_head(data)
        else:
            super().data_received(data)
        limit = LONGEST_HEAD if self._awaits_head else _LONGEST_REPLY
        if self._size > limit:
            self._give_up(limit)
        if self._exception is not None:
            self._fail_body()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Fail a body that ends with its connection, where that did not end as it should."""
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
        """Fail, but not before a head that came whole has been handed on."""
        if self._awaits_head and isinstance(exc, HttpProcessingError):
            if not self._parses_apart:
                self._parse_apart()
                return
            # What a proxy says of a tunnel, which has no timer, is no reply of the vendor.
            head = final_head(self._head) if "timer" in self._params else None
            if head:
                self.feed_data(self._contradictory(*head, exc))
        super().set_exception(exc, *cause)

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
        """Leave out what a vendor sends behind a reply without a body; it may come late.

        Returns whether a head has begun.
        """
        head = without_stray(self._head)
        if head != self._head:
            self._head, self._should_close = head, True
        return has_begun(head)

    def _parse_apart(self) -> None:
        """Parse once more, the head by itself; ends with an exception."""
        self._head, rest = split_head(self._head)
        self._parses_apart = True
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

    @property
    def _is_idle(self) -> bool:
        """Whether the last reply has come to its end, and no other is awaited."""
        is_over = self._payload is None or self._payload.is_eof()
        return is_over and not self._awaits_head and bool(self._params)

    def _doubt_body(self, body: StreamReader, problem: str) -> None:
        """Let a body fail whose length aiohttp has told from headers that do not agree."""
        body.set_exception(aiohttp.ClientPayloadError(problem))
        self._should_close = True

    def _fail_body(self) -> None:
        """Let whoever reads a body know that its rest will not come; aiohttp would not."""
        if self._exception and self._payload and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientPayloadError(_text_of(self._exception)))

    def _contradictory(
        self, status: int, headers: RawHeaders, error: HttpProcessingError
    ) -> tuple[RawResponseMessage, StreamReader]:
        """Return a reply of which only the status and some headers can be told."""
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
