"""The head of a reply as bytes, for heads that an HTTP library refuses to parse."""

import re
from functools import lru_cache

from segcli.core.reply import is_status

# The longest head that both transports read; it is the limit of httpx.
LONGEST_HEAD = 100 * 1024

# Replies that end with their head, even if it announces a body.
WITHOUT_BODY = frozenset({204, 304})

RawHeaders = tuple[tuple[bytes, bytes], ...]

_STATUS_LINE = re.compile(rb"HTTP/[0-9]\.[0-9] ([0-9]{3})(?: [^\r\n]*)?\r?\n")
_END = re.compile(rb"\n\r?\n")
_START = b"HTTP/"
_INTERIM = re.compile(rb"HTTP/[0-9]\.[0-9] 1(?!01)")
_SWITCHING_PROTOCOLS = 101


def has_whole_head(data: bytes) -> bool:
    """Return True if these bytes hold a complete head."""
    return _END.search(data.lstrip(b"\r\n")) is not None


def may_be_head(data: bytes) -> bool:
    """Return True if these bytes may be the beginning of a head."""
    start = data.lstrip(b"\r\n")[: len(_START)]
    return _START.startswith(start)


def has_begun(data: bytes) -> bool:
    """Return True if these bytes begin with a head."""
    return data.startswith(_START)


def is_interim(head: bytes) -> bool:
    """Return True if another reply follows this one: 1xx, but not 101."""
    return _INTERIM.match(head) is not None


def without_stray(data: bytes) -> bytes:
    """Return the bytes without those before the first head, which belong to no reply.

    Without a head, the last bytes are returned: they may be the beginning of one.
    """
    at = data.find(_START)
    return data[at:] if at >= 0 else data[1 - len(_START) :]


def split_head(data: bytes) -> tuple[bytes, bytes]:
    """Return the first complete head and the rest. Without one: all bytes, and an empty rest."""
    data = data.lstrip(b"\r\n")
    end = _END.search(data)
    return (data[: end.end()], data[end.end() :]) if end else (data, b"")


def final_head(data: bytes) -> tuple[int, RawHeaders] | None:
    """Return the status and the headers of the final reply in these bytes.

    Interim replies (1xx) before it are skipped. None if its head is not complete: without all
    headers the meaning of a status is not known (RFC 9112, section 8).
    """
    while data:
        head, data = split_head(data)
        line = _STATUS_LINE.match(head)
        if not (line and _END.search(head)):
            return None
        status = int(line[1])
        if is_status(status):
            return status, _fields(head[line.end() :])
        if not 100 <= status < 200 or status == _SWITCHING_PROTOCOLS:
            return None
    return None


@lru_cache
def framing_problem(headers: RawHeaders) -> str:
    """Return why these headers do not define the length of a body; "" if they do.

    Two readers may find different lengths, so a reply could end inside a body (RFC 9112,
    section 6.3).
    """
    lengths: list[bytes] = []
    codings: list[bytes] = []
    for name, value in headers:
        match name.lower():
            case b"content-length":
                lengths.append(value)
            case b"transfer-encoding":
                codings.append(value)
            case _:
                pass
    if len(lengths) > 1 or b"," in b"".join(lengths):
        return "more than one Content-Length"
    if codings and lengths:
        return "Content-Length beside Transfer-Encoding"
    if codings and [coding.strip().lower() for coding in codings] != [b"chunked"]:
        return "a Transfer-Encoding other than chunked"
    return ""


def _fields(lines: bytes) -> RawHeaders:
    """Return the headers that can be read, one from each line."""
    pairs = (line.partition(b":") for line in lines.splitlines())
    return tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)
