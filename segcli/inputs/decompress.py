"""Compressed inputs: gzip members and Zstandard frames, unpacked as they are read."""

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from segcli.inputs.stream import CutOffError, ReadError, Stream

# How much is read at a time of what is packed; a bomb costs no memory worth speaking of. A quarter
# of it becomes blocks of odd sizes, memory for which is had from the system each time: a transform
# with two jobs then takes 1.12 times as long.
_BLOCK = 256 * 1024
_TRUNCATED = "Fetch the file again, whole."
_SO_FAR = "The lines before were read."
_SPACE = b" \t\r\n"
_ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"


class Unpacker(Protocol):
    """One member being unpacked, as the decompressors of bz2, lzma and Zstandard do it."""

    @property
    def eof(self) -> bool:
        """Whether its end was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out before more goes in."""

    @property
    def unused_data(self) -> bytes:
        """What went in and stands behind its end."""

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        """Take packed bytes and return unpacked ones, no more than so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """A way to compress: its name, what its members are called, how one is unpacked.

    `command` unpacks files, for people. Behind each member there may be `padding`: tools that join
    members with line breaks leave white space; tapes, and programs that write whole blocks, zeros.
    """

    name: str
    member: str
    command: str
    begins: Callable[[bytes], bool]
    unpacker: Callable[[], Unpacker]
    padding: bytes = _SPACE


def packing_of(start: bytes) -> Packing | None:
    """Tell by an input's first bytes how it is compressed; None where it is not.

    Its name says nothing: some clients unpack an archive as they fetch it.
    """
    return next((packing for packing in (GZIP, ZSTD) if packing.begins(start)), None)


class Unpacked:
    """The members of a compressed stream, one after the other, as one stream."""

    def __init__(self, packed: Stream, packing: Packing) -> None:
        self._packed = packed
        self._packing = packing
        self._member = packing.unpacker()
        self._block = b""

    @property
    def stored(self) -> int:
        """How many compressed bytes were read."""
        return self._packed.stored

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end.

        Raises ReadError where a member is damaged or cut off, behind what was whole.
        """
        while not self._member.eof or self._begins_another():
            block, self._block = self._block, b""
            wants = self._member.needs_input
            if wants and not block:
                block = self._packed.read1(_BLOCK)
            if data := self._unpacked(block, size):
                return data
            if wants and not block and not self._member.eof:
                raise self._cut_off()
        return b""

    def _unpacked(self, block: bytes, size: int) -> bytes:
        try:
            return self._member.decompress(block, size)
        except Exception as error:  # each library has its own, with no ancestor in common
            raise self._failed(str(error)) from None

    def _failed(self, problem: str) -> ReadError:
        name = self._packing.name
        if "too much memory" in problem:
            return ReadError(
                f"its {name} data takes more than 128 MiB of memory to unpack",
                f"Type: {self._packing.command} --long=31 … | segcli … -",
            )
        return ReadError(
            f"its {name} data is damaged, before byte {self.stored:,} ({problem})",
            _TRUNCATED,
            _SO_FAR,
        )

    def _begins_another(self) -> bool:
        """Begin the next member, if one follows."""
        rest = self._behind_padding(self._member.unused_data)
        while rest and len(rest) < len(_ZSTD_FRAME) and (more := self._packed.read1(_BLOCK)):
            rest += more
        if not rest:
            return False
        if not self._packing.begins(rest):
            raise ReadError(
                f"something else follows its {self._packing.name} data, at byte "
                f"{self.stored - len(rest):,}",
                "Remove what follows.",
                _SO_FAR,
            )
        self._member, self._block = self._packing.unpacker(), rest
        return True

    def _behind_padding(self, rest: bytes) -> bytes:
        rest = rest.lstrip(self._packing.padding)
        while not rest and (block := self._packed.read1(_BLOCK)):
            rest = block.lstrip(self._packing.padding)
        return rest

    def _cut_off(self) -> CutOffError:
        return CutOffError(
            f"its {self._packing.name} data is cut off, in the middle of a "
            f"{self._packing.member}, at byte {self.stored:,}",
            _TRUNCATED,
            _SO_FAR,
        )


class _ByZlib:
    """A gzip member unpacked by the standard library."""

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
    """Return the fastest there is. isal has wheels for most machines, not for all."""
    try:
        from isal import igzip_lib  # noqa: PLC0415  # loaded where something is compressed
    except ImportError:
        return _ByZlib()
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _zstd_unpacker() -> Unpacker:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415  # loaded where something is compressed
    else:
        from backports import zstd  # noqa: PLC0415
    return zstd.ZstdDecompressor()


def _begins_zstd(start: bytes) -> bool:
    """Tell a frame, or a skippable one, as parallel compressors write in front."""
    skippable = start[1:4] == _ZSTD_SKIPPABLE and start[0] & 0xF0 == 0x50
    return skippable or start.startswith(_ZSTD_FRAME)


GZIP = Packing(
    name="gzip",
    member="member",
    command="gzip -dc",
    begins=lambda start: start.startswith(b"\x1f\x8b"),
    unpacker=_gzip_unpacker,
    padding=_SPACE + b"\0",
)
ZSTD = Packing(
    name="Zstandard",
    member="frame",
    command="zstd -dc",
    begins=_begins_zstd,
    unpacker=_zstd_unpacker,
)
