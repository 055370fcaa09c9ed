"""Replies as vendors really send them, and the verdict on each: one table for all transports."""

import gzip
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from support.wires import Call

from segcli.core.reply import Reply
from segcli.http.client import NoReply


class AfterReply(Enum):
    """What a vendor does behind a reply."""

    NEXT = "reads the next request"
    CLOSE = "closes the connection"
    RESET = "resets it, once the client has read what was said"
    HOLD = "says nothing more, and closes nothing"


@dataclass(frozen=True, slots=True)
class ReplyKind:
    """A reply, and its verdict: `200` a whole one, `200 broken`, `none` for no status.

    name: a line for people.
    says: the bytes of the reply.
    verdict: over every transport, but where `over_httpx` names another one.
    then: what the vendor does behind it.
    why: why the transports differ.
    is_last: whether the connection must not be used again, even if the vendor keeps it open.
    """

    name: str
    says: bytes
    verdict: str
    then: AfterReply = AfterReply.NEXT
    over_httpx: str = ""
    why: str = ""
    is_last: bool = False

    def over(self, transport: str) -> str:
        return self.over_httpx or self.verdict if transport == "httpx" else self.verdict


def found_in(reply: Reply | NoReply) -> str:
    """Return a reply in the words of the table."""
    if isinstance(reply, NoReply):
        assert not reply.final
        return "none"
    return f"{reply.status} broken" if reply.broken else str(reply.status)


def talk_of(
    kind: ReplyKind, *, step: int = 1_000_000, opened: list[Call] | None = None
) -> Callable[[Call], None]:
    """Return a vendor that sends this reply to every request, `step` bytes at a time."""

    def talk(call: Call) -> None:
        if opened is not None:
            opened.append(call)
        call.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while call.read():
            for at in range(0, len(kind.says), step):
                call.say(kind.says[at : at + step])
            if kind.then is not AfterReply.NEXT:
                _end(call, kind.then)
                return

    return talk


def _end(call: Call, then: AfterReply) -> None:
    if then is AfterReply.RESET:
        call.await_read()
        call.reset()
    elif then is AfterReply.HOLD:
        call.hold()


def _reply(*headers: str, line: str = "HTTP/1.1 200 OK", body: bytes = b"{}") -> bytes:
    return "".join(f"{part}\r\n" for part in (line, *headers, "")).encode() + body


def _sized(line: str, *headers: str) -> bytes:
    return _reply(*headers, "Content-Length: 2", line=line)


def _chunks(body: bytes) -> bytes:
    return _reply("Transfer-Encoding: chunked", body=body)


def _packed(body: bytes) -> bytes:
    return _reply("Content-Encoding: gzip", f"Content-Length: {len(body)}", body=body)


def _last(name: str, says: bytes, verdict: str, then: AfterReply = AfterReply.NEXT) -> ReplyKind:
    return ReplyKind(name, says, verdict, then, is_last=True)


NEXT, CLOSE, RESET, HOLD = AfterReply
OK = _sized("HTTP/1.1 200 OK")
END = b"2\r\n{}\r\n0\r\n\r\n"
_204, _304, _503 = "HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified", "HTTP/1.1 503 Busy"
_CHUNKED = "Transfer-Encoding: chunked"
_GZIP = gzip.compress(b"{}", mtime=0)
_LENIENT = "aiohttp lets llhttp pass over it"
_VERSIONS = "llhttp knows only the versions that there are"
_UPGRADE = "HTTP/1.1 101 Switching Protocols"
_MANY = tuple(f"X-{number}: {'x' * 50}" for number in range(1500))

INTERIM = [
    ReplyKind("100 before it", b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "200"),
    ReplyKind("100 without a reason before it", b"HTTP/1.1 100\r\n\r\n" + OK, "200"),
    ReplyKind("102 three times before it", b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + OK, "200"),
    ReplyKind(
        "103 with links before it", b"HTTP/1.1 103 X\r\nLink: </a>; rel=x\r\n\r\n" + OK, "200"
    ),
    ReplyKind(
        "103 with a length before it", b"HTTP/1.1 103 X\r\nContent-Length: 5\r\n\r\n" + OK, "200"
    ),
    ReplyKind("199 before it", b"HTTP/1.1 199 X\r\n\r\n" + OK, "200"),
    ReplyKind("100 before a no", b"HTTP/1.1 100 Continue\r\n\r\n" + _sized(_503), "503"),
    ReplyKind("100 and no more", b"HTTP/1.1 100 Continue\r\n\r\n", "none", CLOSE),
    ReplyKind("100 and nothing for ever", b"HTTP/1.1 100 Continue\r\n\r\n", "none", HOLD),
    ReplyKind(
        "100 and a cut head", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX", "none", CLOSE
    ),
    ReplyKind(
        "101", _reply("Upgrade: h2c", "Connection: upgrade", line=_UPGRADE, body=b""), "none"
    ),
    ReplyKind("101 before a reply", _reply("Upgrade: x", line=_UPGRADE, body=OK), "none"),
    ReplyKind(
        "an upgrade that is offered",
        _sized("HTTP/1.1 200 OK", "Upgrade: h2", "Connection: Upgrade, Keep-Alive"),
        "200",
    ),
]

BODILESS = [
    ReplyKind("204", _reply(line=_204, body=b""), "204"),
    ReplyKind("204 with a length of 0", _reply("Content-Length: 0", line=_204, body=b""), "204"),
    _last("204 with the end of chunks", _reply(_CHUNKED, line=_204, body=b"0\r\n\r\n"), "204"),
    _last("204 with chunks", _reply(_CHUNKED, line=_204, body=END), "204"),
    _last("204 that announces chunks", _reply(_CHUNKED, line=_204, body=b""), "204"),
    _last("204 that announces bytes", _reply("Content-Length: 4", line=_204, body=b""), "204"),
    _last("204 with bytes", _reply("Content-Length: 4", line=_204, body=b"abcd"), "204"),
    _last("204 with unannounced bytes", _reply(line=_204, body=b"abcd"), "204"),
    _last("204 with an unannounced end of a chunk", _reply(line=_204, body=b"0\r\n\r\n"), "204"),
    _last(
        "204 with both", _reply("Content-Length: 0", _CHUNKED, line=_204, body=b"0\r\n\r\n"), "204"
    ),
    _last(
        "204 with two lengths",
        _reply("Content-Length: 0", "Content-Length: 5", line=_204, body=b""),
        "204",
    ),
    ReplyKind("204 in gzip", _reply("Content-Encoding: gzip", line=_204, body=b""), "204"),
    ReplyKind("204 of HTTP/1.0", _reply(line="HTTP/1.0 204 No Content", body=b""), "204", CLOSE),
    ReplyKind("204 and a reset", _reply("Content-Length: 4", line=_204, body=b""), "204", RESET),
    ReplyKind("204 and nothing for ever", _reply(_CHUNKED, line=_204, body=b""), "204", HOLD),
    _last("204 with a name that is none", _reply("no colon", line=_204, body=b""), "204"),
    ReplyKind("304", _reply(line=_304, body=b""), "304"),
    ReplyKind(
        "304 with the length of another", _reply("Content-Length: 4", line=_304, body=b""), "304"
    ),
    _last("304 with a body", _reply("Content-Length: 4", line=_304, body=b"abcd"), "304"),
    _last("304 with chunks", _reply(_CHUNKED, line=_304, body=END), "304"),
    ReplyKind(
        "205 with a length of 0",
        _reply("Content-Length: 0", line="HTTP/1.1 205 X", body=b""),
        "205",
    ),
    ReplyKind("205 with nothing", _reply(line="HTTP/1.1 205 X", body=b""), "205", CLOSE),
    ReplyKind(
        "205 and nothing for ever", _reply(line="HTTP/1.1 205 X", body=b""), "205 broken", HOLD
    ),
]

LENGTHS = [
    _last("length and chunks", _reply("Content-Length: 2", _CHUNKED, body=END), "200 broken"),
    _last("chunks and length", _reply(_CHUNKED, "Content-Length: 2", body=END), "200 broken"),
    _last("both, and no chunks", _reply("Content-Length: 2", _CHUNKED), "200 broken"),
    _last(
        "both, of a no", _reply("Content-Length: 2", _CHUNKED, line=_503, body=END), "503 broken"
    ),
    _last("the same length twice", _reply("Content-Length: 2", "Content-Length: 2"), "200 broken"),
    _last("the same length twice on a line", _reply("Content-Length: 2, 2"), "200 broken"),
    _last("two lengths", _reply("Content-Length: 2", "Content-Length: 3"), "200 broken"),
    _last("two lengths on a line", _reply("Content-Length: 2, 3"), "200 broken"),
    _last(
        "two lengths of a no",
        _reply("Content-Length: 2", "Content-Length: 3", line=_503),
        "503 broken",
    ),
    _last(
        "two lengths of a refusal",
        _reply("Content-Length: 2", "content-length: 0", line="HTTP/1.1 400 X"),
        "400 broken",
    ),
    _last("a length below 0", _reply("Content-Length: -2"), "200 broken"),
    _last("a length with a sign", _reply("Content-Length: +2"), "200 broken"),
    _last("a length in words", _reply("Content-Length: two"), "200 broken"),
    _last("a length that is empty", _reply("Content-Length: "), "200 broken"),
    _last("a length in hex", _reply("Content-Length: 0x2"), "200 broken"),
    _last("a length of 26 digits", _reply(f"Content-Length: {'9' * 26}"), "200 broken"),
    ReplyKind("a length that is too large", _reply("Content-Length: 3"), "200 broken", CLOSE),
    ReplyKind(
        "a length that is too large, and a reset", _reply("Content-Length: 3"), "200 broken", RESET
    ),
    ReplyKind(
        "a length that is too large, and no end", _reply("Content-Length: 3"), "200 broken", HOLD
    ),
    ReplyKind("no length and no end", _reply(), "200 broken", HOLD),
    ReplyKind("no length, until the end", _reply(), "200", CLOSE),
    ReplyKind("no length, until a reset", _reply(), "200 broken", RESET),
]

CODINGS = [
    _last("chunked twice", _reply(_CHUNKED, _CHUNKED, body=END), "200 broken"),
    ReplyKind("identity", _reply("Transfer-Encoding: identity"), "200 broken", CLOSE),
    _last(
        "identity and a length",
        _reply("Transfer-Encoding: identity", "Content-Length: 2"),
        "200 broken",
    ),
    _last("gzip, chunked", _reply("Transfer-Encoding: gzip, chunked", body=END), "200 broken"),
    ReplyKind(
        "gzip on the way", _reply("Transfer-Encoding: gzip", body=_GZIP), "200 broken", CLOSE
    ),
    ReplyKind(
        "a coding of that name only",
        _reply("Transfer-Encoding: xchunked", body=END),
        "200 broken",
        CLOSE,
    ),
    ReplyKind("Chunked", _reply("TRANSFER-ENCODING: Chunked", body=END), "200"),
    ReplyKind("gzip of the body", _packed(_GZIP), "200"),
    ReplyKind("gzip that is none", _packed(b"{}"), "200 broken"),
    ReplyKind("gzip cut short", _packed(_GZIP[:10]), "200 broken"),
    ReplyKind("gzip with a wrong sum", _packed(_GZIP[:-4] + b"0000"), "200 broken"),
    ReplyKind(
        "gzip of a no",
        _reply("Content-Encoding: gzip", "Content-Length: 2", line=_503),
        "503 broken",
    ),
    ReplyKind("gzip and more", _packed(_GZIP + b"more"), "200 broken"),
    ReplyKind(
        "a coding that is not known", _sized("HTTP/1.1 200 OK", "Content-Encoding: br"), "200"
    ),
]

CHUNKS = [
    ReplyKind("two chunks", _chunks(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"), "200"),
    ReplyKind("an extension", _chunks(b"2;a=b\r\n{}\r\n0\r\n\r\n"), "200"),
    ReplyKind("a size with blanks", _chunks(b"2  \r\n{}\r\n0\r\n\r\n"), "200"),
    ReplyKind("a size with zeros", _chunks(b"0002\r\n{}\r\n0\r\n\r\n"), "200"),
    ReplyKind("trailers", _chunks(b"2\r\n{}\r\n0\r\nX-T: 1\r\n\r\n"), "200"),
    ReplyKind("chunks with LF", _chunks(b"2\n{}\n0\n\n"), "200 broken", CLOSE),
    _last("no size", _chunks(b"zz\r\n{}\r\n0\r\n\r\n"), "200 broken", CLOSE),
    _last("a size below 0", _chunks(b"-2\r\n{}\r\n0\r\n\r\n"), "200 broken", CLOSE),
    _last("a size with 0x", _chunks(b"0x2\r\n{}\r\n0\r\n\r\n"), "200 broken", CLOSE),
    ReplyKind(
        "a size of 20 digits",
        _chunks(b"FFFFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n"),
        "200 broken",
        CLOSE,
    ),
    _last("a size too small", _chunks(b"1\r\n{}\r\n0\r\n\r\n"), "200 broken", CLOSE),
    _last("a size too large", _chunks(b"4\r\n{}\r\n0\r\n\r\n"), "200 broken", CLOSE),
    ReplyKind(
        "a size too large by the CR",
        _chunks(b"3\r\n{}\r\n0\r\n\r\n"),
        "200",
        CLOSE,
        "200 broken",
        _LENIENT,
    ),
    ReplyKind("no last chunk", _chunks(b"2\r\n{}\r\n"), "200 broken", CLOSE),
    ReplyKind("half a last chunk", _chunks(b"2\r\n{}\r\n0\r\n"), "200 broken", CLOSE),
    ReplyKind("half a last chunk and no end", _chunks(b"2\r\n{}\r\n0\r\n"), "200 broken", HOLD),
    _last(
        "a trailer that is none", _chunks(b"2\r\n{}\r\n0\r\nno colon\r\n\r\n"), "200 broken", CLOSE
    ),
    ReplyKind("half a no", _reply(_CHUNKED, line=_503, body=b"9\r\nabc"), "503 broken", CLOSE),
]

# A head that is cut may lack what its status means: RFC 9112, section 8.
CUT = [
    ReplyKind("no reply", b"", "none", CLOSE),
    ReplyKind("no reply and a reset", b"", "none", RESET),
    ReplyKind("no reply for ever", b"", "none", HOLD),
    ReplyKind("cut in the status", b"HTTP/1.1 2", "none", CLOSE),
    ReplyKind("cut behind the status", b"HTTP/1.1 200", "none", CLOSE),
    ReplyKind("cut behind the first line", b"HTTP/1.1 200 OK\r\n", "none", CLOSE),
    ReplyKind("cut in a name", b"HTTP/1.1 200 OK\r\nContent-Le", "none", CLOSE),
    ReplyKind(
        "cut before the empty line", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "none", CLOSE
    ),
    ReplyKind("a head without an end", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "none", HOLD),
    ReplyKind("cut behind the head", _reply("Content-Length: 2", body=b""), "200 broken", CLOSE),
    ReplyKind("reset behind the head", _reply("Content-Length: 2", body=b""), "200 broken", RESET),
    ReplyKind("a no, cut", _reply("Content-Length: 9", line=_503), "503 broken", CLOSE),
    ReplyKind(
        "a refusal, cut", _reply("Content-Length: 9", line="HTTP/1.1 400 X"), "400 broken", CLOSE
    ),
]

VERSIONS = [
    ReplyKind("HTTP/1.0 until the end", _reply(line="HTTP/1.0 200 OK"), "200", CLOSE),
    _last("HTTP/1.0 with a length", _sized("HTTP/1.0 200 OK"), "200"),
    ReplyKind("HTTP/1.0 kept alive", _sized("HTTP/1.0 200 OK", "Connection: keep-alive"), "200"),
    ReplyKind(
        "HTTP/1.0 in chunks", _reply(_CHUNKED, line="HTTP/1.0 200 OK", body=END), "200", CLOSE
    ),
    ReplyKind("Connection: close", _sized("HTTP/1.1 200 OK", "Connection: close"), "200", CLOSE),
    _last("close, but kept", _sized("HTTP/1.1 200 OK", "Connection: close"), "200"),
    ReplyKind("no HTTP at all", b"{}", "none", CLOSE),
    ReplyKind("HTTP/1.2", _sized("HTTP/1.2 200 OK"), "200 broken", NEXT, "200", _VERSIONS),
    ReplyKind("HTTP/2.0", _sized("HTTP/2.0 200 OK"), "200"),
    ReplyKind("HTTP/2", _sized("HTTP/2 200 OK"), "none"),
    ReplyKind("the bytes of HTTP/2", b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80", "none", CLOSE),
    ReplyKind("in small letters", _sized("http/1.1 200 OK"), "none"),
    ReplyKind("ICY", _sized("ICY 200 OK"), "none"),
    ReplyKind("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", "none", HOLD),
    ReplyKind("TLS", b"\x15\x03\x01\x00\x02\x02\x46", "none", CLOSE),
    ReplyKind("a page", b"<html><body>502 Bad Gateway</body></html>\r\n\r\n", "none", CLOSE),
]

STATUSES = [
    ReplyKind("no reason", _sized("HTTP/1.1 200"), "200"),
    ReplyKind("a blank for a reason", _sized("HTTP/1.1 200 "), "200"),
    ReplyKind("a reason in UTF-8", _sized("HTTP/1.1 200 Größe ✓"), "200"),
    ReplyKind("a control character in the reason", _sized("HTTP/1.1 200 O\x01K"), "200"),
    ReplyKind("an unknown status", _sized("HTTP/1.1 299 X"), "299"),
    ReplyKind("two blanks", _sized("HTTP/1.1  200 OK"), "none"),
    ReplyKind("a tab", _sized("HTTP/1.1\t200 OK"), "none"),
    ReplyKind("two digits", _sized("HTTP/1.1 20 OK"), "none"),
    ReplyKind("four digits", _sized("HTTP/1.1 2000 OK"), "none"),
    ReplyKind("a digit and a letter", _sized("HTTP/1.1 2e2 OK"), "none"),
    ReplyKind("no blank behind it", _sized("HTTP/1.1 200OK"), "none"),
    ReplyKind("Arabic digits", _sized("HTTP/1.1 ٢٠٠ OK"), "none"),
    ReplyKind("000", _sized("HTTP/1.1 000 OK"), "none"),
    ReplyKind("600", _sized("HTTP/1.1 600 OK"), "none"),
]

NAMES = [
    _last("a blank in a name", _sized("HTTP/1.1 200 OK", "Bad Name: 1"), "200 broken"),
    ReplyKind(
        "a blank behind a name", _reply("Content-Length : 2"), "200", NEXT, "200 broken", _LENIENT
    ),
    _last("a name without a colon", _sized("HTTP/1.1 200 OK", "nonsense"), "200 broken"),
    _last("no name", _sized("HTTP/1.1 200 OK", ": x"), "200 broken"),
    _last("a name in UTF-8", _sized("HTTP/1.1 200 OK", "Größe: 1"), "200 broken"),
    ReplyKind("a value in UTF-8", _sized("HTTP/1.1 200 OK", "X-Size: Größe ✓"), "200"),
    ReplyKind("a control character in a value", _sized("HTTP/1.1 200 OK", "X: a\x01b"), "200"),
    _last("a zero in a value", _sized("HTTP/1.1 200 OK", "X: a\0b"), "200 broken"),
    _last("a CR in a value", _sized("HTTP/1.1 200 OK", "X: a\rb"), "200 broken"),
    ReplyKind("a value on three lines", _sized("HTTP/1.1 200 OK", "X: a", " b", "\tc"), "200"),
    ReplyKind("a length on the next line", _reply("Content-Length:", " 2"), "200"),
    _last("a line to go on, first", _sized("HTTP/1.1 200 OK", " b"), "200 broken"),
    _last("a name that is none, of a no", _sized(_503, "no colon"), "503 broken"),
    ReplyKind("a header of 90 KB", _sized("HTTP/1.1 200 OK", f"X: {'x' * 90_000}"), "200"),
    ReplyKind("a header of 200 KB", _sized("HTTP/1.1 200 OK", f"X: {'x' * 200_000}"), "none"),
    ReplyKind("1,500 headers", _sized("HTTP/1.1 200 OK", *_MANY), "200"),
    ReplyKind("20,000 headers", _sized("HTTP/1.1 200 OK", *(_MANY * 14)), "none"),
]

ENDS_OF_LINES = [
    ReplyKind("LF", OK.replace(b"\r", b""), "200"),
    ReplyKind("LF before the body only", b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\n{}", "200"),
    _last(
        "LF and two lengths",
        b"HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 3\n\n{}",
        "200 broken",
    ),
    ReplyKind("LF and 204", b"HTTP/1.1 204 No Content\n\n", "204"),
    ReplyKind("CR", OK.replace(b"\n", b""), "none", CLOSE),
    ReplyKind("an empty line before it", b"\r\n" + OK, "200"),
    ReplyKind("empty lines before it", b"\r\n\n\r\n" + OK, "200"),
    ReplyKind("a line before it", b"xyz\r\n" + OK, "none"),
    ReplyKind("a mark of UTF-8 before it", b"\xef\xbb\xbf" + OK, "none"),
    ReplyKind("a blank before it", b" " + OK, "none"),
]

BEHIND = [
    ReplyKind("an empty line behind it", OK + b"\r\n", "200"),
    _last("bytes behind it", OK + b"xyz", "200"),
    _last("a length that is too small", _reply("Content-Length: 1"), "200"),
    _last("a yes behind it", OK + OK, "200"),
    _last("a no behind it", OK + _sized(_503), "200"),
    _last("a no behind chunks", _chunks(END) + _sized(_503), "200"),
    _last("an interim reply behind it", OK + b"HTTP/1.1 100 Continue\r\n\r\n", "200"),
]

KINDS = [
    *(*INTERIM, *BODILESS, *LENGTHS, *CODINGS, *CHUNKS, *CUT, *VERSIONS),
    *(*STATUSES, *NAMES, *ENDS_OF_LINES, *BEHIND),
]
