"""Decoding a reply's body (gzip, deflate, zstd), in bounded pieces."""

import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

# One step of a decoder produces at most this much.
PIECE = 64 * 1024

_MAX_CODINGS = 4
# RFC 9659 allows no larger window in HTTP: 8 MiB.
_ZSTD_WINDOW_LOG = 23


class BodyTooLong(Exception):
    """A body is longer than the limit. All pieces up to the limit were yielded."""


class Undecodable(Exception):
    """A body does not match its Content-Encoding."""


class BodyDecoder:
    """Decodes one body, its last coding first, in bounded memory.

    At most `limit` bytes are taken from the network and from each decoder. So a small body that
    decodes to gigabytes costs no more than a large one, even if only a decoder in the middle
    produces that much. An unknown coding is left out: a body in that coding alone stays as it is.
    Raises Undecodable for too many codings.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        names = [name.strip().lower() for name in content_encoding.split(",")]
        codings = [_CODINGS[name] for name in reversed(names) if name in _CODINGS]
        if len(codings) > _MAX_CODINGS:
            raise Undecodable
        self._layers = [_Layer(coding) for coding in codings]
        self._left = [limit] * (len(codings) + 1)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield the decoded pieces of the next bytes; a piece may be empty.

        The work for a piece is bounded: a caller on an event loop can let other tasks run between
        two pieces. Raises BodyTooLong and Undecodable.
        """
        return self._decode(0, data)

    def finish(self) -> None:
        """Raise Undecodable unless every coding is at its end."""
        if not all(layer.is_whole for layer in self._layers):
            raise Undecodable

    def _decode(self, depth: int, data: bytes) -> Iterator[bytes]:
        left = self._left[depth]
        self._left[depth] = left - len(data)
        if depth == len(self._layers):
            yield data[:left]
        else:
            for piece in self._layers[depth].pieces(data[:left]):
                yield from self._decode(depth + 1, piece)
        if len(data) > left:
            raise BodyTooLong


class _Unpacker(Protocol):
    """Decodes one stream of a coding."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Coding:
    """How a coding is decoded.

    unpacker: creates the decoder of a stream that starts with these bytes.
    repeats: True if a body may hold several streams, one after the other.
    """

    unpacker: Callable[[bytes], _Unpacker]
    repeats: bool


class _Layer:
    """One coding of one body."""

    def __init__(self, coding: _Coding) -> None:
        self._coding = coding
        self._unpacker: _Unpacker | None = None

    @property
    def is_whole(self) -> bool:
        """True at the end of the stream. Also for an empty body, which is often labelled gzip."""
        return self._unpacker is None or self._unpacker.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data or self._has_more:
            unpacker = self._unpacker_for(data)
            try:
                piece = unpacker.decompress(data, PIECE)
            except Exception as error:  # each library has its own classes, without a common base
                raise Undecodable from error
            data = unpacker.unused_data if unpacker.eof else b""
            yield piece

    @property
    def _has_more(self) -> bool:
        """True if it can produce more without further input."""
        unpacker = self._unpacker
        return unpacker is not None and not (unpacker.eof or unpacker.needs_input)

    def _unpacker_for(self, data: bytes) -> _Unpacker:
        """Return the decoder of the next bytes: the current one, or a new one for a new stream."""
        if self._unpacker is None or (self._unpacker.eof and self._coding.repeats):
            self._unpacker = self._coding.unpacker(data)
        elif self._unpacker.eof:
            raise Undecodable
        return self._unpacker


class _Zlib:
    """zlib with the interface of the other decompressors."""

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits)
        self._is_full = False

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        # zlib may have consumed all input and still hold output.
        return not (self._zlib.unconsumed_tail or self._is_full)

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = PIECE, /) -> bytes:
        piece = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._is_full = len(piece) == max_length
        return piece


def _gzip(_: bytes) -> _Unpacker:
    return _Zlib(31)


def _deflate(start: bytes) -> _Unpacker:
    """Return a decoder for a zlib stream, or for raw deflate data, which some servers send."""
    has_zlib_header = start[0] & 0x0F == 8
    return _Zlib(15 if has_zlib_header else -15)


def _zstd(_: bytes) -> _Unpacker:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415  # rarely needed: never requested
    else:
        from backports import zstd  # noqa: PLC0415
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    return zstd.ZstdDecompressor(options=options)


_CODINGS = {
    "gzip": _Coding(_gzip, repeats=True),
    "x-gzip": _Coding(_gzip, repeats=True),
    "deflate": _Coding(_deflate, repeats=False),
    "zstd": _Coding(_zstd, repeats=True),
}
