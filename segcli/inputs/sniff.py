"""Check the first bytes of an input: refuse what is not NDJSON, before anything is sent."""

import shlex
from codecs import BOM_UTF8

from segcli.errors import InputError
from segcli.inputs.decompress import Packing
from segcli.inputs.input import Input

LOOKED_AT = 16

_PAGES = (b"<!doctype html", b"<html", b"<?xml")
_FOREIGN = (
    (b"\x1f\x8b", "is compressed twice", "gzip -dc"),
    (b"\x28\xb5\x2f\xfd", "is compressed twice", "zstd -dc"),
    (b"BZh", "is bzip2", "bzip2 -dc"),
    (b"\xfd7zXZ\x00", "is xz", "xz -dc"),
    (b"\xff\xfe", "is UTF-16 text", "iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "is UTF-16 text", "iconv -f UTF-16 -t UTF-8"),
    (b"PK\x03\x04", "is a zip archive", "unzip -p"),
)


def check_start(entry: Input, start: bytes, packing: Packing | None = None) -> None:
    """Raise InputError if NDJSON cannot start with these bytes, which are decompressed.

    A file that was not named itself must start with an object.
    """
    for mark, what, command in _FOREIGN:
        if start.startswith(mark):
            raise InputError(
                f"{entry.title} {what}, not lines of JSON", _piped(entry, packing, command)
            )
    text = start.removeprefix(BOM_UTF8).lstrip()
    if text.startswith(b"["):
        raise InputError(
            f"{entry.title} is a JSON array, not lines of JSON",
            _piped(entry, packing, "jq -c '.[]'"),
        )
    if text.startswith((b"{\n", b"{\r\n")):
        raise InputError(
            f"{entry.title} has JSON over several lines, not one line for each event",
            _piped(entry, packing, "jq -c ."),
        )
    if text[:LOOKED_AT].lower().startswith(_PAGES):
        raise InputError(
            f"{entry.title} is a page of HTML or XML, not lines of JSON",
            "An address of a folder ends with a /. An error of a server may be a page too.",
        )
    if entry.found_in and text and not text.startswith(b"{"):
        raise InputError(
            f"{entry.title} is not lines of JSON",
            f"Move it out of {entry.found_in}, or name the files that are: "
            f"{entry.found_in.rstrip('/')}/*.jsonl",
        )


def _piped(entry: Input, packing: Packing | None, command: str) -> str:
    """Return the command to type to read the input through another command."""
    name = shlex.quote(entry.name)
    read = f"{packing.command} {name} | {command}" if packing else f"{command} {name}"
    return f"Type: {read} | segcli … -"
