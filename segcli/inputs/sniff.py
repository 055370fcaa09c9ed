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

_BINARY = (
    (b"PAR1", "a Parquet file"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\x7fELF", "a program"),
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
    if what := _binary_kind(start):
        raise InputError(
            f"{entry.title} is {what}, not lines of JSON",
            "Export the events as NDJSON, one JSON object a line, and name that file.",
        )


def _binary_kind(start: bytes) -> str:
    """Return what a binary file is; "" if it may be text. One bad line is not a binary file."""
    for mark, what in _BINARY:
        if start.startswith(mark):
            return what
    is_one_line = len(start) >= LOOKED_AT and b"\n" not in start
    return "binary data" if is_one_line and b"\0" in start and not _is_text(start) else ""


def _is_text(start: bytes) -> bool:
    try:
        start.decode()
    except UnicodeDecodeError as error:
        # The last character may have been cut.
        return error.reason == "unexpected end of data"
    return True


def _piped(entry: Input, packing: Packing | None, command: str) -> str:
    """Return the command to type to read the input through another command."""
    name = shlex.quote(entry.name)
    read = f"{packing.command} {name} | {command}" if packing else f"{command} {name}"
    return f"Type: {read} | segcli … -"
