"""Shared by the tests of compressed inputs: gzip members and Zstandard frames."""

import gzip
import io
import sys
from collections.abc import Callable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Pack = Callable[[bytes], bytes]

SKIPPABLE = b"\x5a\x2a\x4d\x18\x04\x00\x00\x00abcd"


def gz(data: bytes) -> bytes:
    """Return a gzip member that holds a name and a time, as `gzip` writes it."""
    packed = io.BytesIO()
    with gzip.GzipFile("events.jsonl", "wb", fileobj=packed, mtime=1_767_225_600) as file:
        file.write(data)
    return packed.getvalue()


def zst(data: bytes) -> bytes:
    """Return a Zstandard frame with a checksum."""
    options = {zstd.CompressionParameter.checksum_flag: 1}
    return zstd.compress(data, options=options)


PACKS: dict[str, Pack] = {"gzip": gz, "zstd": zst}
