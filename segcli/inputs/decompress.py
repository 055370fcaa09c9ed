"""Decompress inputs while they are read: gzip members and Zstandard frames."""

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from segcli.inputs.stream import CutOffError, ReadError, Stream

# How many compressed bytes are read at a time. Memory stays bounded for a decompression bomb too.
# Smaller blocks decompress to odd sizes, whose memory comes from the system each time: with 64 KiB,
# a transform with two jobs takes 12 % longer.
_BLOCK = 256 * 1024
_FETCH_AGAIN = "Fetch the whole file again."
_SO_FAR = "The lines before were read."
_SPACE = b" \t\r\n"
_ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"


class Unpacker(Protocol):
    """Decompresses one member, with the interface of the decompressors of bz2 and lzma."""

    @property
    def eof(self) -> bool:
        """True at the end of the member."""

    @property
    def needs_input(self) -> bool:
        """True if it needs more input to produce more."""

    @property
    def unused_data(self) -> bytes:
        """The input after the end of the member."""

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        """Add compressed bytes; return decompressed bytes, at most `max_length`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """A compression format.

    name: its name.
    suffixes: what the names of its files end with.
    member: what its members are called.
    command: the command that decompresses a file, for hints.
    begins: True for bytes that a member begins with.
    unpacker: creates the decompressor of a member.
    padding: bytes that may follow each member. Tools that join members with line breaks leave white
      space there; tapes and block writers leave zeros.
    """

    name: str
    suffixes: tuple[str, ...]
    member: str
    command: str
    begins: Callable[[bytes], bool]
    unpacker: Callable[[], Unpacker]
    padding: bytes = _SPACE


def packing_of(start: bytes) -> Packing | None:
    """Return the compression format by an input's first bytes; None if it is not compressed.

    The name is not used: some clients decompress an archive when they fetch it.
    """
    return next((packing for packing in PACKINGS if packing.begins(start)), None)


def is_named_as_compressed(name: str) -> bool:
    """Return whether the name of a file says that it is compressed. Only reading it tells."""
    return any(name.endswith(packing.suffixes) for packing in PACKINGS)


class Unpacked:
    """The decompressed members of a stream, in order, as one stream."""

    def __init__(self, packed: Stream, packing: Packing) -> None:
        self._packed = packed
        self._packing = packing
        self._member = packing.unpacker()
        self._block = b""

    @property
    def stored(self) -> int:
        """The number of compressed bytes that were read."""
        return self._packed.stored

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end.

        Raises ReadError if a member is damaged or cut off, after the bytes before the damage.
        """
        while not self._member.eof or self._start_next_member():
            block, self._block = self._block, b""
            needs_input = self._member.needs_input
            if needs_input and not block:
                block = self._packed.read1(_BLOCK)
            if data := self._decompress(block, size):
                return data
            if needs_input and not block and not self._member.eof:
                raise self._cut_off_error()
        return b""

    def _decompress(self, block: bytes, size: int) -> bytes:
        try:
            return self._member.decompress(block, size)
        except Exception as error:  # each library has its own classes, without a common base
            raise self._damage_error(str(error)) from None

    def _damage_error(self, problem: str) -> ReadError:
        name = self._packing.name
        if "too much memory" in problem:
            return ReadError(
                f"its {name} data needs more than 128 MiB of memory to unpack",
                f"Type: {self._packing.command} --long=31 … | segcli … -",
            )
        return ReadError(
            f"its {name} data is damaged, before byte {self.stored:,} ({problem})",
            _FETCH_AGAIN,
            _SO_FAR,
        )

    def _start_next_member(self) -> bool:
        """Start the next member; False if none follows."""
        rest = self._without_padding(self._member.unused_data)
        while rest and len(rest) < len(_ZSTD_FRAME) and (more := self._packed.read1(_BLOCK)):
            rest += more
        if not rest:
            return False
        if not self._packing.begins(rest):
            raise ReadError(
                f"something else follows its {self._packing.name} data, at byte "
                f"{self.stored - len(rest):,}",
                "Remove the bytes after it.",
                _SO_FAR,
            )
        self._member, self._block = self._packing.unpacker(), rest
        return True

    def _without_padding(self, rest: bytes) -> bytes:
        rest = rest.lstrip(self._packing.padding)
        while not rest and (block := self._packed.read1(_BLOCK)):
            rest = block.lstrip(self._packing.padding)
        return rest

    def _cut_off_error(self) -> CutOffError:
        return CutOffError(
            f"its {self._packing.name} data is cut off, in the middle of a "
            f"{self._packing.member}, at byte {self.stored:,}",
            _FETCH_AGAIN,
            _SO_FAR,
        )


class _ZlibUnpacker:
    """Decompresses a gzip member with the standard library."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max(max_length, 0))


def _gzip_unpacker() -> Unpacker:
    """Return the fastest one available: isal has wheels for most machines, but not for all."""
    try:
        from isal import igzip_lib  # noqa: PLC0415  # only for compressed inputs
    except ImportError:
        return _ZlibUnpacker()
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _zstd_unpacker() -> Unpacker:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415  # only for compressed inputs
    else:
        from backports import zstd  # noqa: PLC0415
    return zstd.ZstdDecompressor()


def _begins_zstd(start: bytes) -> bool:
    """True for a frame, or for a skippable frame, which parallel compressors write first."""
    skippable = start[1:4] == _ZSTD_SKIPPABLE and start[0] & 0xF0 == 0x50
    return skippable or start.startswith(_ZSTD_FRAME)


GZIP = Packing(
    name="gzip",
    suffixes=(".gz", ".gzip"),
    member="member",
    command="gzip -dc",
    begins=lambda start: start.startswith(b"\x1f\x8b"),
    unpacker=_gzip_unpacker,
    padding=_SPACE + b"\0",
)
ZSTD = Packing(
    name="Zstandard",
    suffixes=(".zst", ".zstd"),
    member="frame",
    command="zstd -dc",
    begins=_begins_zstd,
    unpacker=_zstd_unpacker,
)
PACKINGS = (GZIP, ZSTD)
